"""What the policy sees of a partition it may refine: the loads of its chips, and where each group stands on its own.

The cost model fills this in, so a bottleneck and the way out of it are in plain sight. Knows no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray
from chipzinc.policy.features import Features, logged
from chipzinc.policy.instance import Instance

LOAD_FEATURES = (
    "load",
    "compute",
    "receive",
    "send",
    "stream",
    "of_largest",
    "surplus_before",
    "weights",
    "peak",
    "is_used",
)
"""Columns of `Candidates.load`."""

STANDING_FEATURES = (
    "time_before",
    "time_behind",
    "off_place",
    "nearest_source",
    "farthest_source",
    "nearest_reader",
    "farthest_reader",
)
"""Columns of `Candidates.standing`."""

_MOST = 1e3  # of the bound, for a load that is infinite


@dataclass(frozen=True, eq=False)
class Candidates:
    """Partitions of one instance, as a pass sees them.

    Attributes:
        chip: chip of each group, shape [sample, group].
        load: shape [sample, chip, LOAD_FEATURES].
        standing: shape [sample, group, STANDING_FEATURES].
    """

    chip: IntArray
    load: FloatArray
    standing: FloatArray

    def __len__(self) -> int:
        return len(self.chip)

    def take(self, samples: IntArray) -> Candidates:
        """Some of the partitions."""
        return Candidates(self.chip[samples], self.load[samples], self.standing[samples])


def candidates_of(instance: Instance, chip: IntArray) -> Candidates:
    """Describes partitions of shape [sample, group]."""
    return Candidates(chip, _loads(instance, chip), _standings(instance.features, chip))


def _loads(instance: Instance, chip: IntArray) -> FloatArray:
    ops = instance.coarsening.expand(chip)
    found, memory, package = instance.model.evaluate(ops), instance.model.memory, instance.package
    unit = instance.bound_us
    load = np.minimum(found.chip_us / unit, _MOST)
    largest = load.max(axis=1, keepdims=True)
    total = load.sum(axis=1, keepdims=True)
    fair = instance.features.group_time.sum(axis=0)  # what the whole graph would take on each chip
    speed = 1 / np.maximum(fair, np.finfo(np.float64).tiny)
    share = np.cumsum(speed) / speed.sum()
    surplus = np.divide(np.cumsum(load, axis=1), total, out=np.zeros_like(load), where=total > 0) - share
    columns = {
        "load": logged(load - 1),
        "compute": logged(found.compute_us / unit),
        "receive": logged(np.minimum(found.receive_us / unit, _MOST)),
        "send": logged(found.send_us / unit),
        "stream": logged(found.stream_us / unit),
        "of_largest": np.divide(load, largest, out=np.zeros_like(load), where=largest > 0),
        "surplus_before": logged(surplus * package.n_chips),
        "weights": logged(memory.weights(ops) / package.sram_bytes),
        "peak": logged(memory.peaks(ops) / package.sram_bytes),
        "is_used": found.compute_us > 0,
    }
    return np.stack([np.asarray(columns[name], dtype=np.float64) for name in LOAD_FEATURES], axis=2)


def _standings(features: Features, chip: IntArray) -> FloatArray:
    before, behind = _times_beside(features, chip)
    earlier, later = features.edges.T
    ahead = (chip[:, later] - chip[:, earlier]).astype(np.float64)
    near_source, far_source = _extremes(ahead, later, features.n_groups)
    near_reader, far_reader = _extremes(ahead, earlier, features.n_groups)
    columns = {
        "time_before": logged(before),
        "time_behind": logged(behind),
        "off_place": logged(features.place - chip),
        "nearest_source": near_source,
        "farthest_source": far_source,
        "nearest_reader": near_reader,
        "farthest_reader": far_reader,
    }
    return np.stack([columns[name] for name in STANDING_FEATURES], axis=2)


def _times_beside(features: Features, chip: IntArray) -> tuple[FloatArray, FloatArray]:
    """Time on the same chip of earlier and of later groups, as shares of the bound; each [sample, group]."""
    n_samples, n = chip.shape
    time = features.group_time[np.arange(n), chip]
    order = np.argsort(chip * n + np.arange(n), axis=1)
    sample = np.arange(n_samples)[:, None]
    chips, times = chip[sample, order], time[sample, order]
    reached = np.cumsum(times, axis=1)
    starts = np.diff(chips, axis=1, prepend=-1) != 0
    # the sum before a chip's first group stays the largest so far until the next chip begins
    base = np.maximum.accumulate(np.where(starts, reached - times, -np.inf), axis=1)
    before = np.empty_like(time)
    before[sample, order] = reached - times - base
    whole = np.zeros((n_samples, features.n_chips))
    np.add.at(whole, (np.broadcast_to(sample, chip.shape), chip), time)
    return before, whole[sample, chip] - before - time


def _extremes(ahead: FloatArray, group: IntArray, n_groups: int) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest of the edges' spans at each group, logged, 0 where there is none; each [sample, group]."""
    least = np.full((n_groups, len(ahead)), np.inf)
    most = np.full((n_groups, len(ahead)), -np.inf)
    np.minimum.at(least, group, ahead.T)
    np.maximum.at(most, group, ahead.T)
    known = np.isfinite(least)
    return logged(np.where(known, least, 0)).T, logged(np.where(known, most, 0)).T
