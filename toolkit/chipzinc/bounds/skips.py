"""The bound that long edges impose: under `triangle_dependency` all that lies beside an edge shares its two chips.

Where u feeds v directly and w lies on another way from u to v, w is on u's chip or on v's, or the walk over w's chip
would be a longer one than the direct one. Uses `acyclic_dataflow` and `triangle_dependency`.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard

_MOST_CELLS = 400_000_000
"""Graphs with more pairs of ops do not fit the table of what precedes what."""

_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ


def skip_bound(graph: OpGraph, package: Package, time_limit_s: float) -> float | None:
    """Half the work of the ops on the ways between the ends of an edge, each on its fastest chip, in µs.

    Args:
        graph: the graph.
        package: the package.
        time_limit_s: seconds to spend.

    Returns:
        The largest of the edges looked at, None where the rules are not selected or the graph is too large.
    """
    rules = hard(package, "triangle_dependency") and hard(package, "acyclic_dataflow")
    if not rules or not len(graph.edges) or graph.n_ops**2 > _MOST_CELLS:
        return None
    deadline = time.monotonic() + time_limit_s
    work = op_time_us(graph, package).min(axis=1)
    work = np.where(np.isfinite(work), work, 0.0)
    edges = np.unique(graph.edges, axis=0)
    from_first = np.eye(graph.n_ops, dtype=bool)  # [op, op before it or itself]
    for source, target in edges[np.argsort(edges[:, 1], kind="stable")].tolist():
        from_first[target] |= from_first[source]
    to_last = np.ascontiguousarray(from_first.T)
    best = 0.0
    longest_first = edges[np.argsort(edges[:, 0] - edges[:, 1], kind="stable")]
    for source, target in longest_first.tolist():
        if time.monotonic() > deadline:
            break
        best = max(best, float(work[from_first[target] & to_last[source]].sum()) / 2)
    return best * (1 - _ROUNDING) if best > 0 else None
