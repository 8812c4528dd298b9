"""Partitions to fall back on where the neighbourhood of a design shows no valid one: a slice, and hints corrected.

The design is one of the hints, the slice another. Pinned ops keep their chips by the rule that ships for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np

from chipzinc.correct.problem import Problem
from chipzinc.correct.projection import project
from chipzinc.designs.part import Task
from chipzinc.errors import InfeasibleError
from chipzinc.graph.coarsen import Coarsening, refine
from chipzinc.graph.opgraph import IntArray
from chipzinc.hardware.package import RuleUse
from chipzinc.hints.sources import HintContext, slice_hint
from chipzinc.rules.catalogue import SelectedRule, find_rule
from chipzinc.settle import settle
from chipzinc.solve import Session

_PINNED = "pinned"


def starts(
    session: Session, task: Task, groups: Coarsening, *, solver: str, time_limit_s: float | None
) -> Iterator[IntArray]:
    """Partitions that keep the pins and may well hold, the quickest first: a slice, then each hint corrected in time.

    Args:
        session: where to solve.
        task: the design.
        groups: groups that ops are searched in; those with pinned ops are split.
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit.

    Yields:
        Chip of each op, shape [op].

    Raises:
        InfeasibleError: if no partition of the ops keeps the pins.
        InputError: if a rule or its parameters are wrong.
        SolverError: if the solver fails.
    """
    kept = np.flatnonzero(task.pinned & (task.design >= 0))
    rules = _with_pins(task, kept)
    begin, groups = time.monotonic(), refine(task.graph, groups, ops=kept.tolist())
    hints = _hints(task, groups)
    sliced = groups.expand(hints[0])
    if (sliced[kept] == task.design[kept]).all():
        yield sliced
    if rules is None:
        return
    while True:
        problem = Problem(task.graph, task.package, rules, groups.group_of, task.live_sets)
        left_s = None if time_limit_s is None else time_limit_s - (time.monotonic() - begin)
        if left_s is not None and left_s <= 0:
            return
        try:
            batch = settle(session, problem, hints, mode="fix", solver=solver, time_limit_s=left_s)
            break
        except InfeasibleError:
            if groups.n_groups == task.graph.n_ops:
                raise
            groups = Coarsening.identity(task.graph, groups.op_work)
            hints = _hints(task, groups)
    if batch.interrupted:
        raise KeyboardInterrupt
    for each in batch.corrections:
        if each.group_chip is not None:
            yield groups.expand(each.group_chip)


def _hints(task: Task, groups: Coarsening) -> IntArray:
    """A slice and the design; chip of each group, shape [hint, group]."""
    hard = {selected.name for selected in task.rules if selected.hard}
    context = HintContext(task.graph, task.package, groups, no_jumps="triangle_dependency" in hard)
    hints = np.stack([slice_hint(context), groups.restrict(task.wish)])
    return project(hints, groups.edges, task.package.n_chips, hard)


def _with_pins(task: Task, ops: IntArray) -> tuple[SelectedRule, ...] | None:
    """The hard rules, among them one that keeps ops on the design's chips; None where a user's rule has its name."""
    rules = [selected for selected in task.rules if selected.hard]
    if not len(ops):
        return tuple(rules)
    shipped = find_rule(_PINNED)
    pins = [[task.graph.op_names[op], int(task.design[op])] for op in ops]
    for selected in rules:
        if selected.name == _PINNED:
            if selected.rule.path != shipped.path:
                return None
            own = selected.use.parameters["pins"]
            pins += [list(pin) for pin in (own.items() if isinstance(own, Mapping) else own)]
    others = [selected for selected in rules if selected.name != _PINNED]
    return (*others, SelectedRule(shipped, RuleUse(_PINNED, {"pins": pins})))
