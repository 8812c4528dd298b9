"""`Lineages`: where the searches that shift items begin, turn after turn.

Knows pipelines by their intervals and what shifting made of them, not how it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import IntArray

Pipeline = tuple[float, IntArray]
"""Interval in µs, and chip of each op of shape [op]."""

_GAIN = 1e-3  # share by which the best has to be shorter to count as a find
_LOST = 2  # times that nothing is found, after which every other time even turns begin anew


@dataclass(eq=False)
class Lineages:
    """Even turns begin at the best pipeline, odd ones at a second.

    The second one begins where the best did, and begins there again when it gets no shorter: what begins at the best
    seldom leaves its neighbourhood. Where nothing is found for a while, even turns begin there too, every other time.

    Attributes:
        start: where both began, shape [op].
        turns: how many there were.
        second: the second pipeline; None where it is to begin anew.
        best_us: the best when turns were last given out.
        vain: times since it was longer.
        anew: whether even turns began anew then.
    """

    start: IntArray
    turns: int = 0
    second: Pipeline | None = None
    best_us: float = np.inf
    vain: int = -1
    anew: bool = False

    def give_out(self, best: Pipeline, count: int) -> tuple[range, list[IntArray]]:
        """The next turns, and where each begins."""
        self.vain = 0 if best[0] < self.best_us * (1 - _GAIN) else self.vain + 1
        self.best_us = best[0]
        turns = range(self.turns, self.turns + count)
        self.turns += count
        if any(turn % 2 == 0 for turn in turns):
            self.anew = self.vain >= _LOST and not self.anew
        first = self.start if self.anew else best[1]
        second = self.start if self.second is None else self.second[1]
        return turns, [second if turn % 2 else first for turn in turns]

    def take(self, turns: range, found: Sequence[Pipeline | None], best_us: float) -> None:
        """Goes on from the shortest that odd turns found, or anew if it is no shorter than before, or is the best."""
        odd = [each for turn, each in zip(turns, found, strict=True) if turn % 2 and each is not None]
        if any(turn % 2 for turn in turns):
            shortest = np.inf if self.second is None else self.second[0]
            further = [each for each in odd if best_us < each[0] < shortest]
            self.second = min(further, key=lambda each: each[0], default=None)
