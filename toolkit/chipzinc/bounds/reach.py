"""How far chips reach, one after another: the bound from where blocks can begin and end.

The chips' items are blocks that follow one another, each within the interval. The first ends no farther than the block
that reaches farthest from the beginning; the next begins no later than there, and so on. If the last one does not
reach the end of the graph, the interval is too short. How far is counted as the work of all that is before a block's
end. Unlike in `packing`, where each item is in the block that has most room for it, blocks follow one another: one that
reaches beyond a place that is cheap to cut leaves the next to begin there, or to pay for a dearer one.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.bounds.block import Blocks, blocks_of
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package

_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ
_PRECISION = 0.002
# Chosen by trials on NAS cells: nasnet-a-mobile, darts-cifar, darts-imagenet, amoebanet-a-cifar.
_PACE = 0.95  # of the work that is left a chip: whether a block reaches beyond is asked first
_CLOSER = 0.9  # times that is asked next, as long as none does and answers come soon
_LEAST_PACE = 0.3  # below which nothing is gained
_SOON = 0.1  # of a block's share of the time left
_AT_A_TIME = 3.0  # times that share, for one block
_FIRST, _FIRST_STEP = 1.15, 0.03  # times a chip's share of the work, or above the bound known, is tried first
_FIRST_SHARE = 0.5  # of the time, for intervals before one is proven too short
_LONGER = 6.0  # times what the last interval took that was proven too short, for the next
_STEPS = ((8.0, 0.12), (4.0, 0.08), (2.0, 0.05), (1.2, 0.03), (0.0, 0.015))
"""By what share longer an interval is tried next, where so many times the time is left that the last one took."""


def reach_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The longest interval within which the chips are proven not to reach the end, in µs.

    Args:
        graph: the graph.
        package: a package under a hard `acyclic_dataflow` or `acyclic_quotient`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, None if it is no better than the one known or does not apply.
    """
    begin = time.monotonic()
    blocks = blocks_of(graph, package)
    if blocks is None:
        return None
    low, high, took = floor_us, float(blocks.time_us.sum()), 0.0
    trial = max(low * (1 + _FIRST_STEP), high / package.n_chips * _FIRST)
    while low < high / (1 + _PRECISION):
        start = time.monotonic()
        left = time_limit_s * (1.0 if low > floor_us else _FIRST_SHARE) - (start - begin)
        if left <= 0:
            break
        if low > floor_us:
            trial = low * (1 + next(step for times, step in _STEPS if left >= times * took))
            left = min(left, _LONGER * took)
        trial = min(trial, (low + high) / 2)
        if _too_short(blocks, package.n_chips, trial, start + left):
            low, took = trial, time.monotonic() - start
        else:
            high = trial
    return low if low > floor_us else None


def _too_short(blocks: Blocks, n_chips: int, interval_us: float, deadline: float) -> bool:
    """Whether chips do not reach the end within an interval; False also if the time is over."""
    work, reached = float(blocks.time_us.sum()), 0.0
    for left in range(n_chips, 0, -1):
        pace = (work - reached) / left
        if pace * (1 - _ROUNDING) > interval_us:
            return True
        time_left = deadline - time.monotonic()
        if time_left <= 0:
            return False
        reached = _farthest(blocks, interval_us, reached, pace, time_left / left)
    return reached < work * (1 - _ROUNDING)


def _farthest(blocks: Blocks, interval_us: float, start_us: float, pace_us: float, share_s: float) -> float:
    """Where the next block ends at most; asked the more exactly the sooner answers come."""
    ask_us, limit_s = _PACE * pace_us, _AT_A_TIME * share_s
    farthest = np.inf
    while ask_us > _LEAST_PACE * pace_us:
        begin = time.monotonic()
        found = blocks.farthest_us(interval_us, start_us, start_us + ask_us, limit_s)
        farthest = min(farthest, found)
        if found > start_us + ask_us or time.monotonic() - begin > _SOON * share_s:
            break
        ask_us, limit_s = ask_us * _CLOSER, share_s
    return farthest
