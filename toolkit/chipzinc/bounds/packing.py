"""How many blocks a graph takes: the bound from what chips have time for beside their transfers.

Every chip's items are a block of work w. Each item counts as its time over the most work m of any block that holds it
within an interval; since m is no less than w, the items of a block count as 1 at most, and all items together as no
more than the chips there are. If they count as more, the interval is too short. (A weighting argument, as dual feasible
functions are for bin packing.)

What blocks hold is told apart by checkpoints, items that follow one another and have few items beside them: a block
holds some of them, or lies between two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from chipzinc.bounds.block import Blocks, Where, blocks_of
from chipzinc.bounds.checkpoints import checkpoints
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package

_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ
_FEWEST = 4  # checkpoints, with fewer of which blocks are too much alike
# Chosen by trials of 60 s on NAS cells, densenet169, hrnet-w18 and stacked-hourglass.
_RELAXED_SHARE = 0.15  # of the time
_FIRST = 1.12  # times what relaxed blocks suggest is tried first
_FURTHER = 1.15  # times an interval that no block of some item keeps
_SHORT_OF, _BEYOND = 0.85, 1.2  # of what an interval seems to be too short or too long by
_LEAST_STEP = 0.01  # above an interval that is too short, or below one that may suffice
_PRECISION = 0.003
_FIRST_SHARE = 0.6  # of the time left, for one interval of several
_TOO_SHORT = 0.4  # of the time that an interval took, is too short for another
_FAR = 2.0  # times the chips there are, after which an interval need not be looked at further
_AT_A_TIME = 4.0  # times its share of an interval's time, for one block


def packing_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The longest interval proven too short for the chips there are, in µs.

    Args:
        graph: the graph.
        package: a package under a hard `acyclic_dataflow` or `acyclic_quotient`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, None if it is no better than the one known or does not apply.
    """
    deadline = time.monotonic() + time_limit_s
    blocks = blocks_of(graph, package)
    if blocks is None:
        return None
    packing = _Packing.of(blocks, package.n_chips)
    if len(packing.cases) < 2 * _FEWEST:
        return None
    soon = time.monotonic() + time_limit_s * _RELAXED_SHARE
    relaxed, guess = _shortest(packing, floor_us, floor_us, soon, whole=False)
    trial = max(guess * _FIRST, relaxed * (1 + _LEAST_STEP))
    proven, _ = _shortest(packing, relaxed, trial, deadline, whole=True)
    return proven if proven > floor_us else None


def _shortest(packing: _Packing, low: float, trial: float, deadline: float, *, whole: bool) -> tuple[float, float]:
    """The longest interval found to be too short, and a guess at the longest that is, in µs.

    Args:
        packing: the cases.
        low: an interval known to be too short, or the shortest.
        trial: an interval to try first.
        deadline: `time.monotonic()` at which to stop.
        whole: whether blocks are searched, or relaxed.
    """
    high, guess = np.inf, low
    work = float(packing.blocks.time_us.sum())
    share = work / packing.n_chips
    longest = 0.0  # that an interval took
    while high > low * (1 + _PRECISION) ** 2 and trial <= work:  # in which one chip does it all
        begin = time.monotonic()
        left = deadline - begin
        if left <= longest * _TOO_SHORT:
            break
        limit = left * _FIRST_SHARE if left > 2 * longest else left
        needed = packing.chips(trial, limit, whole=whole)
        longest = max(longest, time.monotonic() - begin)
        if needed * (1 - _ROUNDING) > packing.n_chips:
            low = max(low, trial)
        else:
            high = trial
        if np.isfinite(needed):  # what blocks lose to transfers grows a little with them
            guess = share + trial - share * packing.n_chips / needed
            following = trial + (_SHORT_OF if guess > trial else _BEYOND) * (guess - trial)
        else:
            guess = following = trial * _FURTHER if np.isinf(high) else (low + high) / 2
        trial = min(max(following, low * (1 + _PRECISION)), high * (1 - _LEAST_STEP))
        if trial <= low:
            trial = (low + high) / 2
    return low, guess


@dataclass(eq=False)
class _Packing:
    """The cases of blocks, in the order of the graph, and in which of them each item may be.

    Attributes:
        blocks: the blocks of the graph.
        n_chips: number of chips.
        cases: between two checkpoints, with a checkpoint, between this and the next, and so on.
        first: first case of each item, shape [item].
        last: last case of each item, shape [item].
        known: (interval, most work in each case) of what was looked at.
    """

    blocks: Blocks
    n_chips: int
    cases: list[Where]
    first: IntArray
    last: IntArray
    known: list[tuple[float, FloatArray]] = field(default_factory=list)

    @classmethod
    def of(cls, blocks: Blocks, n_chips: int) -> _Packing:
        """Chooses checkpoints."""
        ahead = blocks.ahead
        chosen = checkpoints(blocks, n_chips)
        ends = [-1, *chosen, -1]
        cases = [Where(after=ends[0], before=ends[1])]
        first = np.zeros(len(ahead), dtype=np.int64)
        last = np.full(len(ahead), 2 * len(chosen))
        for place, item in enumerate(chosen):
            cases += [Where(inside=item), Where(after=item, before=ends[place + 2])]
            first[ahead[:, item]] = 2 * place + 1
            last[ahead[item]] = np.minimum(last[ahead[item]], 2 * place + 1)
        return cls(blocks, n_chips, cases, first, last)

    def chips(self, interval_us: float, time_limit_s: float, *, whole: bool) -> float:
        """Chips that an interval takes at least, the tightest cases first; infinite if no block holds some item."""
        deadline = time.monotonic() + time_limit_s
        most = np.full(len(self.cases), interval_us)
        for longer, found in self.known:
            if longer >= interval_us:
                most = np.minimum(most, found)
        order = np.argsort(self.known[-1][1] if self.known else most, kind="stable").tolist()
        needed = self._needed(most)
        for done, case in enumerate(order):
            left = (deadline - time.monotonic()) / (len(order) - done)
            if left <= 0 or needed > _FAR * self.n_chips:
                break
            heaviest = self.blocks.heaviest_us(interval_us, self.cases[case], _AT_A_TIME * left, whole=whole)
            most[case] = min(most[case], heaviest)
            needed = self._needed(most)
        self.known.append((interval_us, most))
        return needed

    def _needed(self, most: FloatArray) -> float:
        """At least so many blocks there are, by the most work of any block in each case."""
        work = self.blocks.time_us
        longest = np.array([most[a : b + 1].max() for a, b in zip(self.first, self.last, strict=True)])
        with np.errstate(divide="ignore"):
            return float((work[work > 0] / longest[work > 0]).sum())
