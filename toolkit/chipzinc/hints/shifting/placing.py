"""Items on chips, with the loads of chips and links and the edges between chips kept up to date move by move.

As machine code: a move takes about a microsecond, so that millions can be tried. Memory over time is not looked at: who
takes a placing as a partition has to ask the throughput model.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from chipzinc.compiled import within
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.hints.shifting.costs import Costs


class Placed(NamedTuple):
    """Where items are, and what follows from it; arrays that moves change.

    Attributes:
        chip: of each item, shape [item].
        on: items of each chip, in any order, shape [chip, item]; the first `n_on` of a row count.
        n_on: items on each chip, shape [chip].
        at: place of each item in its row of `on`, shape [item].
        work: µs, shape [chip].
        received: µs, shape [chip].
        sent: µs, shape [chip].
        linked: µs, shape [link].
        io: largest item's, shape [chip]; never falls until all is placed anew.
        weight: bytes, shape [chip].
        users: items on each chip that use each weight, shape [weight, chip].
        touched: items on each chip that each net touches, shape [net, chip].
        n_touched: chips that each net touches, shape [net].
        edges: number of item pairs by which each chip feeds each other, shape [chip, chip].
        reach: whether a way leads from a chip to another, as `tangle_of` found it, shape [chip, chip].
        double: whether an edge and a longer way do, shape [chip, chip].
        more: changes of work, received and sent that a move would make, 0 between moves, shape [3, chip].
        more_linked: the same of links, shape [link].
        seen: count of the net whose way a link was last seen on, shape [link].
        n_seen: how many nets' ways were looked at, shape [1].
    """

    chip: IntArray
    on: IntArray
    n_on: IntArray
    at: IntArray
    work: FloatArray
    received: FloatArray
    sent: FloatArray
    linked: FloatArray
    io: IntArray
    weight: IntArray
    users: IntArray
    touched: IntArray
    n_touched: IntArray
    edges: IntArray
    reach: BoolArray
    double: BoolArray
    more: FloatArray
    more_linked: FloatArray
    seen: IntArray
    n_seen: IntArray


def place(costs: Costs, chip: IntArray) -> Placed:
    """Puts items on chips: chip of each item, whose order has to hold; shape [item]."""
    n_chips, n, n_nets = len(costs.sram_bytes), len(chip), len(costs.size)
    whole, per_chip = np.int64, (n_chips, n_chips)
    placed = Placed(
        chip=np.array(chip, dtype=np.int64),
        on=np.zeros((n_chips, n), dtype=whole),
        n_on=np.zeros(n_chips, dtype=whole),
        at=np.zeros(n, dtype=whole),
        work=np.zeros(n_chips),
        received=np.zeros(n_chips),
        sent=np.zeros(n_chips),
        linked=np.zeros(len(costs.us_per_linked)),
        io=np.zeros(n_chips, dtype=whole),
        weight=np.zeros(n_chips, dtype=whole),
        users=np.zeros((len(costs.weight_bytes), n_chips), dtype=whole),
        touched=np.zeros((n_nets, n_chips), dtype=whole),
        n_touched=np.zeros(n_nets, dtype=whole),
        edges=np.zeros(per_chip, dtype=whole),
        reach=np.zeros(per_chip, dtype=np.bool_),
        double=np.zeros(per_chip, dtype=np.bool_),
        more=np.zeros((3, n_chips)),
        more_linked=np.zeros(len(costs.us_per_linked)),
        seen=np.zeros(len(costs.us_per_linked), dtype=whole),
        n_seen=np.zeros(1, dtype=whole),
    )
    place_anew(costs, placed)
    return placed


@within
def place_anew(costs: Costs, placed: Placed) -> None:
    """Counts everything anew from the chips that items are on."""
    n_chips = len(placed.n_on)
    for chip in range(n_chips):
        placed.n_on[chip] = placed.io[chip] = placed.weight[chip] = 0
        placed.work[chip] = placed.received[chip] = placed.sent[chip] = 0.0
        for other in range(n_chips):
            placed.edges[chip, other] = 0
        for weight in range(len(costs.weight_bytes)):
            placed.users[weight, chip] = 0
        for net in range(len(costs.size)):
            placed.touched[net, chip] = 0
    for item in range(len(placed.chip)):
        chip = placed.chip[item]
        placed.work[chip] += costs.time_us[item, chip]
        _enter(costs, placed, item, chip)
        for k in range(costs.after.starts[item], costs.after.starts[item + 1]):
            later = placed.chip[costs.after.ids[k]]
            if later != chip:
                placed.edges[chip, later] += 1
    for link in range(len(placed.linked)):
        placed.linked[link] = 0.0
    for net in range(len(costs.size)):
        source = placed.chip[costs.producer[net]]
        placed.n_touched[net] = 0
        for k in range(costs.touching.starts[net], costs.touching.starts[net + 1]):
            chip = placed.chip[costs.touching.ids[k]]
            if not placed.touched[net, chip]:
                placed.n_touched[net] += 1
                if chip != source:
                    placed.received[chip] += costs.size[net] * costs.us_per_received[chip]
            placed.touched[net, chip] += 1
        if placed.n_touched[net] > 1:
            placed.sent[source] += costs.size[net] * costs.us_per_sent[source]
            _note_links(costs, placed, net, source, -1, -1, 1.0)
    for link in range(len(placed.linked)):
        placed.linked[link] += placed.more_linked[link]
        placed.more_linked[link] = 0.0


@within
def load_us(costs: Costs, placed: Placed, chip: int) -> float:
    """What a chip takes after the changes noted."""
    work = placed.work[chip] + placed.more[0, chip]
    received, sent = placed.received[chip] + placed.more[1, chip], placed.sent[chip] + placed.more[2, chip]
    if costs.streamed:
        over = placed.weight[chip] - max(costs.sram_bytes[chip] - placed.io[chip], 0)
        if over > 0:
            work += over * costs.us_per_offchip_byte[chip]
    return float(max(work, received, sent) if costs.overlapped else work + received + sent)


@within
def longest_us(costs: Costs, placed: Placed) -> float:
    """What the chip or link takes that takes longest."""
    longest = 0.0
    for link in range(len(placed.linked)):
        longest = max(longest, placed.linked[link])
    for chip in range(len(placed.n_on)):
        longest = max(longest, load_us(costs, placed, chip))
    return longest


@within
def excess_us(costs: Costs, placed: Placed, limit_us: float) -> float:
    """By how much all loads exceed a limit, after the changes noted."""
    total = 0.0
    for link in range(len(placed.linked)):
        total += max(placed.linked[link] + placed.more_linked[link] - limit_us, 0.0)
    for chip in range(len(placed.n_on)):
        total += max(load_us(costs, placed, chip) - limit_us, 0.0)
    return total


@within
def fits(costs: Costs, placed: Placed) -> bool:
    """Whether every chip's memory at rest holds what is on it."""
    if costs.keeps_memory:
        for chip in range(len(placed.n_on)):
            need = placed.io[chip] + (0 if costs.streamed else placed.weight[chip])
            if need > costs.sram_bytes[chip]:
                return False
    return True


@within
def range_of(costs: Costs, placed: Placed, item: int) -> tuple[int, int]:
    """First and last chip that the order leaves an item."""
    low, high = 0, len(placed.n_on) - 1
    for k in range(costs.before.starts[item], costs.before.starts[item + 1]):
        low = max(low, placed.chip[costs.before.ids[k]])
    for k in range(costs.after.starts[item], costs.after.starts[item + 1]):
        high = min(high, placed.chip[costs.after.ids[k]])
    return low, high


@within
def note_change(costs: Costs, placed: Placed, item: int, to: int) -> None:
    """Notes what moving an item to another chip would change, streamed weights aside."""
    of, more = placed.chip[item], placed.more
    more[0, of] -= costs.time_us[item, of]
    more[0, to] += costs.time_us[item, to]
    for k in range(costs.nets.starts[item], costs.nets.starts[item + 1]):
        net = costs.nets.ids[k]
        size, chips = costs.size[net], placed.n_touched[net]
        here, there = placed.touched[net, of], placed.touched[net, to]
        after = chips - (here == 1) + (there == 0)
        if costs.producer[net] == item or here == 1 or not there:
            source = placed.chip[costs.producer[net]]
            if chips > 1:
                _note_links(costs, placed, net, source, -1, -1, -1.0)
            if after > 1:
                _note_links(costs, placed, net, to if costs.producer[net] == item else source, of, to, 1.0)
        if costs.producer[net] == item:
            if chips > 1:
                more[2, of] -= size * costs.us_per_sent[of]
            if after > 1:
                more[2, to] += size * costs.us_per_sent[to]
            if there:
                more[1, to] -= size * costs.us_per_received[to]
            if here > 1:
                more[1, of] += size * costs.us_per_received[of]
            continue
        source = placed.chip[costs.producer[net]]
        if here == 1 and of != source:
            more[1, of] -= size * costs.us_per_received[of]
        if not there and to != source:
            more[1, to] += size * costs.us_per_received[to]
        if (chips == 1) != (after == 1):
            more[2, source] += (size if chips == 1 else -size) * costs.us_per_sent[source]


@within
def _note_links(costs: Costs, placed: Placed, net: int, source: int, of: int, to: int, sign: float) -> None:
    """Notes what links take of a net from a chip to all later ones that it touches, one item moved there from `of`."""
    n_chips = len(placed.n_on)
    placed.n_seen[0] += 1
    for chip in range(source + 1, n_chips):
        if placed.touched[net, chip] - (chip == of) + (chip == to) <= 0:
            continue
        row = source * n_chips + chip
        for k in range(costs.routes.starts[row], costs.routes.starts[row + 1]):
            link = costs.routes.ids[k]
            if placed.seen[link] != placed.n_seen[0]:
                placed.seen[link] = placed.n_seen[0]
                placed.more_linked[link] += sign * costs.size[net] * costs.us_per_linked[link]


@within
def forget_change(placed: Placed) -> None:
    """Empties what is noted."""
    for chip in range(len(placed.n_on)):
        placed.more[0, chip] = placed.more[1, chip] = placed.more[2, chip] = 0.0
    for link in range(len(placed.linked)):
        placed.more_linked[link] = 0.0


@within
def move(costs: Costs, placed: Placed, item: int, to: int) -> None:
    """Moves an item to another chip, wherever that leads; nothing may be noted."""
    note_change(costs, placed, item, to)
    for chip in range(len(placed.n_on)):
        placed.work[chip] += placed.more[0, chip]
        placed.received[chip] += placed.more[1, chip]
        placed.sent[chip] += placed.more[2, chip]
    for link in range(len(placed.linked)):
        placed.linked[link] += placed.more_linked[link]
    forget_change(placed)
    of = placed.chip[item]
    redirect(costs, placed, item, of, to)
    for k in range(costs.nets.starts[item], costs.nets.starts[item + 1]):
        net = costs.nets.ids[k]
        placed.touched[net, of] -= 1
        if not placed.touched[net, of]:
            placed.n_touched[net] -= 1
        if not placed.touched[net, to]:
            placed.n_touched[net] += 1
        placed.touched[net, to] += 1
    for k in range(costs.weights.starts[item], costs.weights.starts[item + 1]):
        weight = costs.weights.ids[k]
        placed.users[weight, of] -= 1
        if not placed.users[weight, of]:
            placed.weight[of] -= costs.weight_bytes[weight]
    placed.n_on[of] -= 1
    last, place = placed.on[of, placed.n_on[of]], placed.at[item]
    placed.on[of, place], placed.at[last] = last, place
    placed.chip[item] = to
    _enter(costs, placed, item, to)


@within
def redirect(costs: Costs, placed: Placed, item: int, of: int, to: int) -> None:
    """Moves an item's edges only, which can be undone; triangles are then those of where it would be."""
    for k in range(costs.before.starts[item], costs.before.starts[item + 1]):
        source = placed.chip[costs.before.ids[k]]
        placed.edges[source, of] -= source != of
        placed.edges[source, to] += source != to
    for k in range(costs.after.starts[item], costs.after.starts[item + 1]):
        target = placed.chip[costs.after.ids[k]]
        placed.edges[of, target] -= target != of
        placed.edges[to, target] += target != to


@within
def tangle_of(costs: Costs, placed: Placed) -> float:
    """How many edges lead from chips to chips that a longer way leads to as well; marks these and all ways.

    Of the edges between two chips only the square root counts, or no layer of many steps would ever pass from one chip
    to another.
    """
    if not costs.prices_triangles:
        return 0.0
    n_chips, edges, reach, double = len(placed.n_on), placed.edges, placed.reach, placed.double
    found = 0.0
    for a in range(n_chips - 1, -1, -1):
        for b in range(a + 1, n_chips):
            reach[a, b] = False
        for b in range(a + 1, n_chips):
            if edges[a, b] > 0:
                for c in range(b + 1, n_chips):
                    reach[a, c] |= reach[b, c]
        for b in range(a + 1, n_chips):
            fed = edges[a, b] > 0
            double[a, b] = fed and reach[a, b]
            found += math.sqrt(edges[a, b]) if double[a, b] else 0.0
            reach[a, b] |= fed
    return found


@within
def _enter(costs: Costs, placed: Placed, item: int, chip: int) -> None:
    """Puts an item on a chip's list and its memory."""
    placed.at[item] = placed.n_on[chip]
    placed.on[chip, placed.n_on[chip]] = item
    placed.n_on[chip] += 1
    placed.io[chip] = max(placed.io[chip], costs.io_bytes[item])
    for k in range(costs.weights.starts[item], costs.weights.starts[item + 1]):
        weight = costs.weights.ids[k]
        if not placed.users[weight, chip]:
            placed.weight[chip] += costs.weight_bytes[weight]
        placed.users[weight, chip] += 1
