"""`shift()`: pipelines bettered by moving items from chip to chip, by simulated annealing, as machine code.

What chips take beyond a wished interval is minimised, with a price on each edge that `triangle_dependency` forbids, so
that the search may pass through partitions that break it. Most moves take one item to another chip; some take a set:
what closes a triangle, what uses one weight or touches one net, a whole chip, or one item, with all that follows (or
precedes) these on their chip. After Kirkpatrick et al., "Optimization by simulated annealing" (1983).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chipzinc.compiled import compiled, within
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.shifting.costs import Costs, costs_of
from chipzinc.hints.shifting.drawing import Walk, below, draw_item, draw_set, new_walk
from chipzinc.hints.shifting.placing import (
    Placed,
    excess_us,
    fits,
    forget_change,
    load_us,
    longest_us,
    move,
    note_change,
    place,
    place_anew,
    range_of,
    redirect,
    tangle_of,
)
from chipzinc.hints.shifting.sets import keeps_order, least_excess_us, may_fit
from chipzinc.ideals.pipelines import Ordered

HEAT = (0.05, 0.001)
"""Temperature in the beginning and in the end, in shares of the wished interval."""

_RENUMBER = 2_048  # moves after which chips that are alike get other numbers
_SEEDS = 2**32  # what numba's generator takes
_GAIN = 1e-4  # share by which a shorter interval is worth noting


class Manner(NamedTuple):
    """How an annealing searches; no one manner finds the shortest pipelines of all graphs.

    Attributes:
        price: of a tangle of 1, in wished intervals.
        sets: share of moves that take a set.
        ladders: share of the sets that leave several chips.
        wish: of the shortest interval so far, what is wished for.
    """

    price: float = 0.15
    sets: float = 0.3
    ladders: float = 0.6
    wish: float = 0.9


def shift(
    ordered: Ordered,
    chip: IntArray,
    seconds: float,
    *,
    seed: int = 0,
    moves: int | None = None,
    heat: tuple[float, float] = HEAT,
    manner: Manner = Manner(),  # noqa: B008 (never changed)
    stopped: Callable[[], bool] = lambda: False,
) -> IntArray | None:
    """Looks for a shorter pipeline near one.

    Args:
        ordered: items, and a package that one `chipzinc.hints.shifts.may_shift`.
        chip: chip of each item in the order of the pipeline, whether or not it keeps `triangle_dependency`;
            shape [item].
        seconds: time to spend.
        seed: of the draws.
        moves: most moves to try, to the next 2,048; None: as many as there is time for.
        heat: temperature in the beginning and in the end.
        manner: of the search.
        stopped: tells whether to end before that.

    Returns:
        Chip of each item of the shortest one found, which keeps `acyclic_dataflow`, `no_skipped_chips`,
        `triangle_dependency` where it is hard, and memory at rest; None if none is shorter.
    """
    begin = time.monotonic()
    costs = costs_of(ordered)
    placed, alike = place(costs, chip), len(ordered.types.chip) == 1
    walk = _begun(costs, placed, manner, alike)
    tried = 0
    while moves is None or tried < moves:
        done = (time.monotonic() - begin) / max(seconds, 1e-9)
        if done >= 1 or stopped():
            break
        if moves is not None:
            done = max(done, tried / moves)
        now = heat[0] * (heat[1] / heat[0]) ** done
        _anneal(costs, placed, walk, manner, now, alike, -1 if tried else seed % _SEEDS)
        tried += _RENUMBER
    return walk.best if walk.found[0] else None


def _begun(costs: Costs, placed: Placed, manner: Manner, alike: bool) -> Walk:
    """A walk before its first move."""
    walk, longest = new_walk(costs, placed), longest_us(costs, placed)
    tangle = walk.tangle[0] = tangle_of(costs, placed)
    walk.wish_us[0] = _wish_us(costs, placed, manner, longest)
    if not tangle and fits(costs, placed) and _compact(costs, placed, walk, alike):
        walk.best_us[0] = longest_us(costs, placed)
    _look(costs, placed, walk)
    return walk


@compiled
def _anneal(costs: Costs, placed: Placed, walk: Walk, manner: Manner, heat: float, alike: bool, seed: int) -> None:
    """Proposes moves, makes them or not, and then gives chips that are alike other numbers.

    The draws go on from those before, unless there is a seed of at least 0.
    """
    if seed >= 0:
        np.random.seed(seed)  # numba's own generator, of which each thread has one
    for _ in range(_RENUMBER):
        if np.random.random() >= manner.sets:
            _try_one(costs, placed, walk, manner, heat, alike)
            continue
        n = draw_set(costs, placed, walk, manner.ladders)
        if n:
            _try_set(costs, placed, walk, manner, n, heat, alike)
            for k in range(n):
                walk.among[walk.members[k]] = False
    _renumber(costs, placed, walk, heat, alike)
    walk.tangle[0] = tangle_of(costs, placed)
    _look(costs, placed, walk)


@within
def _try_one(costs: Costs, placed: Placed, walk: Walk, manner: Manner, heat: float, alike: bool) -> None:
    """Proposes to move one item, to a chip of what it reads or is read by, or to any that the order allows."""
    item = draw_item(placed, walk)
    low, high = range_of(costs, placed, item)
    if high <= low:
        return
    of, to = placed.chip[item], low + below(high - low + 1)
    n_before = costs.before.starts[item + 1] - costs.before.starts[item]
    n_after = costs.after.starts[item + 1] - costs.after.starts[item]
    if below(2) and n_before + n_after:
        near = below(n_before + n_after)
        if near < n_before:
            to = placed.chip[costs.before.ids[costs.before.starts[item] + near]]
        else:
            to = placed.chip[costs.after.ids[costs.after.starts[item] + near - n_before]]
    if to == of or not low <= to <= high or not _has_room(costs, placed, item, to):
        return
    note_change(costs, placed, item, to)
    after = excess_us(costs, placed, walk.wish_us[0])
    forget_change(placed)
    more, most = (after - walk.excess_us[0]) / walk.wish_us[0], _tolerance(heat)
    if not more - manner.price * walk.tangle[0] <= most:
        return
    redirect(costs, placed, item, of, to)
    tangle = tangle_of(costs, placed)
    redirect(costs, placed, item, to, of)
    if more + manner.price * (tangle - walk.tangle[0]) <= most:
        move(costs, placed, item, to)
        _moved(costs, placed, walk, manner, tangle, alike)


@within
def _try_set(costs: Costs, placed: Placed, walk: Walk, manner: Manner, n: int, heat: float, alike: bool) -> None:
    """Proposes to move the first `n` members to the goals of their chips."""
    for k in range(n):
        walk.was[k] = placed.chip[walk.members[k]]
    if not keeps_order(costs, placed, walk, n):
        return
    before = walk.excess_us[0] / walk.wish_us[0] + manner.price * walk.tangle[0]
    most = before + _tolerance(heat)
    if least_excess_us(costs, placed, walk, n) / walk.wish_us[0] > most or not may_fit(costs, placed, walk, n):
        return
    for chip in range(len(placed.n_on)):
        walk.io[chip] = placed.io[chip]
    for k in range(n):
        move(costs, placed, walk.members[k], walk.goal[walk.was[k]])
    if fits(costs, placed):
        excess = excess_us(costs, placed, walk.wish_us[0]) / walk.wish_us[0]
        if excess <= most:
            tangle = tangle_of(costs, placed)
            if excess + manner.price * tangle <= most:
                _moved(costs, placed, walk, manner, tangle, alike)
                return
    for k in range(n):
        move(costs, placed, walk.members[k], walk.was[k])
    for chip in range(len(placed.n_on)):
        placed.io[chip] = walk.io[chip]


@within
def _moved(costs: Costs, placed: Placed, walk: Walk, manner: Manner, tangle: float, alike: bool) -> None:
    """Takes in a move that was made; keeps the pipeline if it holds and is the shortest."""
    walk.tangle[0] = tangle
    walk.excess_us[0] = excess_us(costs, placed, walk.wish_us[0])
    if tangle:
        return
    if longest_us(costs, placed) >= walk.best_us[0] * (1 - _GAIN) or not fits(costs, placed):
        return
    held = _compact(costs, placed, walk, alike)
    longest = longest_us(costs, placed)
    if held and longest < walk.best_us[0] * (1 - _GAIN):
        walk.found[0] = True
        walk.best_us[0] = longest
        walk.wish_us[0] = _wish_us(costs, placed, manner, longest)
        for item in range(len(placed.chip)):
            walk.best[item] = placed.chip[item]
    walk.excess_us[0] = excess_us(costs, placed, walk.wish_us[0])


@within
def _wish_us(costs: Costs, placed: Placed, manner: Manner, longest: float) -> float:
    """What is wished for: less than the longest load, but more than the mean of all, which moves hardly change."""
    total = 0.0
    for chip in range(len(placed.n_on)):
        total += load_us(costs, placed, chip)
    return max(manner.wish * longest, (longest + total / len(placed.n_on)) / 2)


@within
def _compact(costs: Costs, placed: Placed, walk: Walk, alike: bool) -> bool:
    """Leaves no number out, where chips are alike; whether none is. Links may take longer then, or less."""
    number, used, whole = walk.number, 0, True
    for chip in range(len(placed.n_on)):
        number[chip] = used
        if placed.n_on[chip]:
            whole &= used == chip
            used += 1
    if whole:
        return True
    if alike:
        _give_numbers(costs, placed, number)
    return alike


@within
def _give_numbers(costs: Costs, placed: Placed, number: IntArray) -> None:
    """Gives chips other numbers, those that are used distinct ones; shape [chip]."""
    for item in range(len(placed.chip)):
        placed.chip[item] = number[placed.chip[item]]
    place_anew(costs, placed)


@within
def _look(costs: Costs, placed: Placed, walk: Walk) -> None:
    """Looks by how much loads exceed the wish, and which chips take too long or are in a triangle."""
    walk.excess_us[0] = excess_us(costs, placed, walk.wish_us[0])
    n_chips, n = len(placed.n_on), 0
    for chip in range(n_chips):
        pressed = load_us(costs, placed, chip) > walk.wish_us[0]
        for other in range(n_chips if walk.tangle[0] else 0):
            pressed |= placed.double[chip, other] or placed.double[other, chip]
        for link in range(len(placed.linked)):
            at_end = costs.link_from[link] == chip or costs.link_to[link] == chip
            pressed |= at_end and placed.linked[link] > walk.wish_us[0]
        if pressed:
            walk.pressed[n] = chip
            n += 1
    walk.n_pressed[0] = n


@within
def _renumber(costs: Costs, placed: Placed, walk: Walk, heat: float, alike: bool) -> None:
    """Gives chips that are alike the numbers of another order, in which each still feeds only later ones.

    The order stays where links would take too much longer in the other.
    """
    n_chips, number = len(placed.n_on), walk.number
    for chip in range(n_chips):
        number[chip] = chip
    if alike:
        waiting, ready, n_ready = walk.waiting, walk.chips, 0
        for chip in range(n_chips):
            waiting[chip] = 0
            for other in range(n_chips):
                waiting[chip] += placed.edges[other, chip] > 0
            if not waiting[chip]:
                ready[n_ready] = chip
                n_ready += 1
        for each in range(n_chips):
            drawn = below(n_ready)
            chip = ready[drawn]
            n_ready -= 1
            ready[drawn] = ready[n_ready]
            number[chip] = each
            for fed in range(n_chips):
                if placed.edges[chip, fed] > 0:
                    waiting[fed] -= 1
                    if not waiting[fed]:
                        ready[n_ready] = fed
                        n_ready += 1
    before = excess_us(costs, placed, walk.wish_us[0])
    _give_numbers(costs, placed, number)
    if excess_us(costs, placed, walk.wish_us[0]) - before > _tolerance(heat) * walk.wish_us[0]:  # on links
        for chip in range(n_chips):
            walk.chips[number[chip]] = chip
        _give_numbers(costs, placed, walk.chips)


@within
def _has_room(costs: Costs, placed: Placed, item: int, chip: int) -> bool:
    """Whether a chip's memory at rest takes an item beside what is on it."""
    if not costs.keeps_memory:
        return True
    io, weight = max(placed.io[chip], costs.io_bytes[item]), placed.weight[chip]
    for j in range(costs.weights.starts[item], costs.weights.starts[item + 1]):
        each = costs.weights.ids[j]
        if not placed.users[each, chip]:
            weight += costs.weight_bytes[each]
    return bool(io + (0 if costs.streamed else weight) <= costs.sram_bytes[chip])


@within
def _tolerance(heat: float) -> float:
    """The most by which what is minimised may grow."""
    return -heat * math.log(1.0 - np.random.random())
