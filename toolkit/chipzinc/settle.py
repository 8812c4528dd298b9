"""`settle()`: hints that hold stay as they are, and the solver corrects the others.

FIX leaves a valid hint as it is, so that asking the rules about all of a batch at once, a second's work, spares the
solver what most of its time would go to: where edges may lead past many chips, as in unrolled recurrent networks.
Elsewhere it corrects a batch before the rules have answered. Knows no graph format and no command line.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np

from chipzinc.correct.batch import Correction
from chipzinc.correct.overflow import CorrectedBatch, correct
from chipzinc.correct.problem import Mode, Problem
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import BoolArray, IntArray
from chipzinc.render.groups import lead_far
from chipzinc.solve import Session
from chipzinc.verify import verify

_CHECK_SHARE = 0.25
"""Most of a batch's time for asking which hints hold."""

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
    """Corrects a batch as `chipzinc.correct.overflow.correct` does, whose arguments these are, with the same result.

    The solver has all of it under ``sample``, where it is fast, and where there is no time to ask the rules.

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
            batch = correct(
                session,
                problem,
                wishes[others],
                mode=mode,
                solver=solver,
                time_limit_s=left_s,
                progress=lambda corrected: progress(len(kept) + corrected),
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
