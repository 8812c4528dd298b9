"""Pipelines that keep `triangle_dependency`, by filling one chip after another with what may still join it.

Slices of one order miss them where many ops feed a late one, as unrolled steps feed what gathers their outputs: which
ops a chip can take depends on where those before them were cut. Here the order follows the cuts. A beam of partial
pipelines is filled from several priorities; what an awaited op would force onto one chip is looked at beforehand.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from chipzinc.graph.opgraph import FloatArray, Incidence, IntArray
from chipzinc.ideals.items import hard
from chipzinc.ideals.lattice import Ideal
from chipzinc.ideals.pipelines import Ordered
from chipzinc.ideals.triangle import Label, follow, members

_MOST_REFUSED = 12  # items that find no room on a chip before it counts as full
_CLOSINGS = 6  # of one chip, tried from the fullest down
_QUIET = 0.75  # of the fullest closing's work, above which the one that sends least is tried as well


class Partial(NamedTuple):
    """A pipeline's first chips.

    Attributes:
        chips: items of each chip.
        placed: all of them.
        label: chips from which something is awaited.
        waiting: items that each item still waits for, shape [item].
        ready: items that wait for none.
        work_us: time of all that is placed.
        credit: what the beam ranks by.
    """

    chips: tuple[Ideal, ...]
    placed: Ideal
    label: Label
    waiting: tuple[int, ...]
    ready: tuple[int, ...]
    work_us: float
    credit: float


class Filler:
    """Fills chips in the order of their numbers, none left empty.

    Args:
        ordered: items, and a package with a hard `acyclic_dataflow` whose transfers use links.
        sources_late: items that read nothing wait until their one reader has all else that it reads.

    Attributes:
        work_us: time of all items, each on its fastest chip.
        floor_us: no pipeline is shorter.
        ceiling_us: what one chip would take for all.
    """

    def __init__(self, ordered: Ordered, *, sources_late: bool = False) -> None:
        items, package = ordered.items, ordered.package
        n = items.n_items
        self.n_items, self.types = n, ordered.types
        self.full = (1 << n) - 1
        self.time_us, self.refused = items.time_us.T.tolist(), items.refused.T.tolist()
        self._least_us = np.where(items.refused, np.inf, items.time_us).min(axis=1, initial=np.inf)
        self._item_us: list[float] = self._least_us.tolist()
        self.before, self.after = _neighbours(items.precedes, n)
        self.parents, self.children = _sets(self.before), _sets(self.after)
        late = _late(self.before, self.after) if sources_late else []
        waits = np.concatenate([items.precedes, np.array(late, dtype=np.int64).reshape(-1, 2)])
        self.waits_for, self.awaited_by = _neighbours(waits, n)
        self.ancestors, self.descendants = _closures(self.before, self.after)
        self.nets = _by_item(items.nets, n)
        self.net_touched = np.diff(items.nets.starts).tolist()
        self.net_producer: list[int] = items.net_producer.tolist()
        self.net_size: list[float] = items.net_size.tolist()
        self.weights = _by_item(items.weights, n)
        self.weight_bytes, self.io_bytes = items.weight_bytes.tolist(), items.io_bytes.tolist()
        self.sram_bytes = package.sram_bytes.tolist()
        self.keeps_memory = hard(package, "memory_capacity")
        self.resident, self.overlapped = package.weights == "resident", package.communication == "overlapped"

        self.work_us = float(self._least_us.sum())
        self.floor_us = max(self.work_us / len(ordered.types.type_of), float(self._least_us.max(initial=0.0)), 1e-9)
        self.ceiling_us = max(float(np.where(items.refused, 0.0, items.time_us).sum(axis=0).max()), self.floor_us)

    def find(
        self, limit_us: float, ranks: Sequence[IntArray], favour: FloatArray, width: int, deadline: float
    ) -> IntArray | None:
        """Chip of each item of a pipeline within a limit, by a beam search, shape [item]; None if it finds none.

        Args:
            limit_us: no chip may take longer.
            ranks: orders of preference among items that may come next, each of shape [item].
            favour: factor of the work that a chip filled by each of them counts with, shape [rank].
            width: partial pipelines kept.
            deadline: `time.monotonic()` at which to give up.
        """
        waiting = tuple(len(sources) for sources in self.waits_for)
        ready = tuple(item for item, count in enumerate(waiting) if not count)
        beam = [Partial((), 0, Label((), ()), waiting, ready, 0.0, 0.0)]
        n_chips = len(self.types.type_of)
        for chip in range(n_chips):
            reached: dict[Ideal, Partial] = {}
            for partial in beam:
                for rank, factor in zip(ranks, favour.tolist(), strict=True):
                    if time.monotonic() > deadline:
                        return None
                    for longer in self._filled(partial, chip, rank, factor, limit_us):
                        if longer.placed == self.full:
                            return self._chip_of_item(longer.chips)
                        known = reached.get(longer.placed)
                        if known is None or longer.credit > known.credit:
                            reached[longer.placed] = longer
            most = self.work_us - (n_chips - chip - 1) * limit_us * (1 + 1e-9)
            enough = [partial for partial in reached.values() if partial.work_us >= most]
            beam = sorted(enough, key=lambda partial: -partial.credit)[:width]
        return None

    def _chip_of_item(self, chips: Sequence[Ideal]) -> IntArray:
        found = np.zeros(self.n_items, dtype=np.int64)
        for chip, items in enumerate(chips):
            found[list(members(items))] = chip
        return found

    def _filled(self, partial: Partial, chip: int, rank: IntArray, factor: float, limit_us: float) -> Iterator[Partial]:
        """The pipeline with one more chip: as full as can be, up to the first item refused, or sending least."""
        taken, closings, straight = self._take(partial, chip, rank, limit_us)
        tried: set[int] = set()
        for ends in (closings, [each for each in closings if each[0] <= straight]):
            for attempt in range(_CLOSINGS):
                if not ends or ends[-1][0] in tried:
                    break
                tried.add(ends[-1][0])
                closed = self._closed(partial, taken[: ends[-1][0]], factor, limit_us)
                if closed is not None:
                    yield closed
                    break
                ends = ends[:-1] if attempt < _CLOSINGS // 2 else ends[: len(ends) // 2]
        quiet = min((each for each in closings if each[1] >= _QUIET * closings[-1][1]), key=_sending, default=None)
        if quiet is not None and quiet[0] not in tried:
            closed = self._closed(partial, taken[: quiet[0]], factor, limit_us)
            if closed is not None:
                yield closed

    def _take(self, partial: Partial, chip: int, rank: IntArray, limit_us: float) -> tuple[list[int], list[_End], int]:
        """Gives a chip items in an order of preference.

        Returns:
            The items in their order, where the chip could end, and how many it took before it had no room for one.
        """
        kind = int(self.types.type_of[chip])
        time_us, refused = self.time_us[kind], self.refused[kind]
        receive, send = self.types.receive_bytes_per_us[kind], self.types.send_bytes_per_us[kind]
        home = {item: place for place, items in enumerate(partial.label.awaited) for item in members(items)}
        waiting = list(partial.waiting)
        heap = [(int(rank[item]), item) for item in partial.ready]
        heapq.heapify(heap)
        load = _Load()
        taken: list[int] = []
        inside: set[int] = set()
        closings: list[_End] = []
        straight = -1
        readers = [self._readers(items) & ~partial.placed for items in partial.label.awaited]
        feeders = refusals = below = now = 0
        while heap and refusals < _MOST_REFUSED:
            item = heapq.heappop(heap)[1]
            fed = feeders
            for source in self.before[item]:
                if source not in inside:
                    fed |= 1 << home[source]
            if refused[item] or (fed != feeders and _tangled(partial.label, fed)):
                continue
            added = self._received(item, load, inside)
            busy = load.work_us + time_us[item]
            least = _load_us(busy, _over(load.received + added, receive), 0.0, self.overlapped)
            if least > limit_us or (self.keeps_memory and not self._fits(item, load, chip)):
                straight = len(taken) if straight < 0 else straight
                refusals += 1
                continue
            below_now, with_it = below | self.descendants[item], now | 1 << item
            needed = self._needed(partial, readers, fed, below_now, with_it)
            if self._exceeds(needed, limit_us - busy):
                continue
            if self._forces_too_much(item, below_now, partial.placed | with_it, 2 * limit_us - busy):
                continue
            feeders, below, now = fed, below_now, with_it
            inside.add(item)
            taken.append(item)
            self._add(item, load, inside, time_us[item])
            sending = _over(load.sent, send)
            loaded = _load_us(load.work_us, _over(load.received, receive), sending, self.overlapped)
            if not needed and loaded <= limit_us:
                closings.append((len(taken), load.work_us, sending))
            for later in self.awaited_by[item]:
                waiting[later] -= 1
                if not waiting[later]:
                    heapq.heappush(heap, (int(rank[later]), later))
        return taken, closings, straight if straight >= 0 else len(taken)

    def _received(self, item: int, load: _Load, inside: set[int]) -> float:
        """Bytes that an item adds to what its chip receives."""
        read = (net for net in self.nets[item] if net not in load.read)
        arriving = (net for net in read if self.net_producer[net] != item and self.net_producer[net] not in inside)
        return sum((self.net_size[net] for net in arriving), 0.0)

    def _fits(self, item: int, load: _Load, chip: int) -> bool:
        io = max(load.io, self.io_bytes[item])
        more = sum(self.weight_bytes[weight] for weight in self.weights[item] if weight not in load.weights)
        return bool(io + (load.weight_bytes + more if self.resident else 0) <= self.sram_bytes[chip])

    def _needed(self, partial: Partial, readers: list[Ideal], feeders: int, below: Ideal, now: Ideal) -> Ideal:
        """What a chip still has to take, since it lies behind what the chip has and reads what leads to the chip.

        Args:
            partial: the chips before.
            readers: open readers of each chip of the label.
            feeders: places of the label that feed the chip.
            below: items after the chip's.
            now: the chip's items.
        """
        reading = 0
        for place, reached in enumerate(partial.label.reaches):
            if feeders >> place & 1 or reached & feeders:
                reading |= readers[place]
        reading &= below & ~now
        needed = reading
        for item in members(reading):
            needed |= self.ancestors[item]
        return needed & below & ~(now | partial.placed) if reading else 0

    def _forces_too_much(self, item: int, below: Ideal, placed: Ideal, room_us: float) -> bool:
        """Whether what an item's readers would tie together fits neither the rest of the chip nor one more."""
        return any(
            self._exceeds(between | 1 << later, room_us)
            for later in self.after[item]
            if (between := below & self.ancestors[later] & ~placed)
        )

    def _readers(self, items: Ideal) -> Ideal:
        found = 0
        for item in members(items):
            found |= self.children[item]
        return found

    def _exceeds(self, items: Ideal, room_us: float) -> bool:
        """Whether a set takes longer than there is room for."""
        for item in members(items):
            room_us -= self._item_us[item]
            if room_us < 0:
                return True
        return False

    def _add(self, item: int, load: _Load, inside: set[int], time_us: float) -> None:
        load.work_us += time_us
        load.io = max(load.io, self.io_bytes[item])
        for weight in self.weights[item]:
            if weight not in load.weights:
                load.weights.add(weight)
                load.weight_bytes += self.weight_bytes[weight]
        for net in self.nets[item]:
            producer = self.net_producer[net]
            if producer == item:
                load.left[net] = self.net_touched[net] - 1
                load.sent += self.net_size[net]
            elif producer in inside:
                load.left[net] -= 1
                if not load.left[net]:
                    load.sent -= self.net_size[net]
            elif net not in load.read:
                load.read.add(net)
                load.received += self.net_size[net]

    def _closed(self, partial: Partial, taken: list[int], factor: float, limit_us: float) -> Partial | None:
        """The pipeline with a chip of some items; None if an awaited item would force more onto a chip than fits."""
        added = sum(1 << item for item in taken)
        placed = partial.placed | added
        waiting, ready = list(partial.waiting), set(partial.ready)
        feeding = below = 0
        for item in taken:
            feeding |= self.parents[item]
            below |= self.descendants[item]
            for later in self.awaited_by[item]:
                waiting[later] -= 1
                if not waiting[later]:
                    ready.add(later)
        ready.difference_update(taken)
        for later in members(self._readers(added) & ~placed):
            between = below & self.ancestors[later] & ~placed
            if between and self._exceeds(between | 1 << later, limit_us):
                return None
        open_items = added
        for items in partial.label.awaited:
            open_items |= items
        awaited = sum(1 << item for item in members(open_items) if self.children[item] & ~placed)
        label = follow(partial.label, feeding, added, awaited)
        if label is None:
            return None
        work = float(self._least_us[taken].sum())
        return Partial(
            (*partial.chips, added),
            placed,
            label,
            tuple(waiting),
            tuple(ready),
            partial.work_us + work,
            partial.credit + work * factor,
        )


_End = tuple[int, float, float]
"""Number of items, µs of work, µs of sending."""


def _sending(end: _End) -> float:
    return end[2]


class _Load:
    """What the chip being filled has to do so far."""

    def __init__(self) -> None:
        self.work_us = self.received = self.sent = 0.0
        self.io = self.weight_bytes = 0
        self.weights: set[int] = set()
        self.read: set[int] = set()
        self.left: dict[int, int] = {}


def _load_us(work_us: float, receiving: float, sending: float, overlapped: bool) -> float:
    return max(work_us, receiving, sending) if overlapped else work_us + receiving + sending


def _over(size: float, rate: float) -> float:
    if size <= 0:
        return 0.0
    return size / rate if rate > 0 else np.inf


def _feeders(label: Label, feeding: Ideal) -> int:
    return sum(1 << place for place, items in enumerate(label.awaited) if items & feeding)


def _tangled(label: Label, feeders: int) -> bool:
    """Whether one of some chips reaches another."""
    return any(feeders >> place & 1 and reached & feeders for place, reached in enumerate(label.reaches))


def _neighbours(precedes: IntArray, n_items: int) -> tuple[list[list[int]], list[list[int]]]:
    before: list[list[int]] = [[] for _ in range(n_items)]
    after: list[list[int]] = [[] for _ in range(n_items)]
    for earlier, later in precedes.tolist():
        before[later].append(earlier)
        after[earlier].append(later)
    return before, after


def _late(before: list[list[int]], after: list[list[int]]) -> list[tuple[int, int]]:
    """(earlier, later) pairs that make items of one reader, which read nothing, wait for all else that it reads."""
    source = [not reads and len(readers) == 1 for reads, readers in zip(before, after, strict=True)]
    for item, reads in enumerate(before):  # and what reads only such items
        source[item] |= bool(reads) and len(after[item]) == 1 and all(source[each] for each in reads)
    pairs = []
    for item in range(len(before)):
        if source[item]:
            reader = after[item][0]
            while source[reader]:
                reader = after[reader][0]
            pairs += [(each, item) for each in before[reader] if not source[each]]
    return pairs


def _sets(rows: list[list[int]]) -> list[Ideal]:
    return [sum(1 << item for item in row) for row in rows]


def _closures(before: list[list[int]], after: list[list[int]]) -> tuple[list[Ideal], list[Ideal]]:
    """All items before and after each, without itself; items are numbered in topological order."""
    ancestors, descendants = [0] * len(before), [0] * len(before)
    for item, sources in enumerate(before):
        for source in sources:
            ancestors[item] |= ancestors[source] | 1 << source
    for item in range(len(after) - 1, -1, -1):
        for later in after[item]:
            descendants[item] |= descendants[later] | 1 << later
    return ancestors, descendants


def _by_item(incidence: Incidence, n_items: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(n_items)]
    for row, item in zip(incidence.rows.tolist(), incidence.ids.tolist(), strict=True):
        rows[item].append(row)
    return rows
