"""`shift()`: pipelines bettered by moving items from chip to chip, by simulated annealing.

What chips take beyond a wished interval is minimised, with a price on each edge that `triangle_dependency` forbids, so
that the search may pass through partitions that break it. Most moves take one item to another chip; some take a set:
what closes a triangle, an item with all that follows (or precedes) it on its chip, or a whole chip. After Kirkpatrick
et al., "Optimization by simulated annealing" (1983).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import IntArray
from chipzinc.hardware.package import Package
from chipzinc.hints.placing import Placing
from chipzinc.ideals.pipelines import Ordered

KNOWN_RULES = frozenset(
    (
        "acyclic_dataflow",
        "no_skipped_chips",
        "triangle_dependency",
        "memory_capacity",
        "supported_kinds",
        "pinned",
        "colocated",
    )
)
"""Hard rules that a shifted pipeline keeps; where others are selected, nothing is shifted."""

HEAT = (0.05, 0.001)
"""Temperature in the beginning and in the end, in shares of the wished interval."""

_WISH = 0.9  # of the shortest interval so far, what is wished for
_PRICE = 0.3  # of an edge that closes a triangle, in wished intervals
_SETS = 0.1  # share of moves that take a set
_PRESSED = 0.6  # share of single moves from chips that take too long or are in a triangle
_TRIES = 6  # to draw such a chip
_LOOK = 128  # moves between looks at the clock
_RENUMBER = 2_048  # moves after which chips that are alike get other numbers
_GAIN = 1e-4  # share by which a shorter interval is worth noting


def may_shift(package: Package) -> bool:
    """Whether the package is one for `shift`."""
    rules = {rule.name for rule in package.rules if rule.soft_weight is None}
    return "acyclic_dataflow" in rules and rules <= KNOWN_RULES and package.communication != "host"


def shift(
    ordered: Ordered,
    chip: IntArray,
    seconds: float,
    *,
    seed: int = 0,
    moves: int | None = None,
    heat: tuple[float, float] = HEAT,
) -> IntArray | None:
    """Looks for a shorter pipeline near one.

    Args:
        ordered: items, and a package that one `may_shift`.
        chip: chip of each item in the order of the pipeline, whether or not it keeps `triangle_dependency`;
            shape [item].
        seconds: time to spend.
        seed: of the draws.
        moves: most moves to try; None: as many as there is time for.
        heat: temperature in the beginning and in the end.

    Returns:
        Chip of each item of the shortest one found, which keeps `acyclic_dataflow`, `no_skipped_chips`,
        `triangle_dependency` where it is hard, and memory at rest; None if none is shorter.
    """
    placing = Placing(ordered, chip.tolist())
    search = _Annealing(placing, alike=len(ordered.types.chip) == 1, rng=random.Random(seed))
    begin = time.monotonic()
    tried = 0
    while moves is None or tried < moves:
        done = (time.monotonic() - begin) / max(seconds, 1e-9)
        if done >= 1:
            break
        if moves is not None:
            done = max(done, tried / moves)
        search.heat = heat[0] * (heat[1] / heat[0]) ** done
        for _ in range(_LOOK):
            search.step()
        tried += _LOOK
        if tried % _RENUMBER == 0:
            search.renumber()
    return None if search.best is None else np.array(search.best, dtype=np.int64)


@dataclass(eq=False)
class _Annealing:
    """The search's state.

    Attributes:
        placing: where items are.
        alike: whether chips may change places.
        rng: source of draws.
        heat: temperature, in shares of the wished interval.
        best: chip of each item of the shortest pipeline found, shape [item].
    """

    placing: Placing
    alike: bool
    rng: random.Random
    heat: float = HEAT[0]
    best: list[int] | None = None

    def __post_init__(self) -> None:
        self._triangles = self.placing.triangles()
        holds = not self._triangles and self.placing.fits() and self._numbered() is not None
        longest = self.placing.longest_us()
        self._best_us = longest if holds else math.inf
        self._wish_us = _WISH * longest
        self._pressed: list[int] = []
        self._press()

    def step(self) -> None:
        """Proposes one move, and makes it or not."""
        if self.rng.random() < _SETS:
            drawn = self._set()
            if drawn is not None:
                self._try_set(*drawn)
        else:
            self._try_one()

    def renumber(self) -> None:
        """Gives chips that are alike the numbers of another order, in which each still feeds only later ones."""
        self._press()
        if not self.alike:
            self.placing.place(self.placing.chip)
            return
        chips, feeds = range(self.placing.n_chips), self.placing.feeds
        waiting = [sum(feeds[a] >> b & 1 for a in chips) for b in chips]
        ready = [chip for chip in chips if not waiting[chip]]
        number = [0] * len(chips)
        for place in chips:
            chip = ready.pop(self.rng.randrange(len(ready)))
            number[chip] = place
            for fed in chips:
                if feeds[chip] >> fed & 1:
                    waiting[fed] -= 1
                    if not waiting[fed]:
                        ready.append(fed)
        self.placing.place([number[chip] for chip in self.placing.chip])
        self._press()

    def _try_one(self) -> None:
        """Proposes to move one item, to a chip of what it reads or is read by, or to any that the order allows."""
        placing, random_ = self.placing, self.rng.random
        item = self._item()
        low, high = placing.range_of(item)
        if high <= low:
            return
        of, to = placing.chip[item], low + int(random_() * (high - low + 1))
        if random_() < 0.5:
            near = placing.before[item] + placing.after[item]
            to = placing.chip[near[int(random_() * len(near))]] if near else to
        if to == of or not low <= to <= high or not placing.has_room((item,), to):
            return
        change = placing.change(item, to)
        more = placing.excess_us(change, self._wish_us) / self._wish_us
        most = self._tolerance()
        if more - _PRICE * self._triangles > most:
            return
        placing.redirect(item, to)
        triangles = placing.triangles()
        placing.redirect(item, of, of=to)
        if more + _PRICE * (triangles - self._triangles) <= most:
            placing.move(item, to, change)
            self._triangles = triangles
            self._note()

    def _try_set(self, items: Sequence[int], of: int, to: int) -> None:
        """Proposes to move some items of one chip to another."""
        placing, together = self.placing, set(items)
        if to > of:
            fits = all(placing.chip[x] >= to or x in together for item in items for x in placing.after[item])
        else:
            fits = all(placing.chip[x] <= to or x in together for item in items for x in placing.before[item])
        if not fits or not placing.has_room(items, to):
            return
        before = placing.total_excess_us(self._wish_us) / self._wish_us + _PRICE * self._triangles
        for item in items:
            placing.move(item, to)
        triangles = placing.triangles()
        after = placing.total_excess_us(self._wish_us) / self._wish_us + _PRICE * triangles
        if not after - before <= self._tolerance():
            for item in items:
                placing.move(item, of)
            return
        self._triangles = triangles
        self._note()

    def _item(self) -> int:
        """An item, rather of a chip that takes too long or is in a triangle."""
        placing, random_ = self.placing, self.rng.random
        if self._pressed and random_() < _PRESSED:
            items = placing.on[self._pressed[int(random_() * len(self._pressed))]]
            if items:
                return items[int(random_() * len(items))]
        return int(random_() * len(placing.chip))

    def _set(self) -> tuple[list[int], int, int] | None:
        """Items of one chip that stay in order if they all move, with that chip and where to; None if none is drawn."""
        placing, random_ = self.placing, self.rng.random
        doubled = placing.doubled() if self._triangles and random_() < 0.5 else []
        if doubled:
            items, of, to = self._of_triangle(*doubled[int(random_() * len(doubled))])
        else:
            of = placing.chip[int(random_() * len(placing.chip))]
            items = placing.on[of]
            to = self._near(of)
            if random_() < 0.85:
                items = [items[int(random_() * len(items))]]
        if to == of:
            return None
        return _closed(placing, items, of, placing.after if to > of else placing.before), of, to

    def _of_triangle(self, a: int, b: int, between: list[int]) -> tuple[list[int], int, int]:
        """What feeds the one chip directly from the other, or is so fed, and where it could go."""
        placing, random_ = self.placing, self.rng.random
        ends = {item for item in placing.on[a] if any(placing.chip[x] == b for x in placing.after[item])}
        of, other = a, b
        if random_() < 0.5:
            ends = {item for item in placing.on[b] if any(placing.chip[x] == a for x in placing.before[item])}
            of, other = b, a
        items = sorted(ends)
        if random_() < 0.2:
            items = [items[int(random_() * len(items))]]
        drawn = random_()
        if drawn < 0.3 or not between:
            return items, of, other
        if drawn < 0.5:
            return items, of, between[int(random_() * len(between))]
        return items, of, self._near(of)

    def _near(self, chip: int) -> int:
        """An unused chip, one that a chip feeds or is fed by, or any."""
        placing, drawn = self.placing, self.rng.random()
        chips = range(placing.n_chips)
        if drawn < 0.4:
            near = [other for other in chips if not placing.on[other]]
        elif drawn < 0.8:
            near = [other for other in chips if placing.edges[chip][other] or placing.edges[other][chip]]
        else:
            near = list(chips)
        return near[int(self.rng.random() * len(near))] if near else chip

    def _tolerance(self) -> float:
        """The most by which what is minimised may grow."""
        return -self.heat * math.log(1.0 - self.rng.random())

    def _note(self) -> None:
        """Keeps the pipeline if it holds and is the shortest."""
        if self._triangles:
            return
        longest = self.placing.longest_us()
        if longest >= self._best_us * (1 - _GAIN):
            return
        numbered = self._numbered()
        if numbered is not None and self.placing.fits():
            self.best, self._best_us, self._wish_us = numbered, longest, _WISH * longest

    def _numbered(self) -> list[int] | None:
        """The chips without numbers left out; None where there are some and chips differ."""
        used = [chip for chip in range(self.placing.n_chips) if self.placing.on[chip]]
        if not self.alike and used != list(range(len(used))):
            return None
        number = {chip: place for place, chip in enumerate(used)}
        return [number[chip] for chip in self.placing.chip]

    def _press(self) -> None:
        """Looks which chips take too long or are in a triangle."""
        placing = self.placing
        ends = {chip for a, b, _ in placing.doubled() for chip in (a, b)} if self._triangles else set()
        self._pressed = [c for c in range(placing.n_chips) if c in ends or placing.load_us(c) > self._wish_us]


def _closed(placing: Placing, items: Sequence[int], chip: int, towards: list[list[int]]) -> list[int]:
    """Some items of a chip with all of it that follow them, or precede them."""
    found, left = set(items), list(items)
    while left:
        for item in towards[left.pop()]:
            if placing.chip[item] == chip and item not in found:
                found.add(item)
                left.append(item)
    return sorted(found)
