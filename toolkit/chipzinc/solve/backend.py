"""The seams of solving: what a solver must offer (Backend), and what a way to run MiniZinc must offer (Driver).

To add a solver that does not speak MiniZinc's protocol (CP-SAT called as a library, say): write a Backend, and have
``Session`` choose it. To add a way to run MiniZinc itself (another build, another machine): write a Driver; parsing,
flags, time limits and errors are then `MiniZincBackend`'s. Must not know any particular solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chipzinc.solve.request import Event, FlatModel, SolveRequest


class Backend(Protocol):
    """Answers solve requests; may be used from several threads at once."""

    def solve(self, request: SolveRequest) -> Iterator[Event]:
        """Yield events as they happen, `Status` last; closing the iterator ends the run at once.

        Raises:
            InputError: the model or its data is wrong; names file, line and column.
            SolverError: the solver is missing, crashed, or broke its protocol.
        """
        ...

    def flatten(self, request: SolveRequest) -> FlatModel:
        """Compile the request's models and data for its solver; raises as `solve` does."""
        ...

    def close(self) -> None:
        """End every run and every process that belongs to this backend."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A word of a command line that stands for the path of a file the driver holds for the run."""

    name: str


@dataclass(frozen=True, slots=True)
class Exit:
    """How a run ended.

    Args:
        code: 0 if MiniZinc says it went well.
        words: what it said on stderr, or why it broke.
        outputs: the texts of the files it was asked to write; None for one it did not write.
    """

    code: int
    words: str = ""
    outputs: Mapping[str, str | None] | None = None


class Run(Protocol):
    """One run of MiniZinc in progress."""

    #: The folder under which held files appear in MiniZinc's messages.
    folder: str

    def read(self, timeout_s: float | None) -> str | Exit:
        """Return the next line of stdout, or Exit once and at the end; raises TimeoutError."""
        ...

    def kill(self) -> None:
        """End the run, with everything it started, and release what it holds; may be called again."""
        ...


class Driver(Protocol):
    """Starts runs of one MiniZinc."""

    def start(
        self,
        words: Sequence[str | Held],
        texts: Mapping[str, str],
        outputs: Sequence[str] = (),
        program: Path | None = None,
    ) -> Run:
        """Start ``minizinc words`` with held files ``texts``; ``outputs`` are held files that it will write.

        ``program`` is run in place of MiniZinc; only toolchains whose solvers name executables need it.
        """
        ...

    def close(self) -> None:
        """End all runs."""
        ...
