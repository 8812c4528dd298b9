"""Projects hints onto partitions whose data flows forward: isotonic regression on a DAG; then untangles their chips.

One early outlier in a hint would push all that follows it to later chips; after the projection the fewest groups
have moved instead. `project_monotone` knows edges and weights, no rules.
"""

from __future__ import annotations

from collections.abc import Set

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from chipzinc.correct.untangle import untangle
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray

_WEIGHT_STEPS = 1000  # weights are rounded to this many steps of the largest, since flows are whole numbers


def project(hints: IntArray, edges: IntArray, n_chips: int, hard: Set[str]) -> IntArray:
    """What FIX asks the solver for: hints near the given ones that already keep what is cheap to keep.

    Args:
        hints: chip of each group, shape [sample, group].
        edges: (earlier, later) groups, acyclic, shape [edge, 2].
        n_chips: chips are 0..n_chips-1.
        hard: names of the hard rules.

    Returns:
        Shape [sample, group]; a hint that keeps the rules comes back as it is.
    """
    if "acyclic_dataflow" not in hard:
        return hints
    forward = project_monotone(hints, edges, n_chips)
    return untangle(hints, forward, edges, n_chips) if "triangle_dependency" in hard else forward


def project_monotone(hints: IntArray, edges: IntArray, n_chips: int, weights: FloatArray | None = None) -> IntArray:
    """The nearest hints that never decrease along an edge, by weighted L1 distance.

    Splits the range of chips in halves: a minimum cut tells exactly which groups belong to the upper half, and each
    half is solved by itself (Hochbaum and Queyranne, SIAM J. Discrete Math. 2003, here for L1 costs).

    Args:
        hints: chip of each group, shape [sample, group].
        edges: (earlier, later) groups, acyclic, shape [edge, 2].
        n_chips: chips are 0..n_chips-1.
        weights: cost of moving a group by one chip, shape [group]; None: the same for all.

    Returns:
        Shape [sample, group]; a hint that never decreases along an edge comes back as it is.
    """
    cost = _whole(np.ones(hints.shape[1]) if weights is None else weights)
    return np.stack([_project(hint, edges, n_chips, cost) for hint in hints]) if len(hints) else hints.copy()


def _whole(weights: FloatArray) -> IntArray:
    largest = float(weights.max(initial=0.0)) or 1.0
    return np.maximum(1, np.rint(weights / largest * _WEIGHT_STEPS)).astype(np.int64)


def _project(hint: IntArray, edges: IntArray, n_chips: int, cost: IntArray) -> IntArray:
    low, high = np.zeros_like(hint), np.full_like(hint, n_chips - 1)
    while True:
        # Groups that share the range low..high decide together whether they go above its middle.
        active = low < high
        if not active.any():
            return low
        inside = active[edges].all(axis=1) & (low[edges[:, 0]] == low[edges[:, 1]])
        touched = edges[inside]
        middle = (low + high) // 2
        up: BoolArray = active & (hint > middle)
        torn = up[touched[:, 0]] & ~up[touched[:, 1]]
        if torn.any():
            up = _cut(up, touched, cost, active)
        low = np.where(active & up, middle + 1, low)
        high = np.where(active & ~up, middle, high)


def _cut(up: BoolArray, edges: IntArray, cost: IntArray, active: BoolArray) -> BoolArray:
    """The cheapest change of `up` so that no edge leads from an upper group to a lower one."""
    n = len(up)
    source, sink = n, n + 1
    endless = int(cost.sum()) + 1
    lower = np.flatnonzero(active & ~up)
    upper = np.flatnonzero(active & up)
    # A group on the sink's side is lower. An edge u -> v with u upper and v lower is what must not be: u -> v endless.
    rows = np.concatenate([np.full(len(upper), source), lower, edges[:, 0]])
    columns = np.concatenate([upper, np.full(len(lower), sink), edges[:, 1]])
    capacity = np.concatenate([cost[upper], cost[lower], np.full(len(edges), endless)])
    network = csr_array((capacity.astype(np.int32), (rows, columns)), shape=(n + 2, n + 2))
    flow = maximum_flow(network, source, sink).flow
    residual = network - flow
    residual.data = np.where(residual.data > 0, residual.data, 0)
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    side = np.zeros(n + 2, dtype=bool)
    side[reached] = True
    return np.asarray(side[:n] & active)
