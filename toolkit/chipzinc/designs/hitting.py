"""The cheapest set of ops that has one of every cut: a bound on what any repair must move.

Knows sets and prices, nothing of graphs or rules. Solved as an integer program, whose relaxation sees at once that
cuts without a common op need an op each, which clause learning would have to count out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from chipzinc.graph.opgraph import IntArray

_ROUNDING = 1e-6


def least_hitting_set(
    cuts: Sequence[tuple[int, ...]], price: IntArray, favour: IntArray, time_limit_s: float | None = None
) -> tuple[IntArray, int] | None:
    """Finds ops that hit every cut and cost least.

    Args:
        cuts: sets of ops.
        price: whole cost of each op, at least 1, shape [op]; 0 for an op that may not be chosen.
        favour: of two such sets the one whose ops have more of this is taken, shape [op].
        time_limit_s: wall-clock limit.

    Returns:
        The ops, increasing, and a proven bound: no set costs less. None if some cut has no op that may be chosen.
    """
    ops = np.array(sorted({op for cut in cuts for op in cut if price[op] > 0}), dtype=np.int64)
    if any(not any(price[op] > 0 for op in cut) for cut in cuts):
        return None
    if not len(cuts):
        return ops, 0
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    column = {int(op): at for at, op in enumerate(ops)}
    entries = [(row, column[op]) for row, cut in enumerate(cuts) for op in set(cut) if op in column]
    rows, columns = np.array(entries).T
    hits = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(cuts), len(ops)))
    discount = favour[ops] / (1.0 + favour[ops].sum())  # all discounts together are below the cheapest op's price
    found = milp(
        price[ops] - discount,
        constraints=LinearConstraint(hits, lb=1),
        integrality=np.ones(len(ops)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0} | ({} if time_limit_s is None else {"time_limit": time_limit_s}),
    )
    bound = 0 if found.mip_dual_bound is None else max(0, math.ceil(found.mip_dual_bound - _ROUNDING))
    chosen = ops if found.x is None else ops[found.x > 0.5]
    return chosen, bound
