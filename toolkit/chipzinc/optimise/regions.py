"""Which neighbourhood to search next: ranges of chips around the largest load, or anywhere.

Knows loads and groups; no rule and no solver. Sizes follow what the solver managed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.optimise.neighbourhood import Neighbourhood
from chipzinc.optimise.score import Standing

_FIRST_ITEMS = 60
_LEAST_ITEMS = 8
_GROWTH, _SHRINKING = 1.25, 0.7
_AT_THE_LARGEST = 0.6  # share of neighbourhoods around the largest load
_FINE_SHARE = 0.25  # share of neighbourhoods in which each op moves by itself
_TRIES = 40
_WORTH_ANOTHER_TRY = 0.95  # everything is searched once more after the interval has fallen to this share


@dataclass(frozen=True, eq=False)
class Proposal:
    """A neighbourhood, and what it is known by.

    Attributes:
        hood: the neighbourhood.
        key: equal for neighbourhoods in which the same can be found.
        whole: whether everything may move.
        finest: whether each op moves by itself.
    """

    hood: Neighbourhood
    key: bytes
    whole: bool
    finest: bool


class Regions:
    """Proposes neighbourhoods, none twice once it was searched to its end: everything first, then ranges of chips.

    Args:
        graph: the graph.
        package: the package.
        coarsening: groups that move together unless a neighbourhood is fine.
        seed: seed of the choices.
    """

    def __init__(self, graph: OpGraph, package: Package, coarsening: Coarsening, seed: int) -> None:
        self.graph, self.package, self.coarsening = graph, package, coarsening
        self._rng = np.random.default_rng(seed)
        self._most_items = float(_FIRST_ITEMS)
        self._closed: set[bytes] = set()
        self._settled: Standing | None = None  # no partition of its groups is better
        self._tried: dict[tuple[bool, int], float] = {}  # interval when everything was last proposed, fine or not

    def propose(self, best: Standing, busy: list[Proposal], stage: int = 0) -> Proposal | None:
        """A neighbourhood of a partition that was not searched to its end; None if none was found.

        Args:
            best: the partition.
            busy: neighbourhoods being searched, from which to stay away.
            stage: what is being minimised.
        """
        taken = self._closed | {proposal.key for proposal in busy}
        everything = self._everything(best, stage)
        if everything is not None and everything.key not in taken and not any(each.whole for each in busy):
            self._tried[everything.finest, stage] = best.interval_us
            return everything
        found: Proposal | None = None
        for attempt in range(_TRIES):
            proposal = self._draw(best, stage, size=self._most_items * _GROWTH ** max(0, attempt - 4))
            if proposal.key in taken:
                continue
            found = proposal
            others = [each.hood for each in busy if not each.whole]
            if not any(hood.low <= proposal.hood.high and proposal.hood.low <= hood.high for hood in others):
                break
        return found

    def learn(self, proposal: Proposal, start: Standing, *, proven: bool) -> None:
        """Takes in whether a neighbourhood of a partition was searched to its end."""
        if proven:
            self._closed.add(proposal.key)
            if proposal.whole:
                self._settled = start
        if not proposal.whole:
            change = _GROWTH if proven else _SHRINKING
            self._most_items = max(float(_LEAST_ITEMS), self._most_items * change)

    def _everything(self, best: Standing, stage: int) -> Proposal | None:
        """All groups; all ops, once no partition of the groups is better; None where that was tried lately."""
        fine = best is self._settled
        finest = fine or self.coarsening.n_groups == self.graph.n_ops
        if best.interval_us > self._tried.get((finest, stage), np.inf) * _WORTH_ANOTHER_TRY:
            return None
        return self._proposal(best, stage, 0, self.package.n_chips - 1, fine=fine)

    def _draw(self, best: Standing, stage: int, size: float) -> Proposal:
        """A range of chips, with about as many things that move as wanted."""
        fine = bool(self._rng.random() < _FINE_SHARE) or best is self._settled
        items = self._items(best.chips, fine=fine)
        centre = self._centre(best)
        last = min(int(best.chips.max()) + 1, self.package.n_chips - 1)
        per_chip = np.bincount(best.chips[np.unique(items)], minlength=self.package.n_chips)
        low, high = self._grown(per_chip, centre, centre, last, size)
        return self._proposal(best, stage, low, high, fine=fine)

    def _proposal(self, best: Standing, stage: int, low: int, high: int, *, fine: bool) -> Proposal:
        inside = (best.chips >= low) & (best.chips <= high)
        whole = bool(inside.all())
        if whole:
            low, high = 0, self.package.n_chips - 1
        moving = np.where(inside, self._items(best.chips, fine=fine), -1)
        finest = fine or self.coarsening.n_groups == self.graph.n_ops
        key = bytes([finest, stage]) + np.array([low, high]).tobytes() + np.where(inside, best.chips, -1).tobytes()
        return Proposal(Neighbourhood(low, high, moving), key, whole, finest)

    def _grown(self, per_chip: IntArray, low: int, high: int, last: int, size: float) -> tuple[int, int]:
        """A range of chips around one, taking in neighbours on either side while what moves is not too much."""
        while low > 0 or high < last:
            below = high >= last or (low > 0 and bool(self._rng.random() < 0.5))
            added = low - 1 if below else high + 1
            if per_chip[low : high + 1].sum() + per_chip[added] > size and high > low:
                break
            low, high = min(low, added), max(high, added)
        return low, high

    def _centre(self, best: Standing) -> int:
        """A chip: that of the largest load, or any that is used."""
        if self._rng.random() >= _AT_THE_LARGEST:
            return int(self._rng.choice(np.unique(best.chips)))
        if best.link_us.max(initial=0.0) > best.chip_us.max(initial=0.0):
            return int(self._rng.choice(self.package.links[int(best.link_us.argmax())]))
        return int(best.chip_us.argmax())

    def _items(self, chips: IntArray, *, fine: bool) -> IntArray:
        """What moves together: groups, save those that the partition splits; ops where it is fine; shape [op]."""
        ops = np.arange(self.graph.n_ops)
        if fine:
            return ops
        first = self.coarsening.members.ids[self.coarsening.members.starts[:-1]]
        group_of = self.coarsening.group_of
        split = np.zeros(self.coarsening.n_groups, dtype=bool)
        split[group_of[chips != chips[first][group_of]]] = True
        return np.where(split[group_of], ops, first[group_of])
