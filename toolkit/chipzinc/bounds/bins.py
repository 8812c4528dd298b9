"""The bound of bin packing: ops that are large beside the interval leave room on their chips that nothing fills.

An interval is too short if the ops do not fit the chips as items fit bins, whatever the order of the ops. That they do
not is shown by dual feasible functions, under which what fits one bin still weighs 1 at most: those of Martello and
Toth (the bound L2, Discrete Applied Mathematics 28, 1990) and of Fekete and Schepers (Mathematical Programming 91,
2001).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chipzinc.bounds.simple import times_where_allowed
from chipzinc.graph.opgraph import FloatArray, OpGraph
from chipzinc.hardware.package import Package

_MOST_TOGETHER = 12  # large ops of a chip that are counted
_MOST_SMALLEST = 64  # sizes from which on ops are counted
_STEPS = 60  # of a bisection
_ROUNDING = 1e-9  # share by which quotients and sums may differ from true ones

Weights = Callable[[FloatArray, float], FloatArray]
"""What ops of some times weigh in an interval: those of a chip 1 at most, and no less in a shorter interval."""


def bins_bound(graph: OpGraph, package: Package) -> float:
    """The longest interval in which the ops, each on its fastest chip, weigh more than there are chips, in µs.

    Returns:
        The bound, 0 if the largest op alone says as much.

    Raises:
        InfeasibleError: if the rule `supported_kinds` is hard and no chip can run some op.
    """
    time = times_where_allowed(graph, package).min(axis=1)
    time = np.sort(time[time > 0])
    if not len(time):
        return 0.0
    sizes = np.unique(time)
    smallest = sizes[np.unique(np.linspace(0, len(sizes) - 1, min(len(sizes), _MOST_SMALLEST)).round().astype(int))]
    families: list[Weights] = [_counted(each) for each in range(1, _MOST_TOGETHER + 1)]
    families += [_from(float(size)) for size in smallest]
    longest = max(_longest(time, weights, package.n_chips) for weights in families)
    return longest if longest > time.max() else 0.0


def _longest(time: FloatArray, weights: Weights, n_chips: int) -> float:
    """The longest interval in which the ops weigh too much, in µs."""
    low, high = float(time.max()), float(time.sum())
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if weights(time, middle).sum() > n_chips * (1 + _ROUNDING):
            low = middle
        else:
            high = middle
    return low * (1 - _ROUNDING)


def _counted(together: int) -> Weights:
    """Of ops above a (k + 1)th of the interval k fit a chip, of those above two (k + 1)ths half as many, and so on."""

    def weights(time: FloatArray, interval_us: float) -> FloatArray:
        parts = time * (together + 1) / interval_us
        nearest = np.round(parts)
        whole = np.abs(parts - nearest) <= _ROUNDING / 2 * nearest  # counts as it is, and in a shorter interval more
        return np.where(whole, nearest / (together + 1), np.floor(parts) / together)

    return weights


def _from(smallest_us: float) -> Weights:
    """Ops that leave no room for one of some size fill their chip; smaller ones than that are not counted."""

    def weights(time: FloatArray, interval_us: float) -> FloatArray:
        if 2 * smallest_us > interval_us * (1 - _ROUNDING / 2):  # no two of them fit a chip
            return np.asarray(time >= smallest_us, dtype=np.float64)
        fills = time + smallest_us > interval_us * (1 + _ROUNDING)
        return np.where(fills, 1.0, np.where(time >= smallest_us, time / interval_us, 0.0))

    return weights
