"""The way to solve: a session holds one toolchain, keeps its engines warm and ends all it started.

Must not know rules, graphs or plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from chipzinc.errors import SolverError
from chipzinc.solve import embedded
from chipzinc.solve.backend import Backend
from chipzinc.solve.minizinc_backend import MiniZincBackend
from chipzinc.solve.native import Native
from chipzinc.solve.pool import Pool
from chipzinc.solve.request import Event, FlatModel, SolveRequest
from chipzinc.solve.toolchain import Kind, Toolchain, find_toolchain


class Session:
    """Solves requests with one toolchain; a context manager, and safe to use from several threads.

    Args:
        toolchain: the MiniZinc to use; None for the one that `find_toolchain` finds.
        solver: what the toolchain must have, when it has to be found.
        prefer: the kind to find.
        backend: a backend to use instead of any MiniZinc.

    Raises:
        SolverError: no toolchain suits.
    """

    def __init__(
        self,
        toolchain: Toolchain | None = None,
        *,
        solver: str | None = None,
        prefer: Kind | None = None,
        backend: Backend | None = None,
    ) -> None:
        self.toolchain = toolchain
        if backend is None:
            self.toolchain = toolchain or find_toolchain(solver, prefer)
            backend = _backend(self.toolchain)
        self._backend = backend
        self._open = True

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every run and every process of this session; may be called again."""
        self._open = False
        self._backend.close()

    def solve(self, request: SolveRequest) -> Iterator[Event]:
        """Yield the events of a run as they happen, `Status` last; closing the iterator ends the run at once.

        Raises:
            InputError: the model or its data is wrong; names file, line and column.
            SolverError: the solver is missing, crashed, or broke its protocol.
        """
        self._check()
        yield from self._backend.solve(request)

    def flatten(self, request: SolveRequest) -> FlatModel:
        """Compile the request's models and data for its solver; raises as `solve` does."""
        self._check()
        return self._backend.flatten(request)

    def _check(self) -> None:
        if not self._open:
            raise SolverError("the solver session is closed")


def _backend(toolchain: Toolchain) -> Backend:
    if toolchain.kind == "native":
        return MiniZincBackend(toolchain, Native(toolchain.command))
    pool = Pool(embedded.locate())
    pool.warm()
    return MiniZincBackend(toolchain, pool, Native(toolchain.command))
