"""Correction with memory over time: what overflows goes back to the solver until nothing does.

The throughput model finds sets of tensors alive together on a chip that cannot hold them; each becomes a constraint
for every chip, and the samples that overflowed are corrected anew.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipzinc.correct.batch import Correction, fix, sample
from chipzinc.correct.problem import Mode, Problem
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import IntArray
from chipzinc.render.data import LiveSet
from chipzinc.solve import Session
from chipzinc.throughput.memory import MemoryModel, Overflow

DYNAMIC_MEMORY_RULE = "memory_capacity"


@dataclass(frozen=True, eq=False)
class CorrectedBatch:
    """A batch after the last round.

    Attributes:
        problem: the problem with every overflow that was fed back.
        corrections: one a sample; one that never fitted is timed out.
        rounds: times that overflows went back to the solver.
        render_s: wall time of rendering models and their data.
        solve_s: wall time of all solver calls, compilation included.
        interrupted: whether Ctrl-C ended it before its time.
    """

    problem: Problem
    corrections: list[Correction]
    rounds: int
    render_s: float
    solve_s: float
    interrupted: bool = False


def correct(
    session: Session,
    problem: Problem,
    rankings: IntArray,
    *,
    mode: Mode,
    solver: str,
    time_limit_s: float | None = None,
    progress: Callable[[int], None] = lambda corrected: None,
) -> CorrectedBatch:
    """Corrects hints so that memory holds over time as well.

    Ctrl-C ends it early, with what it has by then, and so does a solver that fails after it has corrected something.

    Args:
        session: where to solve.
        problem: the graph, package, rules and groups.
        rankings: chips of each group from the most to the least wanted, shape [sample, group, chip]; FIX reads the
            first of each, as [sample, group] if that is all there is.
        mode: ``fix`` or ``sample``.
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit of all rounds together.
        progress: called with the number of samples corrected so far.

    Raises:
        InfeasibleError: if no valid partition of the groups exists.
        InputError: if a rule file or parameter is wrong.
        SolverError: if the solver fails before it has corrected anything.
    """
    memory = MemoryModel(problem.graph, problem.package) if _checks_memory(problem) else None
    wishes = rankings[..., 0] if mode == "fix" and rankings.ndim == 3 else rankings
    search = fix if mode == "fix" else sample
    corrections: list[Correction] = [Correction(s, None, 0.0) for s in range(len(wishes))]
    waiting, rounds, begin = np.arange(len(wishes)), 0, time.monotonic()
    render_s, solve_s, interrupted, failed = 0.0, 0.0, False, False
    while True:
        left = None if time_limit_s is None else time_limit_s - (time.monotonic() - begin)
        if left is not None and left <= 0:
            break
        called = time.monotonic()
        try:
            for correction in search(session, problem, wishes[waiting], solver=solver, time_limit_s=left):
                place = int(waiting[correction.sample])
                corrections[place] = dataclasses.replace(correction, sample=place)
                progress(sum(each.group_chip is not None for each in corrections))
        except KeyboardInterrupt:
            interrupted = True
        except SolverError:
            if all(each.group_chip is None for each in corrections):
                raise
            failed = True
        render_s += problem.render_s
        solve_s += time.monotonic() - called - problem.render_s
        overflows = {} if memory is None else _overflows(memory, problem, corrections, waiting)
        if not overflows:
            break
        rounds += 1
        waiting = np.array(sorted(overflows))
        for place in overflows:
            corrections[place] = Correction(place, None, corrections[place].seconds)
        found = {live_set(overflow) for of_sample in overflows.values() for overflow in of_sample}
        problem = problem.with_live_sets(sorted(found - set(problem.live_sets), key=lambda live: live.holders))
        if interrupted or failed:
            break
    return CorrectedBatch(problem, corrections, rounds, render_s, solve_s, interrupted)


def _checks_memory(problem: Problem) -> bool:
    return any(selected.name == DYNAMIC_MEMORY_RULE and selected.hard for selected in problem.rules)


def _overflows(
    memory: MemoryModel, problem: Problem, corrections: list[Correction], waiting: IntArray
) -> dict[int, list[Overflow]]:
    found = {}
    for place in waiting.tolist():
        group_chip = corrections[place].group_chip
        overflows = [] if group_chip is None else memory.overflows(group_chip[problem.group_of])
        if overflows:
            found[place] = overflows
    return found


def live_set(overflow: Overflow) -> LiveSet:
    """An overflow as the constraint that keeps it from happening again, on any chip."""
    holders = tuple(tuple(overflow.holders[row].tolist()) for row in range(len(overflow.tensors)))
    return LiveSet(overflow.live_bytes, holders)
