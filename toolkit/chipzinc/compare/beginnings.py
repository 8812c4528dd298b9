"""Where a search over hints begins: at a hint over the usual groups, or at a partition of single ops.

The latter takes its time before the first sample, knows the throughput model alone, and splits the groups that it
splits, so that hints can say it.
"""

from __future__ import annotations

from typing import Literal

from chipzinc.baselines.driver import Budget, Corrector
from chipzinc.compare.case import Case
from chipzinc.compare.optimised import WORKERS, optimised
from chipzinc.errors import NoAnswerError, SolverError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import STARTS, Slice, start_hint

Beginning = Literal["greedy", "slice", "long-slice", "optimise"]
"""Greedy's hint, the quick slice, slice with some seconds, or what `optimise` finds in as many."""

LEAD_S = 8.0
"""Seconds of slice or `optimise`, unless told otherwise."""


def begin_at(
    case: Case,
    beginning: Beginning,
    lead_s: float,
    budget: Budget,
    seed: int,
    kind: type[Corrector] = Corrector,
    coarse: bool = True,
) -> tuple[Corrector, IntArray]:
    """A corrector, and the hint to try first, shape [group of that corrector].

    Slice's hint stands in where no partition of single ops is found in the time.

    Args:
        case: graph, package and solver.
        beginning: where to begin.
        lead_s: seconds that a partition of single ops may take, if that is no more than half of the budget.
        budget: of the whole.
        seed: of the search for it.
        kind: of corrector.
        coarse: whether ops move in groups.

    Raises:
        InfeasibleError: if the rules leave no partition.
        InputError: if a rule or a parameter is wrong.
        KeyboardInterrupt: if Ctrl-C ended the search for a partition.
        SolverError: if solvers failed in the search for a partition.
    """
    lead_s = lead_s if budget.seconds is None else min(lead_s, budget.seconds / 2)
    partition = _partition(case, beginning, lead_s, seed)
    if partition is None and beginning not in STARTS:
        case.progress("no partition to begin at was found; beginning at slice's hint")
    corrector = kind(case.graph, case.package, case.session, case.solver, case.judge, coarse, partition)
    if partition is not None:
        return corrector, corrector.coarsening.restrict(partition)
    return corrector, start_hint(corrector.context, "greedy" if beginning == "greedy" else "slice")


def _partition(case: Case, beginning: Beginning, lead_s: float, seed: int) -> IntArray | None:
    """Chip of each op, shape [op]; None where a hint over groups is asked for, or nothing was found."""
    if beginning in STARTS:
        return None
    if beginning == "optimise":
        try:
            found = optimised(case, Slice(), Budget(seconds=lead_s), seed, WORKERS)
        except SolverError:
            raise
        except NoAnswerError:
            return None
        if found.interrupted:
            raise KeyboardInterrupt
        return found.chips
    ranked = best_slices(case.corrector().context, lead_s, seed)
    return ranked[0][1] if ranked else None
