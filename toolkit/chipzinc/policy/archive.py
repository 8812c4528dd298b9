"""`Archive`: the best partitions known of each instance, to imitate and to refine further.

Knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray

KEPT = 4


@dataclass
class Archive:
    """The best distinct partitions by instance.

    Attributes:
        kept: how many of an instance.
        best: by the instance's name, (interval in µs, chip of each group), the shortest interval first.
    """

    kept: int = KEPT
    best: dict[str, list[tuple[float, IntArray]]] = field(default_factory=dict)

    def add(self, name: str, chip: IntArray, interval_us: FloatArray) -> bool:
        """Offers partitions of shape [sample, group]; returns whether one is better than all before."""
        known = self.best.setdefault(name, [])
        before = self.shortest_us(name)
        for at in np.argsort(interval_us, kind="stable").tolist():
            if len(known) >= self.kept and interval_us[at] > known[-1][0]:
                break
            if not np.isfinite(interval_us[at]) or any(np.array_equal(chip[at], other) for _, other in known):
                continue
            known.insert(0, (float(interval_us[at]), chip[at].copy()))
        known.sort(key=lambda each: each[0])  # of equals the latest first: on a plateau the search moves on
        del known[self.kept :]
        return self.shortest_us(name) < before

    def shortest_us(self, name: str) -> float:
        """The shortest interval known, infinite where nothing is."""
        known = self.best.get(name)
        return known[0][0] if known else np.inf

    def partition(self, name: str) -> IntArray | None:
        """The best partition known, shape [group]."""
        known = self.best.get(name)
        return known[0][1] if known else None

    def nearest(self, name: str, chip: IntArray) -> IntArray | None:
        """For each of some partitions the known one that differs least from it, shape [sample, group]."""
        known = self.best.get(name)
        if not known:
            return None
        all_known = np.stack([each for _, each in known])
        far = np.abs(chip[:, None] - all_known).sum(axis=2)
        return np.asarray(all_known[far.argmin(axis=1)])
