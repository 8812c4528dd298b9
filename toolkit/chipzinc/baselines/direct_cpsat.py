"""`solve()`: CP-SAT on a model of the problem written by hand, with its incumbents over time and its own proof.

The opponent in comparisons, not a part of the search. What it finds is scored by the throughput model; rules that an
architect adds are beyond it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from chipzinc.baselines.direct_model import DirectModel, OutOfTime, cp_model
from chipzinc.bounds.simple import simple_bound
from chipzinc.correct.overflow import DYNAMIC_MEMORY_RULE, live_set
from chipzinc.errors import SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.grouping import group_ops
from chipzinc.hardware.package import Package
from chipzinc.render.data import LiveSet
from chipzinc.rules.catalogue import selected_rules
from chipzinc.throughput.model import ThroughputModel

_GRACE_S = 1.0  # in which the solver looks at the clock
_LOOK_S = 0.2

State = Literal["optimal", "feasible", "infeasible", "unknown"]


@dataclass(frozen=True, eq=False)
class Incumbent:
    """A best partition so far.

    Attributes:
        seconds: since the call, building the model included.
        interval_us: as the throughput model scores it.
        chips: chip of each op, shape [op].
    """

    seconds: float
    interval_us: float
    chips: IntArray


@dataclass(frozen=True, eq=False)
class DirectResult:
    """What CP-SAT came to.

    Attributes:
        incumbents: each best so far, in order; every one keeps the rules, memory over time included.
        bound_us: no partition of the groups has a shorter interval.
        state: ``optimal`` (of the groups), ``feasible``, ``infeasible`` (on the groups) or ``unknown``.
        seconds: wall time.
        memory_rounds: times that memory over time overflowed and the model was solved again.
        groups: what moved together.
    """

    incumbents: tuple[Incumbent, ...]
    bound_us: float
    state: State
    seconds: float
    memory_rounds: int
    groups: Coarsening


def solve(
    graph: OpGraph,
    package: Package,
    *,
    time_limit_s: float,
    workers: int = 2,
    seed: int = 0,
    hint: IntArray | None = None,
) -> DirectResult:
    """Minimises the interval with a model of groups on chips by booleans. Ctrl-C is raised as such, at once.

    Args:
        graph: the graph.
        package: the package, whose hard rules bind.
        time_limit_s: wall-clock limit of the whole, building the model included.
        workers: threads of CP-SAT.
        seed: its seed.
        hint: chip of each op to begin with, valid or not, shape [op].

    Raises:
        InputError: if a hard rule is none that the model knows.
        SolverError: if CP-SAT refuses the model.
    """
    begin = time.monotonic()
    deadline = begin + time_limit_s
    rules = [selected for selected in selected_rules(package) if selected.hard]
    groups = group_ops(graph, package, partition=hint)
    judge = ThroughputModel(graph, package)
    least_us = simple_bound(graph, package).value_us
    try:
        model = DirectModel(graph, package, rules, groups, least_us=least_us, deadline=deadline)
    except OutOfTime:
        return DirectResult((), least_us, "unknown", time.monotonic() - begin, 0, groups)
    if hint is not None:
        model.hint(hint)
    heeds_memory = any(selected.name == DYNAMIC_MEMORY_RULE for selected in rules)
    found = _Found(model, judge, begin, heeds_memory=heeds_memory)
    bound_us, rounds = least_us, 0
    while True:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers, solver.parameters.random_seed = workers, seed
        solver.parameters.max_time_in_seconds = max(0.01, deadline - time.monotonic())
        solver.parameters.catch_sigint_signal = False
        status = _run(solver, model.model, found, deadline)
        if status != cp_model.INFEASIBLE:
            bound_us = max(bound_us, (solver.best_objective_bound - model.rounding) * model.unit_us)
        if not found.overflowed or time.monotonic() >= deadline:
            break
        rounds += 1
        for live in found.take_overflows():
            model.forbid(live)
        if found.incumbents:
            model.hint(found.incumbents[-1].chips)
    incumbents, state = tuple(found.incumbents), _state(status, found)
    return DirectResult(incumbents, bound_us, state, time.monotonic() - begin, rounds, groups)


class _Found(cp_model.CpSolverSolutionCallback):
    """Scores what CP-SAT finds; one that overflows a chip's memory over time ends the run."""

    def __init__(self, model: DirectModel, judge: ThroughputModel, begin: float, *, heeds_memory: bool) -> None:
        super().__init__()
        self.incumbents: list[Incumbent] = []
        self.overflowed: list[LiveSet] = []
        self.error: Exception | None = None
        self._model, self._judge, self._begin, self._heeds_memory = model, judge, begin, heeds_memory

    def on_solution_callback(self) -> None:
        """Called by CP-SAT."""
        try:
            self._take(self._model.chips(self.boolean_value))
        except Exception as error:  # CP-SAT would end the whole process
            self.error = error
            self.stop_search()

    def take_overflows(self) -> list[LiveSet]:
        """What has overflowed since the last call."""
        taken, self.overflowed = self.overflowed, []
        return taken

    def _take(self, chips: IntArray) -> None:
        if self._heeds_memory:
            overflows = self._judge.memory.overflows(chips)
            if overflows:
                self.overflowed = sorted({live_set(each) for each in overflows}, key=lambda live: live.holders)
                self.stop_search()
                return
        interval_us = float(self._judge.evaluate(chips).interval_us[0])
        if not self.incumbents or interval_us < self.incumbents[-1].interval_us:
            self.incumbents.append(Incumbent(time.monotonic() - self._begin, interval_us, chips))


def _run(solver: cp_model.CpSolver, model: cp_model.CpModel, found: _Found, deadline: float) -> Any:
    """Solves in a thread, so that Ctrl-C reaches Python.

    Raises:
        SolverError: if CP-SAT refuses the model, or does not stop in time.
    """
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(solver.solve(model, found)), name="cp-sat", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK_S)
            if time.monotonic() > deadline + _GRACE_S:
                solver.stop_search()
    except BaseException:
        solver.stop_search()
        raise
    if found.error is not None:
        raise found.error
    if not said or said[0] == cp_model.MODEL_INVALID:
        raise SolverError(f"CP-SAT refuses the direct model: {model.validate()[:200]}")
    return said[0]


def _state(status: Any, found: _Found) -> State:
    if status == cp_model.OPTIMAL and not found.overflowed:
        return "optimal"
    if status == cp_model.INFEASIBLE:
        return "infeasible"
    return "feasible" if found.incumbents else "unknown"
