"""One unbiased estimate of a density: partitions drawn op by op, weighed exactly, thinned and multiplied on the way.

Sequential Monte Carlo (Del Moral, Doucet, Jasra, J. R. Stat. Soc. B 68(3), 2006). What is judged on the way may only be
what is sure to be invalid at the end; when to look, and when to resample, may depend on what was seen, and the mean
stays the density all the same, since each resampling keeps the mean of every weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chipzinc.density.proposal import Proposal
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray

FIRST_STRIDE = 4
_FEW_LEFT, _MANY_LEFT = 0.3, 0.7  # of the samples, after a look: the next one comes sooner, or later
_LONGEST_STRIDE = 64
_RESAMPLED_BELOW = 0.5


class Judge(Protocol):
    """Says which partitions keep the rules."""

    def may_hold(self, begin: int, end: int, chips: IntArray) -> BoolArray:
        """False where the first `end` ops are sure to violate a rule; those from `begin` on are new; shape [sample]."""
        ...

    def holds(self, chips: IntArray) -> BoolArray:
        """Whether whole partitions keep the rules; shape [sample]."""
        ...


@dataclass(frozen=True)
class Walk:
    """One estimate.

    Attributes:
        log: natural logarithm of the estimated density; -inf where no sample held.
        valid: the valid partitions it ended with, shape [sample, op].
    """

    log: float
    valid: IntArray


def walk(proposal: Proposal, n_ops: int, n_samples: int, judge: Judge, rng: np.random.Generator) -> Walk:
    """Draws partitions of all ops and weighs those that hold by 1 / (their probability * number of all partitions)."""
    chips = np.zeros((n_samples, n_ops), dtype=np.int64)
    weight, promise = np.zeros(n_samples), np.zeros(n_samples)  # logarithms
    at, stride = 0, FIRST_STRIDE
    while at < n_ops:
        begin, at = at, min(n_ops, at + stride)
        for op in range(begin, at):
            promise += proposal.promise(op, chips)
            weight -= proposal.draw(op, chips, rng) + np.log(proposal.n_chips)
        good = judge.holds(chips) if at == n_ops else judge.may_hold(begin, at, chips)
        if not good.any():
            return Walk(-np.inf, chips[:0])
        weight[~good] = promise[~good] = -np.inf
        stride = _next_stride(stride, float(good.mean()))
        if at < n_ops and effective(promise) < _RESAMPLED_BELOW * n_samples:
            chance = np.exp(promise - log_mean(promise)) / n_samples
            kept = _systematic(chance, rng)
            chips, weight = chips[kept], weight[kept] - np.log(n_samples * chance[kept])
            promise = np.zeros(n_samples)
    return Walk(log_mean(weight), chips[good])


def _next_stride(stride: int, left: float) -> int:
    """Ops until the next look, by the share of samples that the last one left."""
    if left < _FEW_LEFT:
        return max(1, stride // 2)
    return min(_LONGEST_STRIDE, 2 * stride) if left > _MANY_LEFT else stride


def log_mean(weight: np.ndarray) -> float:
    """Logarithm of the mean of weights given by their logarithms, at least one of them finite."""
    largest = weight.max()
    return float(largest + np.log(np.exp(weight - largest).mean()))


def effective(weight: np.ndarray) -> float:
    """Effective sample size of weights given by their logarithms: (sum w)² / sum w² (Kish)."""
    share = np.exp(weight - weight.max())
    return float(share.sum() ** 2 / (share**2).sum())


def _systematic(chance: FloatArray, rng: np.random.Generator) -> IntArray:
    """Indices, each expected as often as its chance says, by one uniform draw; those without a chance never."""
    reached = chance.cumsum()
    points = (rng.random() + np.arange(len(chance))) / len(chance) * reached[-1]
    kept = np.searchsorted(reached, points, side="right")
    return np.asarray(np.minimum(kept, np.flatnonzero(chance)[-1]), dtype=np.int64)
