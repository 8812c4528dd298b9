"""The least that some ops of a design have to move, judged on these ops alone.

A hereditary rule that forbids something on a part of a graph forbids it on the whole, so that what is proven on a part
is proven for every partition. Knows which rules carry over to a part, and nothing of what they say.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from chipzinc.errors import SolverError
from chipzinc.graph.coarsen import Coarsening, refine
from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.data import LiveSet, part_data, problem_data
from chipzinc.render.model import render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text

TEMPLATE = "mend.mzn.j2"

FALLBACK = "gecode"
"""Solver that is asked where another one fails."""


@dataclass(frozen=True, eq=False)
class Task:
    """A design to be mended.

    Attributes:
        graph: the graph.
        package: the package.
        rules: the rules.
        design: chip of each op, -1 where it is open, shape [op].
        wish: chip that each op would best take; the design's where it has one, shape [op].
        price: what it costs to move each op, at least 1 where the design gives it a chip, shape [op].
        pinned: ops that may not move, shape [op].
        live_sets: overflows of memory over time that may not be repeated.
    """

    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    design: IntArray
    wish: IntArray
    price: IntArray
    pinned: BoolArray
    live_sets: tuple[LiveSet, ...] = ()

    @cached_property
    def elsewhere(self) -> IntArray:
        """Chip that each op would best take if it alone moves; shape [op]."""
        return np.where(self.design < 0, self.wish, self.beside(np.zeros(self.graph.n_ops, dtype=np.bool_)))

    def beside(self, moved: BoolArray) -> IntArray:
        """Chip that each op would best take if some move: the lower median of its neighbours' that stay; shape [op].

        Where few ops are wrong it is the chip of a right neighbour, so that no chip feeds another that did not before.

        Args:
            moved: the ops that move, shape [op].
        """
        edges = self.graph.edges
        near = np.concatenate([edges, edges[:, ::-1]])
        near = near[~moved[near[:, 1]]]
        near = near[np.lexsort((self.wish[near[:, 1]], near[:, 0]))]
        count = np.bincount(near[:, 0], minlength=self.graph.n_ops)
        middle = np.cumsum(count) - count + (count - 1) // 2
        chips = self.wish.copy()
        has = np.flatnonzero(count)
        chips[has] = self.wish[near[middle[has], 1]]
        return chips

    def neighbours(self, ops: BoolArray) -> BoolArray:
        """Ops and those that edges join to them; shape [op]."""
        edges = self.graph.edges
        near = ops.copy()
        near[edges[ops[edges[:, 0]], 1]] = True
        near[edges[ops[edges[:, 1]], 0]] = True
        return near

    def cost(self, chips: IntArray) -> int:
        """What it costs to change the design into a partition."""
        return int(self.price[self.moved(chips)].sum())

    def moved(self, chips: IntArray) -> BoolArray:
        """Ops that a partition moves away from the design's chip; shape [op]."""
        return np.asarray((self.design >= 0) & (chips != self.design))

    def with_live_sets(self, live_sets: Sequence[LiveSet]) -> Task:
        """The same task with more overflows that may not be repeated."""
        new = [live for live in dict.fromkeys(live_sets) if live not in self.live_sets]
        return replace(self, live_sets=(*self.live_sets, *new))


@dataclass(frozen=True, eq=False)
class Found:
    """What a solver said of a part.

    Attributes:
        chips: chip of each op of the part in the cheapest assignment found, shape [kept]; None if none was.
        others: ops outside the part that have to move as well, for a cut's sake.
        cost: what it costs.
        bound: proven: no assignment costs less. Above every cost where there is none at all.
        proven: whether the cheapest assignment is proven to be that, or proven not to exist.
        seconds: wall time.
    """

    chips: IntArray | None
    cost: int | None
    bound: int
    proven: bool
    seconds: float
    others: tuple[int, ...] = ()

    @property
    def impossible(self) -> bool:
        """Whether it is proven that no assignment exists at all."""
        return self.proven and self.chips is None


def carries(selected: SelectedRule) -> bool:
    """Whether a rule carries over from a part of the graph to the whole."""
    return selected.rule.carries_over


def mend_part(
    session: Session,
    task: Task,
    ops: IntArray,
    *,
    solver: str,
    rules: Sequence[SelectedRule] | None = None,
    cuts: Sequence[tuple[int, ...]] = (),
    least: int = 0,
    most: int | None = None,
    time_limit_s: float | None = None,
) -> Found:
    """The cheapest assignment of some ops that keeps the rules which carry over to a part.

    Args:
        session: where to solve.
        task: the design.
        ops: the part, increasing, shape [kept]; of all ops, rules count that do not carry over to a part.
        solver: a solver.
        rules: the rules that count, if they can; None: the task's.
        cuts: sets of ops, inside the part or not, proven elsewhere not to keep all the design's chips.
        least: a cost proven elsewhere to be the least.
        most: only assignments that cost at most this are wanted.
        time_limit_s: wall-clock limit.

    Raises:
        InputError: if a rule or its parameters are wrong.
        SolverError: if the solver fails.
    """
    whole = len(ops) == task.graph.n_ops
    used = tuple(each for each in (rules or task.rules) if each.hard and (whole or carries(each)))
    data = part_data(task.graph, task.package, used, ops, task.live_sets)
    given = task.design[ops] >= 0
    place = {int(op): at for at, op in enumerate(ops)}
    outside = sorted({op for cut in cuts for op in cut if op not in place and not task.pinned[op]})
    found = _mend(
        session,
        task,
        used,
        data | _cuts(cuts, place, {op: at for at, op in enumerate(outside)}, task.price[outside]),
        design=task.design[ops],
        wish=task.elsewhere[ops],
        price=np.where(given, task.price[ops], 0),
        pinned=task.pinned[ops] & given,
        solver=solver,
        least=least,
        most=most,
        time_limit_s=time_limit_s,
    )
    return replace(found, others=tuple(outside[at] for at in found.others))


def _cuts(
    cuts: Sequence[tuple[int, ...]], place: Mapping[int, int], outside: Mapping[int, int], price: IntArray
) -> dict[str, Any]:
    return {
        "n_others": len(outside),
        "other_cost": price.tolist(),
        "cut_groups": [{"set": sorted(place[op] + 1 for op in cut if op in place)} for cut in cuts],
        "cut_others": [{"set": sorted(outside[op] + 1 for op in cut if op in outside)} for cut in cuts],
    }


def mend_around(
    session: Session,
    task: Task,
    free: BoolArray,
    groups: Coarsening,
    *,
    solver: str,
    least: int = 0,
    most: int | None = None,
    time_limit_s: float | None = None,
) -> Found:
    """The cheapest partition of the whole graph that moves some ops only and leaves all others at their wish.

    Every hard rule counts. What is found is a partition of the whole; that none is found proves nothing beyond these
    ops.

    Args:
        session: as for `mend_part`.
        task: the design.
        free: ops that may move, shape [op]; pinned ones among them do not.
        groups: the groups that ops which may not move, or which the design leaves open, are searched in.
        solver: as for `mend_part`.
        least: as for `mend_part`.
        most: as for `mend_part`.
        time_limit_s: as for `mend_part`.

    Returns:
        What was found; its chips are those of all ops, shape [op].
    """
    used = tuple(each for each in task.rules if each.hard)
    split = np.flatnonzero(free & (task.design >= 0))
    groups = refine(task.graph, groups, ops=split.tolist(), partition=np.where(free, -1, task.wish))
    first = groups.members.ids[groups.members.starts[:-1]]
    pinned = (~free | (task.pinned & (task.design >= 0)))[first]
    given = (task.design >= 0)[first]
    found = _mend(
        session,
        task,
        used,
        problem_data(task.graph, task.package, used, groups.group_of, task.live_sets) | _cuts((), {}, {}, first[:0]),
        design=np.where(pinned, task.wish[first], task.design[first]),
        wish=task.elsewhere[first],
        price=np.where(given & ~pinned, task.price[first], 0),
        pinned=pinned,
        solver=solver,
        least=least,
        most=most,
        time_limit_s=time_limit_s,
    )
    return found if found.chips is None else replace(found, chips=groups.expand(found.chips))


def _mend(
    session: Session,
    task: Task,
    rules: tuple[SelectedRule, ...],
    data: dict[str, Any],
    *,
    design: IntArray,
    wish: IntArray,
    price: IntArray,
    pinned: BoolArray,
    solver: str,
    least: int,
    most: int | None,
    time_limit_s: float | None,
) -> Found:
    """Renders and solves; all arrays have the shape [group]."""
    dearest = int(price[~pinned].sum()) + sum(data["other_cost"])
    most = dearest if most is None else min(most, dearest)
    if least > most:
        return Found(None, None, least, True, 0.0)
    data |= {
        "design": design.tolist(),
        "wish": wish.tolist(),
        "move_cost": price.tolist(),
        "pinned": {"set": (np.flatnonzero(pinned) + 1).tolist()},
        "least_cost": least,
        "most_cost": most,
    }
    text = render_text(TEMPLATE, task.graph, task.package, rules)
    request = SolveRequest(
        solver=solver,
        models=(Text("mend.mzn", text),),
        data=(Text("mend.json", json.dumps(data, separators=(",", ":"))),),
        time_limit_s=time_limit_s,
        statistics=False,
    )
    begin = time.monotonic()
    try:
        chips, others, status = _last(session, request)
    except SolverError:
        # Embedded Chuffed may break off where a constraint fails as soon as it is posted.
        if solver == FALLBACK or session.toolchain is None or not session.toolchain.has(FALLBACK):
            raise
        left = None if time_limit_s is None else max(0.1, time_limit_s - (time.monotonic() - begin))
        chips, others, status = _last(session, replace(request, solver=FALLBACK, time_limit_s=left))
    cost = None
    if chips is not None:
        cost = int(price[(chips != design) & ~pinned].sum()) + sum(data["other_cost"][at] for at in others)
    bound = (most + 1 if cost is None else cost) if status.conclusive else least
    return Found(chips, cost, bound, status.conclusive, status.seconds, others)


def _last(session: Session, request: SolveRequest) -> tuple[IntArray | None, tuple[int, ...], Status]:
    """Chips of the last solution, if any, the others that it moves, and how the run ended."""
    chips: IntArray | None = None
    others: tuple[int, ...] = ()
    status = Status("UNKNOWN", 0.0)
    for event in session.solve(request):
        if isinstance(event, Solution):
            chips = np.array(event.values["group_chip"], dtype=np.int64)
            others = tuple(np.flatnonzero(event.values["other_moved"]).tolist())
        elif isinstance(event, Status):
            status = event
    return chips, others, status
