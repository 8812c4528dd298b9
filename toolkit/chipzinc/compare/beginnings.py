"""Where a search over hints begins: at a hint over the usual groups, or at a partition of single ops.

The latter takes its time before the first sample, knows the throughput model alone, and splits the groups that it
splits, so that hints can say it.
"""

from __future__ import annotations

from typing import Literal

from chipzinc.baselines.driver import Budget, Corrector
from chipzinc.compare.case import Case
from chipzinc.compare.optimised import WORKERS, optimised
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import STARTS, Slice, start_hint

Beginning = Literal["greedy", "slice", "long-slice", "optimise"]
"""Greedy's hint, the quick slice, slice with some seconds, or what `optimise` finds in as many."""

LEAD_S = 8.0
"""Seconds of slice or `optimise`, unless told otherwise."""


def begin_at(
    case: Case, beginning: Beginning, lead_s: float, seed: int, kind: type[Corrector] = Corrector, coarse: bool = True
) -> tuple[Corrector, IntArray]:
    """A corrector, and the hint to try first, shape [group of that corrector].

    Args:
        case: graph, package and solver.
        beginning: where to begin.
        lead_s: seconds that a partition of single ops may take.
        seed: of the search for it.
        kind: of corrector.
        coarse: whether ops move in groups.
    """
    partition = _partition(case, beginning, lead_s, seed)
    corrector = kind(case.graph, case.package, case.session, case.solver, case.judge, coarse, partition)
    if partition is not None:
        return corrector, corrector.coarsening.restrict(partition)
    return corrector, start_hint(corrector.context, "greedy" if beginning == "greedy" else "slice")


def _partition(case: Case, beginning: Beginning, lead_s: float, seed: int) -> IntArray | None:
    """Chip of each op, shape [op]; None where a hint over groups is asked for, or nothing was found."""
    if beginning in STARTS:
        return None
    if beginning == "optimise":
        return optimised(case, Slice(), Budget(seconds=lead_s), seed, WORKERS).chips
    ranked = best_slices(case.corrector().context, lead_s, seed)
    return ranked[0][1] if ranked else None
