"""The three-block bottleneck relaxation, by mixed-integer programming (SciPy's HiGHS).

After Archer et al., "Practical Performance Guarantees for Pipelined DNN Inference" (ICML 2024), section 4: in every
pipeline some chip does at least the work over the number of chips, and what comes before it and after it are two
blocks. The cheapest such middle block, communication included, is a bound. Takes chips that are all alike.
"""

from __future__ import annotations

import numpy as np

from chipzinc.bounds.block import Where, blocks_of
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package

_MOST_ITEMS = 1_000  # the linear program at the root of more alone takes too long
_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ


def three_block_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The cheapest middle block that does its share of the work, in µs.

    Args:
        graph: the graph.
        package: a package under a hard `acyclic_dataflow` or `acyclic_quotient`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound that the solver proved in time, None if it is no better than the one known or does not apply.
    """
    blocks = blocks_of(graph, package)
    if blocks is None or len(blocks.time_us) > _MOST_ITEMS:
        return None
    share = float(blocks.time_us.sum()) / package.n_chips * (1 - _ROUNDING)
    proven = blocks.shortest_us(Where(), time_limit_s, least_work_us=share)
    return proven if floor_us < proven < np.inf else None
