"""The bound that long edges impose: under `triangle_dependency` all that lies beside an edge shares its two chips.

Where u feeds v directly and w lies on another way from u to v, w is on u's chip or on v's, or the walk over w's chip
would be a longer one than the direct one. What two edges have beside them both is on a chip of either, so that
together they take three chips; a third edge that begins and ends in what these hold takes no further one. Uses
`acyclic_dataflow` and `triangle_dependency`.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard

_MOST_CELLS = 400_000_000
"""Graphs with more pairs of ops do not fit the table of what precedes what."""

_MOST_BESIDE = 30_000_000
"""Most entries of the table of what lies beside which edge; of more edges the ones with the most work are kept."""

_STARTS = 40  # edges from which unions are grown
_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ


def skip_bound(graph: OpGraph, package: Package, time_limit_s: float) -> float | None:
    """Work of the ops beside connected edges over the number of chips they take, each op on its fastest chip, in µs.

    Args:
        graph: the graph.
        package: the package.
        time_limit_s: seconds to spend.

    Returns:
        The largest of the sets looked at, None where the rules are not selected or the graph is too large.
    """
    rules = hard(package, "triangle_dependency") and hard(package, "acyclic_dataflow")
    if not rules or not len(graph.edges) or graph.n_ops**2 > _MOST_CELLS:
        return None
    deadline = time.monotonic() + time_limit_s
    work = op_time_us(graph, package).min(axis=1)
    work = np.where(np.isfinite(work), work, 0.0)
    edges, beside, best = _beside(graph, work, deadline)
    order = np.argsort(-(beside @ work.astype(np.float32)), kind="stable")
    for start in order[:_STARTS].tolist():
        if time.monotonic() > deadline:
            break
        best = max(best, _grown(edges, beside, work, start, package.n_chips))
    return best * (1 - _ROUNDING) if best > 0 else None


def _beside(graph: OpGraph, work: FloatArray, deadline: float) -> tuple[IntArray, FloatArray, float]:
    """What lies on the ways between the ends of edges.

    Returns:
        Edges that have more than their ends, shape [edge, 2]; 1 for each op on a way between their ends, these
        included, else 0, shape [edge, op]; half the most work of any edge looked at.
    """
    edges = np.unique(graph.edges, axis=0)
    from_first = np.eye(graph.n_ops, dtype=bool)  # [op, op before it or itself]
    for source, target in edges[np.argsort(edges[:, 1], kind="stable")].tolist():
        from_first[target] |= from_first[source]
    to_last = np.ascontiguousarray(from_first.T)
    kept: list[tuple[float, int, int]] = []
    for source, target in edges[np.argsort(edges[:, 0] - edges[:, 1], kind="stable")].tolist():
        if time.monotonic() > deadline:
            break
        between = from_first[target] & to_last[source]
        if between.sum() > 2:
            kept.append((float(work[between].sum()), source, target))
    half = max((each[0] for each in kept), default=max(float(work[edge].sum()) for edge in edges)) / 2
    kept = sorted(kept, reverse=True)[: max(1, _MOST_BESIDE // graph.n_ops)]
    found = np.array([(source, target) for _, source, target in kept], dtype=np.int64).reshape(-1, 2)
    return found, (from_first[found[:, 1]] & to_last[found[:, 0]]).astype(np.float32), half


def _grown(edges: IntArray, beside: FloatArray, work: FloatArray, start: int, n_chips: int) -> float:
    """The most work over chips among sets that grow from what is beside an edge, one chip at a time, in µs."""
    held: BoolArray = beside[start] > 0
    best = 0.0
    for chips in range(2, n_chips + 1):
        held = _closed(edges, beside, held)
        best = max(best, float(work[held].sum()) / chips)
        touching = (beside @ held.astype(np.float32)) > 0
        gain = np.where(touching, beside @ np.where(held, 0.0, work).astype(np.float32), 0.0)
        if gain.max(initial=0.0) <= 0:
            break
        held = held | (beside[int(gain.argmax())] > 0)
    return best


def _closed(edges: IntArray, beside: FloatArray, held: BoolArray) -> BoolArray:
    """What shares the chips of some ops: with both ends of an edge all that is beside it."""
    while True:
        within = held[edges].all(axis=1)
        more = held | (beside[within].sum(axis=0) > 0)
        if (more == held).all():
            return held
        held = more
