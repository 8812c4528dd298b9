"""The shortest chain of ideals that also keeps `triangle_dependency`, by searching all states of all ideals.

Long skips bind here: under this rule all that lies beside a skip from one chip to another shares their two chips.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered
from chipzinc.ideals.triangle import UntangledSlices

MOST_IDEALS = 4_000
"""Graphs with more ideals have too many states."""

_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ
_CLOSE = 1.01  # when to try for the exact value
_TRIALS = 40


def triangle_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The shortest interval of any chain of ideals without triangles, or a bound on it, in µs.

    Args:
        graph: the graph.
        package: the package.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, which is the one known if a pipeline is as short; None if it is no better or the rules are not
        selected.
    """
    if not hard(package, "triangle_dependency") or not hard(package, "acyclic_dataflow"):
        return None
    deadline = time.monotonic() + time_limit_s
    ordered = Ordered.of(graph, package)
    ideals = ordered.every_ideal(MOST_IDEALS, deadline)
    if ideals is None:
        return None
    enough = floor_us * (1 + 4 * _ROUNDING)
    if ordered.pipelines(ideals, no_jumps=True).shortest(enough, floor_us=floor_us, deadline=deadline)[0] <= enough:
        return floor_us  # a pipeline whose edges pass over no chip has no triangle
    family = ordered.pipelines(ideals)
    search = UntangledSlices(family.loads, family.stages)
    low, high, limit = floor_us, np.inf, floor_us * (1 + _ROUNDING)
    for _ in range(_TRIALS):
        slices = search.find(limit, deadline)
        if slices is not None:
            high = min(high, limit, max(family.load_us(slices), floor_us))
        elif search.complete:
            low = limit
        else:
            break
        if high <= low * (1 + 4 * _ROUNDING) or low > family.loads.ceiling_us:
            break
        limit = _next(low, high)
    return low * (1 - _ROUNDING) if low > floor_us * (1 + 4 * _ROUNDING) else None


def _next(low: float, high: float) -> float:
    """The interval to try between one proven too short and one that a pipeline keeps."""
    if np.isinf(high):
        return low * 1.25
    return high * (1 - _ROUNDING) if high < low * _CLOSE else float(np.sqrt(low * high))
