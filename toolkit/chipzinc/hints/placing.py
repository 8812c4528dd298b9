"""`Placing`: items on chips, with the chips' loads and the triangles between them kept up to date move by move.

A move takes tens of microseconds, so that hundreds of thousands can be tried. Links between chips are not looked at,
nor memory over time: who takes a placing as a partition has to ask the throughput model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from chipzinc.graph.opgraph import Incidence
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered


class Change(NamedTuple):
    """What a move changes on the chips it touches, in µs by chip."""

    work: dict[int, float]
    received: dict[int, float]
    sent: dict[int, float]


class Placing:
    """Items on chips.

    Args:
        ordered: items, and a package with a hard `acyclic_dataflow` whose transfers use links.
        chip: chip of each item, in the order of the pipeline; shape [item].

    Attributes:
        chip: as given, and changed by `move`.
        on: items of each chip.
        edges: number of item pairs by which each chip feeds each other, shape [chip, chip].
        feeds: bit set of the chips that each chip feeds.
    """

    def __init__(self, ordered: Ordered, chip: Sequence[int]) -> None:
        items, package, kinds = ordered.items, ordered.package, ordered.types.type_of.tolist()
        self.n_chips, n = package.n_chips, items.n_items
        time_us, refused = items.time_us.tolist(), items.refused.tolist()
        self.time_us = [[math.inf if refused[i][k] else time_us[i][k] for k in kinds] for i in range(n)]
        self.before: list[list[int]] = [[] for _ in range(n)]
        self.after: list[list[int]] = [[] for _ in range(n)]
        for earlier, later in items.precedes.tolist():
            self.before[later].append(earlier)
            self.after[earlier].append(later)
        self.nets, self.touching = _rows_of(items.nets, n), [items.nets[net].tolist() for net in range(len(items.nets))]
        self.producer, self.size = items.net_producer.tolist(), items.net_size.tolist()
        self.weights, self.weight_bytes = _rows_of(items.weights, n), items.weight_bytes.tolist()
        self.io_bytes, self.sram_bytes = items.io_bytes.tolist(), package.sram_bytes.tolist()
        self.offchip = package.offchip_bytes_per_us.tolist()
        types = ordered.types
        self._per_received = [_inverse(float(types.receive_bytes_per_us[kind])) for kind in kinds]
        self._per_sent = [_inverse(float(types.send_bytes_per_us[kind])) for kind in kinds]
        self.streamed, self.overlapped = package.weights == "streamed", package.communication == "overlapped"
        self.keeps_memory = hard(package, "memory_capacity")
        self.prices_triangles = hard(package, "triangle_dependency")
        self.place(chip)

    def place(self, chip: Sequence[int]) -> None:
        """Puts all items on chips anew."""
        chips = range(self.n_chips)
        self.chip = list(chip)
        self.on: list[list[int]] = [[] for _ in chips]
        self._at = [0] * len(self.chip)
        self._work, self._received, self._sent = ([0.0] * self.n_chips for _ in range(3))
        self._users: list[dict[int, int]] = [{} for _ in chips]
        self._weight, self._io = [0] * self.n_chips, [0] * self.n_chips
        self.edges = [[0] * self.n_chips for _ in chips]
        for item, on in enumerate(self.chip):
            self._at[item] = len(self.on[on])
            self.on[on].append(item)
            self._work[on] += self.time_us[item][on]
            self._use(item, on)
            for later in self.after[item]:
                self.edges[on][self.chip[later]] += on != self.chip[later]
        self.feeds = [sum(1 << b for b in chips if row[b]) for row in self.edges]
        self._count: list[dict[int, int]] = []
        for net, touching in enumerate(self.touching):
            count: dict[int, int] = {}
            for item in touching:
                count[self.chip[item]] = count.get(self.chip[item], 0) + 1
            self._count.append(count)
            source = self.chip[self.producer[net]]
            for on in count:
                if on != source:
                    self._received[on] += self.size[net] * self._per_received[on]
            self._sent[source] += self.size[net] * self._per_sent[source] if len(count) > 1 else 0.0

    def load_us(self, chip: int) -> float:
        """What a chip takes."""
        return self._loaded(chip, self._work[chip], self._received[chip], self._sent[chip])

    def longest_us(self) -> float:
        """What the chip takes that takes longest."""
        return max(map(self.load_us, range(self.n_chips)))

    def fits(self) -> bool:
        """Whether every chip's memory at rest holds what is on it."""
        if not self.keeps_memory:
            return True
        need = self._io if self.streamed else [io + all_ for io, all_ in zip(self._io, self._weight, strict=True)]
        return all(each <= sram for each, sram in zip(need, self.sram_bytes, strict=True))

    def range_of(self, item: int) -> tuple[int, int]:
        """First and last chip that the order leaves an item."""
        low, high, chip = 0, self.n_chips - 1, self.chip
        for each in self.before[item]:
            if chip[each] > low:
                low = chip[each]
        for each in self.after[item]:
            if chip[each] < high:
                high = chip[each]
        return low, high

    def has_room(self, items: Sequence[int], chip: int) -> bool:
        """Whether a chip's memory at rest takes further items."""
        if not self.keeps_memory:
            return True
        io = max(self._io[chip], *(self.io_bytes[item] for item in items))
        if self.streamed:
            return bool(io <= self.sram_bytes[chip])
        users = self._users[chip]
        more = {weight for item in items for weight in self.weights[item] if weight not in users}
        weight = self._weight[chip] + sum(self.weight_bytes[each] for each in more)
        return bool(weight + io <= self.sram_bytes[chip])

    def change(self, item: int, to: int) -> Change:
        """What moving an item to another chip would change, streamed weights aside."""
        of = self.chip[item]
        received: dict[int, float] = {}
        sent: dict[int, float] = {}
        for net in self.nets[item]:
            count, size, source = self._count[net], self.size[net], self.chip[self.producer[net]]
            here, there, chips = count[of], count.get(to, 0), len(count)
            after = chips - (here == 1) + (there == 0)
            if self.producer[net] == item:
                if chips > 1:
                    sent[of] = sent.get(of, 0.0) - size * self._per_sent[of]
                if after > 1:
                    sent[to] = sent.get(to, 0.0) + size * self._per_sent[to]
                if there:
                    received[to] = received.get(to, 0.0) - size * self._per_received[to]
                if here > 1:
                    received[of] = received.get(of, 0.0) + size * self._per_received[of]
                continue
            if here == 1 and of != source:
                received[of] = received.get(of, 0.0) - size * self._per_received[of]
            if not there and to != source:
                received[to] = received.get(to, 0.0) + size * self._per_received[to]
            if (chips == 1) != (after == 1):
                more = size if chips == 1 else -size
                sent[source] = sent.get(source, 0.0) + more * self._per_sent[source]
        work = {of: -self.time_us[item][of], to: self.time_us[item][to]}
        return Change(work, received, sent)

    def excess_us(self, change: Change, limit_us: float) -> float:
        """By how much more loads would exceed a limit after a change."""
        more = 0.0
        for chip in {*change.work, *change.received, *change.sent}:
            work, received, sent = self._work[chip], self._received[chip], self._sent[chip]
            over = self._loaded(chip, work, received, sent) - limit_us
            after = self._loaded(
                chip,
                work + change.work.get(chip, 0.0),
                received + change.received.get(chip, 0.0),
                sent + change.sent.get(chip, 0.0),
            )
            more += max(after - limit_us, 0.0) - max(over, 0.0)
        return more

    def total_excess_us(self, limit_us: float) -> float:
        """By how much all loads exceed a limit."""
        return sum(max(self.load_us(chip) - limit_us, 0.0) for chip in range(self.n_chips))

    def move(self, item: int, to: int, change: Change | None = None) -> None:
        """Moves an item to another chip, wherever that leads."""
        work, received, sent = change or self.change(item, to)
        of = self.chip[item]
        self.redirect(item, to)
        for chip, more in work.items():
            self._work[chip] += more
        for chip, more in received.items():
            self._received[chip] += more
        for chip, more in sent.items():
            self._sent[chip] += more
        for net in self.nets[item]:
            count = self._count[net]
            count[to] = count.get(to, 0) + 1
            count[of] -= 1
            if not count[of]:
                del count[of]
        self._leave(item, of)
        self._use(item, to)
        last, place = self.on[of].pop(), self._at[item]
        if last != item:
            self.on[of][place], self._at[last] = last, place
        self._at[item] = len(self.on[to])
        self.on[to].append(item)
        self.chip[item] = to

    def redirect(self, item: int, to: int, of: int | None = None) -> None:
        """Moves an item's edges only, which can be undone; what is said of triangles then holds for where it would be.

        Args:
            item: the item.
            to: the chip to move them to.
            of: the chip they are at; None for the item's.
        """
        of, edges, feeds, chip = self.chip[item] if of is None else of, self.edges, self.feeds, self.chip
        for each in self.before[item]:
            source = chip[each]
            if source != of:
                edges[source][of] -= 1
                if not edges[source][of]:
                    feeds[source] &= ~(1 << of)
            if source != to:
                edges[source][to] += 1
                feeds[source] |= 1 << to
        for each in self.after[item]:
            target = chip[each]
            if target != of:
                edges[of][target] -= 1
                if not edges[of][target]:
                    feeds[of] &= ~(1 << target)
            if target != to:
                edges[to][target] += 1
                feeds[to] |= 1 << target

    def triangles(self) -> int:
        """Edges from chips to chips that a longer way leads to as well; the order of the chips has to hold."""
        if not self.prices_triangles:
            return 0
        reaches, feeds, found = [0] * self.n_chips, self.feeds, 0
        for chip in range(self.n_chips - 1, -1, -1):
            fed = feeds[chip]
            if not fed:
                continue
            further, left = 0, fed
            while left:
                bit = left & -left
                further |= reaches[bit.bit_length() - 1]
                left ^= bit
            reaches[chip] = fed | further
            double = fed & further
            while double:
                bit = double & -double
                found += self.edges[chip][bit.bit_length() - 1]
                double ^= bit
        return found

    def doubled(self) -> list[tuple[int, int, list[int]]]:
        """(chip, chip it feeds, chips on longer ways between them) of each triangle."""
        chips = range(self.n_chips)
        reaches, found = [0] * self.n_chips, []
        for a in reversed(chips):
            further = 0
            for b in chips[a + 1 :]:
                further |= reaches[b] if self.feeds[a] >> b & 1 else 0
            reaches[a] = self.feeds[a] | further
            for b in chips[a + 1 :]:
                if self.feeds[a] & further & 1 << b:
                    between = [c for c in chips[a + 1 : b] if reaches[a] >> c & 1 and reaches[c] >> b & 1]
                    found.append((a, b, between))
        return found

    def _loaded(self, chip: int, work: float, received: float, sent: float) -> float:
        if self.streamed:
            over = self._weight[chip] - max(self.sram_bytes[chip] - self._io[chip], 0)
            work += over / self.offchip[chip] if over > 0 else 0.0
        return max(work, received, sent) if self.overlapped else work + received + sent

    def _use(self, item: int, chip: int) -> None:
        self._io[chip] = max(self._io[chip], self.io_bytes[item])  # never falls, until all is placed anew
        users = self._users[chip]
        for weight in self.weights[item]:
            if weight not in users:
                self._weight[chip] += self.weight_bytes[weight]
            users[weight] = users.get(weight, 0) + 1

    def _leave(self, item: int, chip: int) -> None:
        users = self._users[chip]
        for weight in self.weights[item]:
            users[weight] -= 1
            if not users[weight]:
                del users[weight]
                self._weight[chip] -= self.weight_bytes[weight]


def _inverse(rate: float) -> float:
    return 1 / rate if rate > 0 else math.inf


def _rows_of(incidence: Incidence, n_items: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(n_items)]
    for row, item in zip(incidence.rows.tolist(), incidence.ids.tolist(), strict=True):
        rows[item].append(row)
    return rows
