"""`Problem`: a graph, a package and its rules, with the groups that move together, compiled for a solver once.

Compiled models are kept: the hints of batch after batch are added to the same flat model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.blame import blaming
from chipzinc.render.data import LiveSet, problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import FlatModel, Session, SolveRequest, Text, Toolchain

Mode = Literal["fix", "sample"]


@dataclass(frozen=True)
class Compiled:
    """A flat model and what it took.

    Attributes:
        flat: the model.
        render_s: wall time of rendering the model and its data.
        compile_s: wall time of MiniZinc.
    """

    flat: FlatModel
    render_s: float
    compile_s: float


@dataclass(frozen=True, eq=False)
class Problem:
    """What corrections of one graph share.

    Attributes:
        graph: the graph.
        package: the package.
        rules: the selected rules; only hard ones bind.
        group_of: group of each op, 0..n-1 without a hole, shape [op].
        live_sets: overflows of memory over time seen so far, which no correction may repeat.
    """

    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    group_of: IntArray
    live_sets: tuple[LiveSet, ...] = ()
    _compiled: dict[tuple[Toolchain | None, str, str, int, bytes], Compiled] = field(default_factory=dict, repr=False)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group_of.max()) + 1

    @property
    def render_s(self) -> float:
        """Wall time of rendering all models of this problem."""
        return sum(compiled.render_s for compiled in self._compiled.values())

    def with_live_sets(self, live_sets: Sequence[LiveSet]) -> Problem:
        """The same problem with more overflows that no correction may repeat."""
        return replace(self, live_sets=(*self.live_sets, *live_sets), _compiled={})

    def visiting_order(self) -> IntArray:
        """Groups by their first op, hence in topological order; shape [group]."""
        _, first = np.unique(self.group_of, return_index=True)
        return np.argsort(first, kind="stable")

    def compiled(
        self,
        session: Session,
        solver: str,
        mode: Mode,
        n_samples: int,
        order: IntArray,
        time_limit_s: float | None,
    ) -> Compiled:
        """The flat model of a search, without hints.

        Args:
            session: where to compile.
            solver: the solver it is for.
            mode: the search.
            n_samples: most samples of a batch.
            order: groups in visiting order, shape [group].
            time_limit_s: wall-clock limit.

        Raises:
            InputError: if a rule file or a parameter is wrong.
            SolverError: if MiniZinc fails or takes too long.
        """
        key = (session.toolchain, solver, mode, n_samples, order.tobytes())
        if key not in self._compiled:
            begin = time.monotonic()
            request = self._request(solver, mode, n_samples, order, time_limit_s)
            rendered = time.monotonic()
            with blaming(self.rules, next(model.text for model in request.models if isinstance(model, Text))):
                flat = session.flatten(request)
            self._compiled[key] = Compiled(flat, rendered - begin, time.monotonic() - rendered)
        return self._compiled[key]

    def _request(
        self, solver: str, mode: Mode, n_samples: int, order: IntArray, time_limit_s: float | None
    ) -> SolveRequest:
        data = problem_data(self.graph, self.package, self.rules, self.group_of, self.live_sets) | {
            "n_samples": n_samples,
            "n_hints": 0,
            "visiting_order": (order + 1).tolist(),
            ("hint" if mode == "fix" else "ranked_chip"): [],
        }
        text = render_text(PARTITION_TEMPLATE, self.graph, self.package, self.rules, search=mode)
        return SolveRequest(
            solver=solver,
            models=(Text("partition.mzn", text),),
            data=(Text("partition.json", json.dumps(data, separators=(",", ":"))),),
            time_limit_s=time_limit_s,
        )
