"""`settle()`: hints that hold stay as they are, and the solver corrects the others.

FIX leaves a valid hint as it is, so that asking the rules about all of a batch at once, a second's work, spares the
solver what most of its time would go to: where edges may lead past many chips, as in unrolled recurrent networks.
Elsewhere it corrects a batch before the rules have answered. Hints on which the solver is stuck are asked once
more without triangles of chips and without chips left out, however far that moves them. Knows no graph format and no
command line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np

from chipzinc.correct.batch import Correction
from chipzinc.correct.overflow import CorrectedBatch, correct
from chipzinc.correct.problem import Mode, Problem
from chipzinc.correct.untangle import close_up, triangle_edges, untangle_wholly
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import BoolArray, IntArray
from chipzinc.render.groups import lead_far
from chipzinc.solve import Session
from chipzinc.verify import verify

_CHECK_SHARE = 0.25
"""Most of a batch's time for asking which hints hold."""

_FIRST_SHARE = 0.2
"""Of the time for the solver, what it has for hints as they are where some may be asked once more."""

_LEAST_CHECK_S = 0.1
"""Time below which nothing is asked, and the solver has it all."""


def settle(
    session: Session,
    problem: Problem,
    wishes: IntArray,
    *,
    mode: Mode,
    solver: str,
    time_limit_s: float | None = None,
    progress: Callable[[int], None] = lambda corrected: None,
) -> CorrectedBatch:
    """Corrects a batch as `chipzinc.correct.overflow.correct` does, whose arguments these are.

    The result is the same, but for hints that a fifth of the time, compilation included, does not correct; those with
    triangles of chips or chips left out are mended first. The solver has all of it under ``sample``, where it is fast,
    and where there is no time to ask the rules.

    Raises:
        InfeasibleError: if no valid partition of the groups exists.
        InputError: if a rule or a parameter is wrong.
        SolverError: if the solver fails, and no hint holds.
    """
    begin = time.monotonic()
    check_s = math.inf if time_limit_s is None else time_limit_s * _CHECK_SHARE
    asks = mode == "fix" and len(wishes) > 0 and check_s >= _LEAST_CHECK_S and _solves_slowly(problem)
    holds = _holding(session, problem, wishes, check_s) if asks else np.zeros(len(wishes), dtype=np.bool_)
    kept, others = np.flatnonzero(holds).tolist(), np.flatnonzero(~holds)
    checked_s = time.monotonic() - begin
    batch = CorrectedBatch(problem, [], 0, 0.0, 0.0)
    if kept:
        progress(len(kept))
    try:
        if len(others) or not kept:
            left_s = None if time_limit_s is None else max(1e-3, time_limit_s - checked_s)
            batch = _corrected(
                session, problem, wishes[others], mode, solver, left_s, lambda done: progress(len(kept) + done)
            )
    except SolverError:
        if not kept:
            raise
    corrections = [Correction(sample, None, 0.0) for sample in range(len(wishes))]
    for sample in kept:
        corrections[sample] = Correction(sample, wishes[sample], checked_s / len(kept))
    for each in batch.corrections:
        corrections[others[each.sample]] = dataclasses.replace(each, sample=int(others[each.sample]))
    return dataclasses.replace(batch, corrections=corrections, solve_s=batch.solve_s + checked_s)


def _corrected(
    session: Session,
    problem: Problem,
    wishes: IntArray,
    mode: Mode,
    solver: str,
    time_limit_s: float | None,
    progress: Callable[[int], None],
) -> CorrectedBatch:
    """What the solver makes of wishes, and of those that it is stuck on, mended."""
    begin = time.monotonic()
    mends = _mends(problem, wishes) if mode == "fix" else np.zeros(len(wishes), dtype=np.bool_)
    if time_limit_s is None or not mends.any():  # without a limit nothing is stuck for good
        return correct(session, problem, wishes, mode=mode, solver=solver, time_limit_s=time_limit_s, progress=progress)
    first = CorrectedBatch(problem, [Correction(sample, None, 0.0) for sample in range(len(wishes))], 0, 0.0, 0.0)
    with contextlib.suppress(SolverError):  # whatever it is, it is met again
        limit_s = time_limit_s * _FIRST_SHARE
        first = correct(session, problem, wishes, mode=mode, solver=solver, time_limit_s=limit_s, progress=progress)
    stuck = np.array([each.sample for each in first.corrections if each.group_chip is None], dtype=np.int64)
    left_s = time_limit_s - (time.monotonic() - begin)
    if not len(stuck) or first.interrupted or left_s <= 0:
        return first
    asked = wishes.copy()
    asked[mends] = _mended(problem, wishes[mends])
    known = len(wishes) - len(stuck)
    try:
        second = correct(
            session,
            first.problem,
            asked[stuck],
            mode=mode,
            solver=solver,
            time_limit_s=left_s,
            progress=lambda done: progress(known + done),
        )
    except SolverError:
        if not known:
            raise
        return first
    return _joined(first, second, stuck)


def _joined(first: CorrectedBatch, second: CorrectedBatch, asked: IntArray) -> CorrectedBatch:
    """Both as one batch; the second is of the samples of the first that were asked once more."""
    corrections = list(first.corrections)
    for each in second.corrections:
        place = int(asked[each.sample])
        corrections[place] = Correction(place, each.group_chip, corrections[place].seconds + each.seconds)
    return CorrectedBatch(
        second.problem,
        corrections,
        first.rounds + second.rounds,
        first.render_s + second.render_s,
        first.solve_s + second.solve_s,
        second.interrupted,
    )


def _mends(problem: Problem, hints: IntArray) -> BoolArray:
    """Which hints `_mended` would change, shape [sample]: those with triangles of chips, or with chips left out."""
    hard = {selected.name for selected in problem.rules if selected.hard}
    if not hard >= {"acyclic_dataflow", "triangle_dependency"}:
        return np.zeros(len(hints), dtype=np.bool_)
    edges, n_chips = _group_edges(problem), problem.package.n_chips
    forward = (hints[:, edges[:, 0]] <= hints[:, edges[:, 1]]).all(axis=1)
    tangled = [bool(triangle_edges(hint, edges, n_chips).any()) for hint in hints]
    gaps = [hint.max(initial=-1) >= len(np.unique(hint)) and "no_skipped_chips" in hard for hint in hints]
    return np.asarray(forward & (np.array(tangled, dtype=np.bool_) | np.array(gaps, dtype=np.bool_)))


def _mended(problem: Problem, hints: IntArray) -> IntArray:
    """Hints without triangles of chips, and without chips left out where a rule forbids these."""
    untangled = untangle_wholly(hints, _group_edges(problem), problem.package.n_chips)
    closes = any(selected.name == "no_skipped_chips" and selected.hard for selected in problem.rules)
    return close_up(untangled) if closes else untangled


def _group_edges(problem: Problem) -> IntArray:
    """Pairs of groups between which an edge leads, shape [edge, 2]."""
    ends = np.unique(problem.group_of[problem.graph.edges], axis=0)
    return np.asarray(ends[ends[:, 0] != ends[:, 1]])


def _solves_slowly(problem: Problem) -> bool:
    """Whether the solver needs a table of all chips by all chips for the edges between groups."""
    hard = {selected.name for selected in problem.rules if selected.hard}
    return "triangle_dependency" in hard and lead_far(problem.graph, problem.group_of, problem.package.n_chips)


def _holding(session: Session, problem: Problem, hints: IntArray, time_limit_s: float) -> BoolArray:
    """Which hints keep every hard rule, shape [sample]; none where the rules could not be asked in time."""
    distinct, which = np.unique(hints, axis=0, return_inverse=True)
    try:
        verdicts = verify(
            session,
            problem.graph,
            problem.package,
            problem.rules,
            distinct[:, problem.group_of],
            time_limit_s=time_limit_s if math.isfinite(time_limit_s) else None,
        )
    except SolverError:
        return np.zeros(len(hints), dtype=np.bool_)
    return np.array([verdict.valid for verdict in verdicts], dtype=np.bool_)[which.reshape(-1)]
