"""`explain()`: why a design or a graph has no valid partition, and what would help.

A conflict is proven by a solver; so is every suggestion, by a partition that was found and re-checked. Knows neither
files nor lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from chipzinc.correct.overflow import DYNAMIC_MEMORY_RULE
from chipzinc.designs.completion import completed
from chipzinc.designs.conflict import Conflict, Deadline, from_fault, shrink
from chipzinc.designs.judgement import judge_design
from chipzinc.designs.part import Task, carries, mend_part
from chipzinc.designs.search import Progress, Search
from chipzinc.errors import InfeasibleError, NoAnswerError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.hardware.demand import op_io_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.hardware.variants import with_more_chips, with_sram
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session

CONFLICT_SHARE = 0.5
"""Share of the time for conflicts."""

LAST_SHARE = 0.9
"""Share of the time after which nothing is tried for suggestions; the rest is for ending what is under way."""

SRAM_PRECISION = 0.02
"""Share within which the smallest SRAM is looked for."""

SMALL_OPS = 60
"""Graphs of up to so many ops are asked about as a whole where a yes or a no is all that is wanted."""

MOST_CHIPS = 4
"""More chips are looked for up to this many times as many."""


@dataclass(frozen=True)
class Suggestion:
    """A change with which a valid partition exists, since one was found; or that changes of its kind are not enough.

    Attributes:
        change: ``moves`` (ops of the design), ``sram`` (bytes of every chip) or ``chips`` (of the package).
        to: how many ops, bytes or chips; None where not even `not_enough` of them are.
        not_enough: the largest tried with which none was found.
        proven: whether it is proven that `not_enough` has none.
        ops: the ops that move.
    """

    change: Literal["moves", "sram", "chips"]
    to: int | None
    not_enough: int
    proven: bool
    ops: tuple[int, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why there is no valid partition.

    Attributes:
        feasible: whether there is one after all, so that nothing is to explain.
        conflicts: what cannot hold together; no op is in two of them.
        more: violated instances that share an op with one of the conflicts.
        suggestions: what would help.
    """

    feasible: bool
    conflicts: tuple[Conflict, ...] = ()
    more: int = 0
    suggestions: tuple[Suggestion, ...] = ()


def explain(
    session: Session,
    task: Task,
    groups: Coarsening,
    *,
    solver: str = "chuffed",
    time_limit_s: float | None = None,
    progress: Progress = lambda step: None,
) -> Explanation:
    """Finds out why a design cannot be completed, or a graph not be partitioned at all.

    Args:
        session: where to solve.
        task: the design; every chip that it gives is meant.
        groups: groups that open ops may be searched in.
        solver: a solver.
        time_limit_s: wall-clock limit.
        progress: called with what is being done.

    Raises:
        NoAnswerError: if neither a partition nor a conflict was found in time.
        InputError: if a rule or its parameters are wrong.
    """
    deadline, last = (
        Deadline(None if time_limit_s is None else share * time_limit_s) for share in (CONFLICT_SHARE, LAST_SHARE)
    )
    pinned = replace(task, pinned=task.design >= 0)
    progress("judging what the design gives")
    judgement = judge_design(session, task.graph, task.package, task.rules, task.design, time_limit_s=time_limit_s)
    faults = [fault for fault in judgement.faults if fault.hard]
    conflicts: list[Conflict] = []
    more = 0
    for fault in sorted(faults, key=lambda fault: len(fault.witness.ops)):
        taken = {op for conflict in conflicts for op in conflict.given}
        if taken & set(fault.witness.ops) or (conflicts and deadline.passed):
            more += 1
            continue
        progress(f"conflict {len(conflicts) + 1}: {fault.violation.rule}")
        found = from_fault(session, pinned, fault, deadline)
        conflicts += [found] if found else []
    if not conflicts:
        parts = _without_place(session, pinned, groups, solver, deadline, progress)
        if parts is None:
            return Explanation(True)
        ops, rules = parts
        progress(f"shrinking a conflict of {len(ops)} ops")
        conflicts.append(shrink(session, replace(pinned, rules=rules), ops, solver=solver, deadline=deadline))
    suggestions = tuple(_suggestions(session, task, groups, solver, conflicts, last, progress))
    return Explanation(False, tuple(conflicts), more, suggestions)


def _without_place(
    session: Session, task: Task, groups: Coarsening, solver: str, deadline: Deadline, progress: Progress
) -> tuple[list[int], tuple[SelectedRule, ...]] | None:
    """Ops that have no place together beside the given chips, and the rules that say so; None if all have one.

    Raises:
        NoAnswerError: if neither is known in time.
    """
    search = Search(session, task, groups, solver, deadline.left_s, progress)
    try:
        search.run()
    except InfeasibleError:
        cut = [op for cut in search.cuts for op in cut if task.pinned[list(cut)].all()]
        return np.flatnonzero(search.inside).tolist() or cut, (search.guilty,) if search.guilty else task.rules
    if search.best is None:
        raise NoAnswerError("neither a valid partition nor a proof that there is none was found: allow more time")
    return None


def _suggestions(
    session: Session,
    task: Task,
    groups: Coarsening,
    solver: str,
    conflicts: list[Conflict],
    deadline: Deadline,
    progress: Progress,
) -> Iterator[Suggestion]:
    if any(conflict.given for conflict in conflicts) and not deadline.passed:
        progress("looking for the fewest ops to move")
        search = Search(session, task, groups, solver, deadline.left_s, progress)
        try:
            search.run()
        except InfeasibleError:
            search.best = None
        if search.best is not None:
            moved = np.flatnonzero(task.moved(search.best[0]))
            proven = task.cost(search.best[0]) <= search.least
            yield Suggestion("moves", len(moved), len(moved) - 1, proven, tuple(moved.tolist()))
        return
    if any(rule.name == DYNAMIC_MEMORY_RULE for conflict in conflicts for rule in conflict.rules):
        yield from _smallest_sram(session, task, groups, solver, conflicts[0], deadline, progress)
    yield from _fewest_chips(session, task, groups, solver, conflicts[0], deadline, progress)


def _smallest_sram(
    session: Session,
    task: Task,
    groups: Coarsening,
    solver: str,
    conflict: Conflict,
    deadline: Deadline,
    progress: Progress,
) -> Iterator[Suggestion]:
    weights, io = weight_bytes(task.graph, task.package), op_io_bytes(task.graph, task.package)
    low, high = int(task.package.sram_bytes.min()), int(weights.sum() + io.sum())
    step = max(1, int(SRAM_PRECISION * low))
    found = _least(
        low,
        high,
        step,
        lambda size: _exists(
            session, replace(task, package=with_sram(task.package, size)), groups, solver, conflict, deadline
        ),
        lambda size: progress(f"trying {size / 2**20:.2f} MiB of SRAM"),
        deadline,
    )
    yield Suggestion("sram", *found)


def _fewest_chips(
    session: Session,
    task: Task,
    groups: Coarsening,
    solver: str,
    conflict: Conflict,
    deadline: Deadline,
    progress: Progress,
) -> Iterator[Suggestion]:
    n_chips = task.package.n_chips
    if with_more_chips(task.package, 1) is None:
        return

    def exists(chips: int) -> bool | None:
        package: Package | None = with_more_chips(task.package, chips - n_chips)
        if package is None:
            return None
        return _exists(session, replace(task, package=package), groups, solver, conflict, deadline)

    found = _least(n_chips, MOST_CHIPS * n_chips, 1, exists, lambda chips: progress(f"trying {chips} chips"), deadline)
    yield Suggestion("chips", *found)


def _least(
    low: int,
    high: int,
    step: int,
    exists: Callable[[int], bool | None],
    tell: Callable[[int], None],
    deadline: Deadline,
) -> tuple[int | None, int, bool]:
    """(the least that is enough, if any, the most that is not, whether that is proven), within `step`.

    The most is tried first, then more and more in doubling steps, then the middle.
    """
    tell(high)
    answer = exists(high)
    if not answer:
        return None, high, answer is False
    enough, proven, reach = high, True, step
    while enough - low > step and not deadline.passed:
        trial = low + reach if low + reach < enough else (low + enough) // 2
        tell(trial)
        answer = exists(trial)
        if answer:
            enough, reach = trial, enough  # from here on the middle
        else:
            low, proven, reach = trial, answer is False, 2 * reach
    return enough, low, proven


def _exists(
    session: Session, task: Task, groups: Coarsening, solver: str, conflict: Conflict, deadline: Deadline
) -> bool | None:
    """Whether a valid partition keeps the design; None if it is not known in the share of time it gets.

    The old conflict is asked about first: it may well still be one.
    """
    wish = completed(task.graph, task.package, groups, task.design)
    pinned = replace(task, pinned=task.design >= 0, wish=wish)
    ops = np.array(sorted({*conflict.given, *conflict.open}), dtype=np.int64)
    if 0 < len(ops) < task.graph.n_ops and all(carries(rule) for rule in conflict.rules):
        limit_s = deadline.left_s
        still = mend_part(session, pinned, ops, solver=solver, rules=conflict.rules, time_limit_s=limit_s)
        if still.impossible:
            return False
    left = deadline.left_s
    search = Search(session, pinned, groups, solver, left and left / 4, lambda _: None)
    try:
        if task.graph.n_ops <= SMALL_OPS:
            search.whole()
        else:
            search.run()
    except InfeasibleError:
        return False
    return True if search.best is not None else None
