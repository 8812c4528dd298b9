"""Simulated annealing over hints: small moves of a valid partition, made valid again by correction.

Kirkpatrick, Gelatt and Vecchi, Science 1983; a batch of moves is corrected at once, and accepted or not in its order.
Knows no solver: the driver has the hints corrected and scored.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from chipzinc.baselines.driver import Corrected, Proposal
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import HintContext, greedy_hint


@dataclass(eq=False)
class Annealing:
    """Moves groups of the partition at hand to a chip beside theirs; a worse one is accepted by its temperature.

    Where edges have to lead to later chips, a move takes a group near the border of its chip, and along with it what
    would otherwise lie on the wrong side of it: the group's readers on the same chip if it moves to the next chip,
    what feeds it if it moves to the one before.

    Attributes:
        context: the graph, the package and the groups.
        rng: of the moves.
        temperature: in the beginning, as a share of the interval at hand: a partition longer by this share is
            accepted with probability 1/e.
        final: temperature in the end; in between it falls geometrically with the budget spent.
        moves: mean number of moves of a hint, at least 1.
        depth: mean place of the group taken, counted from the border, at least 1.
        carry: whether moves take others along; otherwise any group moves, to any chip.
        start: the first hint, shape [group]; None for greedy's.
    """

    context: HintContext
    rng: np.random.Generator
    temperature: float = 0.01
    final: float = 0.001
    moves: float = 8.0
    depth: float = 2.0
    carry: bool = True
    start: IntArray | None = None
    _at: IntArray = field(init=False)
    _interval_us: float = field(init=False, default=math.inf)
    _spent: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._at = greedy_hint(self.context) if self.start is None else self.start
        edges = self.context.coarsening.edges  # groups are numbered in topological order
        self._forward = edges[np.argsort(edges[:, 0], kind="stable")].tolist()
        self._backward = edges[np.argsort(-edges[:, 1], kind="stable")].tolist()

    def propose(self, n_samples: int, spent: float) -> Proposal:
        """See `Proposer`; before anything is known, the start itself is the first."""
        self._spent = spent
        hints = np.stack([self._moved() for _ in range(n_samples)])
        if math.isinf(self._interval_us):
            hints[0] = self._at
        return Proposal("fix", hints)

    def observe(self, corrected: Corrected) -> None:
        """Goes from one to the next, in the order in which they were proposed."""
        for group_chip, interval_us in zip(corrected.group_chip, corrected.interval_us.tolist(), strict=True):
            if math.isfinite(interval_us) and self._accepts(interval_us):
                self._at, self._interval_us = group_chip, interval_us

    def _accepts(self, interval_us: float) -> bool:
        if interval_us <= self._interval_us:
            return True
        worse = interval_us / self._interval_us - 1
        heat = self.temperature ** (1 - self._spent) * self.final**self._spent
        return bool(self.rng.random() < math.exp(-worse / heat))

    def _moved(self) -> IntArray:
        """The partition at hand with some moves, shape [group]."""
        chips = self._at.copy()
        for _ in range(int(self.rng.geometric(1 / self.moves))):
            if self.carry:
                self._shift_border(chips)
            else:
                chips[self.rng.integers(len(chips))] = self.rng.integers(self.context.package.n_chips)
        return chips

    def _shift_border(self, chips: IntArray) -> None:
        """Moves a group near the border of a chip over it, and what has to go along."""
        used = np.unique(chips)
        chip, later = int(self.rng.choice(used)), bool(self.rng.random() < 0.5)
        target = chip + 1 if later else chip - 1
        if not 0 <= target < self.context.package.n_chips:
            return
        here = np.flatnonzero(chips == chip)
        place = min(int(self.rng.geometric(1 / self.depth)), len(here))
        chips[here[-place] if later else here[place - 1]] = target
        for source, reader in self._forward if later else self._backward:
            if chips[source] > chips[reader]:
                if later:
                    chips[reader] = chips[source]
                else:
                    chips[source] = chips[reader]
