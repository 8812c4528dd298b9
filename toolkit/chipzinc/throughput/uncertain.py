"""The interval of a partition when op times lie in ranges: its worst and best case, and its distribution.

The interval rises with every op time, and transfers are certain, so that the worst case is exact: every op at its
longest. The distribution is sampled, with a seed. Knows no rule and no solver.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.uncertain import TimeRange
from chipzinc.throughput.model import Evaluation, ThroughputModel

QUANTILES = (0.05, 0.5, 0.9, 0.95, 0.99)
_CHUNK = 2**22  # times drawn at once


@dataclass(frozen=True)
class Distribution:
    """The interval of one partition over all that op times may be.

    Attributes:
        nominal_us: with the model's own times.
        best_us: with every op at its shortest.
        worst_us: with every op at its longest: exact.
        mean_us: over the scenarios.
        deviation_us: standard deviation over the scenarios.
        quantiles_us: by share, over the scenarios.
        scenarios: how many were drawn.
        seed: with which seed.
    """

    nominal_us: float
    best_us: float
    worst_us: float
    mean_us: float
    deviation_us: float
    quantiles_us: dict[float, float]
    scenarios: int
    seed: int


class UncertainModel:
    """Scores partitions of one graph on one package, whose op times lie in ranges."""

    def __init__(self, graph: OpGraph, package: Package, times: TimeRange) -> None:
        self.model, self.times = ThroughputModel(graph, package), times

    def worst_us(self, chips: IntArray) -> float:
        """The interval of a partition of shape [op] with every op at its longest, in µs."""
        return self._certain_us(chips, self.times.high_us)

    def best_us(self, chips: IntArray) -> float:
        """The interval with every op at its shortest, in µs."""
        return self._certain_us(chips, self.times.low_us)

    def scenarios_us(self, chips: IntArray, scenarios: int, seed: int) -> FloatArray:
        """The interval in scenarios, in µs, shape [scenario]; the same seed draws the same times for any partition."""
        evaluation = self.model.evaluate(chips)
        op = np.arange(len(chips))
        low = self.times.low_us[op, chips]
        width = np.where(np.isfinite(low), self.times.high_us[op, chips], low) - np.where(np.isfinite(low), low, 0.0)
        on_chip = csr_array((np.ones(len(chips)), (op, chips)), shape=(len(chips), self.model.package.n_chips))
        drawn = (low + share * width for share in _shares(len(chips), scenarios, seed))
        return np.concatenate([self._intervals(evaluation, times @ on_chip) for times in drawn])

    def distribution(self, chips: IntArray, scenarios: int = 10_000, seed: int = 0) -> Distribution:
        """The distribution of a partition of shape [op]."""
        seen = self.scenarios_us(chips, scenarios, seed)
        return Distribution(
            nominal_us=float(self.model.evaluate(chips).interval_us[0]),
            best_us=self.best_us(chips),
            worst_us=self.worst_us(chips),
            mean_us=float(seen.mean()),
            deviation_us=float(seen.std()),
            quantiles_us={share: float(np.quantile(seen, share)) for share in QUANTILES},
            scenarios=scenarios,
            seed=seed,
        )

    def _certain_us(self, chips: IntArray, time_us: FloatArray) -> float:
        """The interval with certain times of shape [op, chip]."""
        taken = time_us[np.arange(len(chips)), chips]
        loads = np.bincount(chips, weights=taken, minlength=self.model.package.n_chips).astype(np.float64)
        return float(self._intervals(self.model.evaluate(chips), loads[None])[0])

    def _intervals(self, evaluation: Evaluation, compute_us: FloatArray) -> FloatArray:
        """The interval for works of the chips of shape [scenario, chip], all else as evaluated; shape [scenario]."""
        busy = compute_us + evaluation.stream_us
        receive, send = evaluation.receive_us, evaluation.send_us
        if self.model.package.communication == "overlapped":
            chip_us = np.maximum(busy, np.maximum(receive, send))
        else:
            chip_us = busy + receive + send
        return np.asarray(np.maximum(chip_us.max(axis=1, initial=0.0), evaluation.link_us.max(initial=0.0)))


def _shares(n_ops: int, scenarios: int, seed: int) -> Iterator[FloatArray]:
    """Where in its range each op's time lies, in pieces of shape [scenario, op]."""
    rng = np.random.default_rng(seed)
    step = max(1, _CHUNK // max(n_ops, 1))
    for first in range(0, scenarios, step):
        yield rng.random((min(step, scenarios - first), n_ops))
