"""`settle()`: hints that hold stay as they are, and the solver corrects the others.

FIX leaves a valid hint as it is, so that asking the rules about all of a batch at once, a second's work, spares the
solver what most of its time would go to. Knows no graph format and no command line.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from chipzinc.correct.batch import Correction
from chipzinc.correct.overflow import CorrectedBatch, correct
from chipzinc.correct.problem import Mode, Problem
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import BoolArray, IntArray
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
    """Corrects a batch, as `correct` does and with the same result.

    Args:
        session: where to solve.
        problem: the graph, package, rules and groups.
        wishes: for ``fix`` the chips hinted, shape [sample, group]; for ``sample`` rankings, shape [sample, group,
            chip].
        mode: how to correct; only under ``fix`` is a hint that holds its own correction.
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit of the whole.
        progress: called with the number of samples corrected so far.

    Raises:
        InfeasibleError: if no valid partition of the groups exists.
        InputError: if a rule or a parameter is wrong.
        SolverError: if the solver fails before it has corrected anything.
    """
    hurried = time_limit_s is not None and time_limit_s * _CHECK_SHARE < _LEAST_CHECK_S
    if mode != "fix" or hurried or not len(wishes):
        return correct(session, problem, wishes, mode=mode, solver=solver, time_limit_s=time_limit_s, progress=progress)
    begin = time.monotonic()
    holds = _holding(session, problem, wishes, None if time_limit_s is None else time_limit_s * _CHECK_SHARE)
    check_s, kept = time.monotonic() - begin, int(holds.sum())
    if kept:
        progress(kept)
    others = np.flatnonzero(~holds)
    batch = CorrectedBatch(problem, [], 0, 0.0, 0.0)
    if len(others):
        batch = correct(
            session,
            problem,
            wishes[others],
            mode=mode,
            solver=solver,
            time_limit_s=None if time_limit_s is None else max(1e-3, time_limit_s - check_s),
            progress=lambda corrected: progress(kept + corrected),
        )
    corrections = [Correction(sample, hint, check_s / max(kept, 1)) for sample, hint in enumerate(wishes)]
    for correction in batch.corrections:
        sample = int(others[correction.sample])
        corrections[sample] = dataclasses.replace(correction, sample=sample)
    return dataclasses.replace(batch, corrections=corrections, solve_s=batch.solve_s + check_s)


def _holding(session: Session, problem: Problem, hints: IntArray, time_limit_s: float | None) -> BoolArray:
    """Which hints keep every hard rule, shape [sample]; none where the rules could not be asked in time."""
    distinct, which = np.unique(hints, axis=0, return_inverse=True)
    try:
        verdicts = verify(
            session,
            problem.graph,
            problem.package,
            problem.rules,
            distinct[:, problem.group_of],
            time_limit_s=time_limit_s,
        )
    except SolverError:
        return np.zeros(len(hints), dtype=np.bool_)
    return np.array([verdict.valid for verdict in verdicts], dtype=np.bool_)[which.reshape(-1)]
