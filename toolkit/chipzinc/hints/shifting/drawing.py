"""Which move an annealing proposes: an item, or a set of items that stay in order if they all move.

Items of chips that take too long or are in a triangle are drawn more often than others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chipzinc.compiled import within
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.hints.shifting.costs import Costs, Lists
from chipzinc.hints.shifting.placing import Placed, tangle_of

_SINGLY, _FAMILIES = 0.55, 0.35  # shares of the sets that grow from one item, or from a weight's or a net's
_PRESSED = 0.6  # share of single moves from chips that take too long or are in a triangle


class Walk(NamedTuple):
    """How far an annealing has come; arrays of one element are what moves change.

    Attributes:
        best: chip of each item of the shortest pipeline found, shape [item].
        found: whether there is one.
        best_us: its interval; infinite where nothing that holds is known.
        wish_us: the interval wished for.
        excess_us: by how much loads exceed that.
        tangle: see `tangle_of`.
        pressed: chips that take too long or are in a triangle, shape [chip]; the first `n_pressed` count.
        n_pressed: how many.
        number: new number of each chip, shape [chip].
        waiting: chips that feed each and have no new number yet, shape [chip].
        chips: a list of chips, shape [chip].
        members: items of a set that is moved, shape [item].
        among: whether an item is of that set, shape [item].
        goal: where the members on each chip go, shape [chip]; -1 where not yet known.
        was: chip of each member before, shape [item].
        io: largest item's of each chip before, shape [chip].
        counted: whether a weight is among those of that set, shape [weight].
    """

    best: IntArray
    found: BoolArray
    best_us: FloatArray
    wish_us: FloatArray
    excess_us: FloatArray
    tangle: FloatArray
    pressed: IntArray
    n_pressed: IntArray
    number: IntArray
    waiting: IntArray
    chips: IntArray
    members: IntArray
    among: BoolArray
    goal: IntArray
    was: IntArray
    io: IntArray
    counted: BoolArray


def new_walk(costs: Costs, placed: Placed) -> Walk:
    """A walk that knows of no pipeline and has looked at nothing."""
    n, n_chips = len(placed.chip), len(placed.n_on)
    return Walk(
        best=np.zeros(n, dtype=np.int64),
        found=np.zeros(1, dtype=np.bool_),
        best_us=np.array([np.inf]),
        wish_us=np.zeros(1),
        excess_us=np.zeros(1),
        tangle=np.zeros(1),
        pressed=np.zeros(n_chips, dtype=np.int64),
        n_pressed=np.zeros(1, dtype=np.int64),
        number=np.zeros(n_chips, dtype=np.int64),
        waiting=np.zeros(n_chips, dtype=np.int64),
        chips=np.zeros(n_chips, dtype=np.int64),
        members=np.zeros(n, dtype=np.int64),
        among=np.zeros(n, dtype=np.bool_),
        goal=np.zeros(n_chips, dtype=np.int64),
        was=np.zeros(n, dtype=np.int64),
        io=np.zeros(n_chips, dtype=np.int64),
        counted=np.zeros(len(costs.weight_bytes), dtype=np.bool_),
    )


@within
def below(n: int) -> int:
    """A number of 0 .. n - 1."""
    return int(np.random.random() * n)


@within
def draw_item(placed: Placed, walk: Walk) -> int:
    """An item, rather of a chip that takes too long or is in a triangle."""
    if walk.n_pressed[0] and np.random.random() < _PRESSED:
        chip = walk.pressed[below(walk.n_pressed[0])]
        if placed.n_on[chip]:
            return int(placed.on[chip, below(placed.n_on[chip])])
    return below(len(placed.chip))


@within
def draw_set(costs: Costs, placed: Placed, walk: Walk, ladders: float) -> int:
    """Draws items, those on one chip to move to another, as `walk.goal` then says, so that all may stay in order.

    Returns:
        How many members there are; 0 if none is drawn.
    """
    for chip in range(len(walk.goal)):
        walk.goal[chip] = -1
    if np.random.random() < ladders:
        return _draw_ladder(costs, placed, walk)
    n, of, to = 0, 0, 0
    if walk.tangle[0] and below(2):
        n, of, to = _draw_of_triangle(costs, placed, walk)
    else:
        of = placed.chip[below(len(placed.chip))]
        to = _near(placed, walk, of)
        drawn = np.random.random()
        if drawn < _SINGLY:
            n, walk.members[0] = 1, placed.on[of, below(placed.n_on[of])]
        elif drawn < _SINGLY + _FAMILIES:
            n = _draw_family(costs, placed, walk, of)
        else:
            n = placed.n_on[of]
            for k in range(n):
                walk.members[k] = placed.on[of, k]
    if to == of:
        return 0
    walk.goal[of] = to
    return _close(placed, walk, n, of, costs.after if to > of else costs.before)


@within
def _draw_ladder(costs: Costs, placed: Placed, walk: Walk) -> int:
    """Draws an item with all that follow it, or precede it, on several chips, each of which gives them to another.

    So steps of time pass at once from the chips that hold the layers of earlier steps to those that hold the same
    layers later; if only one layer's did, they would close a triangle.
    """
    first = draw_item(placed, walk)
    of = placed.chip[first]
    to = _near(placed, walk, of)
    if to == of:
        return 0
    forward = to > of
    towards = costs.after if forward else costs.before
    walk.goal[of] = to
    walk.members[0], n, done = first, 1, 0
    walk.among[first] = True
    while done < n:
        item = walk.members[done]
        done += 1
        for j in range(towards.starts[item], towards.starts[item + 1]):
            other = towards.ids[j]
            chip = placed.chip[other]
            if walk.among[other]:
                continue
            if walk.goal[chip] < 0:
                walk.goal[chip] = _rung(placed, walk, chip, walk.goal[placed.chip[item]], forward)
            if walk.goal[chip] != chip:
                walk.among[other] = True
                walk.members[n] = other
                n += 1
    return n


@within
def _rung(placed: Placed, walk: Walk, chip: int, beside: int, forward: bool) -> int:
    """Where a chip's members go if those that they follow go to another: to one that both feed, or to an unused one."""
    if chip == beside or below(8) == 0:
        return chip
    near, n = walk.chips, 0
    for other in range(len(placed.n_on)):
        if (forward and other > chip and other >= beside) or (not forward and other < chip and other <= beside):
            fed = placed.edges[chip, other] + placed.edges[other, chip] > 0
            tied = other == beside or placed.edges[beside, other] + placed.edges[other, beside] > 0
            if (fed and tied) or not placed.n_on[other]:
                near[n] = other
                n += 1
    return int(near[below(n)]) if n else chip


@within
def _draw_of_triangle(costs: Costs, placed: Placed, walk: Walk) -> tuple[int, int, int]:
    """Draws what feeds one chip directly from another that also reaches it on a longer way, or is so fed."""
    tangle_of(costs, placed)
    n_chips, a, b, seen = len(placed.n_on), 0, 0, 0
    for x in range(n_chips):
        for y in range(x + 1, n_chips):
            if placed.double[x, y]:
                seen += 1
                if below(seen) == 0:  # each of them as likely
                    a, b = x, y
    if not seen:
        return 0, 0, 0
    first = below(2) == 0
    of, other = (a, b) if first else (b, a)
    rows = costs.after if first else costs.before
    n = 0
    for k in range(placed.n_on[of]):
        item = placed.on[of, k]
        for j in range(rows.starts[item], rows.starts[item + 1]):
            if placed.chip[rows.ids[j]] == other:
                walk.members[n] = item
                n += 1
                break
    if n and np.random.random() < 0.2:
        n, walk.members[0] = 1, walk.members[below(n)]
    drawn = np.random.random()
    if drawn >= 0.5:
        return n, of, _near(placed, walk, of)
    to, seen = other, 0
    for between in range(n_chips if drawn >= 0.3 else 0):
        if placed.reach[a, between] and placed.reach[between, b]:
            seen += 1
            if below(seen) == 0:
                to = between
    return n, of, to


@within
def _draw_family(costs: Costs, placed: Placed, walk: Walk, of: int) -> int:
    """Draws the items of a chip that use one weight, such as the steps of a layer, or that touch one net."""
    item, n = placed.on[of, below(placed.n_on[of])], 0
    first, end = costs.weights.starts[item], costs.weights.starts[item + 1]
    if end > first and below(2):
        weight = costs.weights.ids[first + below(end - first)]
        for k in range(placed.n_on[of]):
            other = placed.on[of, k]
            for j in range(costs.weights.starts[other], costs.weights.starts[other + 1]):
                if costs.weights.ids[j] == weight:
                    walk.members[n] = other
                    n += 1
                    break
        return n
    first, end = costs.nets.starts[item], costs.nets.starts[item + 1]
    if end > first:
        net = costs.nets.ids[first + below(end - first)]
        for j in range(costs.touching.starts[net], costs.touching.starts[net + 1]):
            if placed.chip[costs.touching.ids[j]] == of:
                walk.members[n] = costs.touching.ids[j]
                n += 1
        return n
    walk.members[0] = item
    return 1


@within
def _near(placed: Placed, walk: Walk, chip: int) -> int:
    """An unused chip, one that a chip feeds or is fed by, or any."""
    n_chips, drawn = len(placed.n_on), np.random.random()
    if drawn < 0.8:
        near, n = walk.chips, 0
        for other in range(n_chips):
            if not placed.n_on[other] if drawn < 0.4 else placed.edges[chip, other] + placed.edges[other, chip] > 0:
                near[n] = other
                n += 1
        return int(near[below(n)]) if n else chip
    return below(n_chips)


@within
def _close(placed: Placed, walk: Walk, n: int, chip: int, towards: Lists) -> int:
    """Adds to the first `n` members all on their chip that follow them, or precede them; returns how many they are."""
    for k in range(n):
        walk.among[walk.members[k]] = True
    done = 0
    while done < n:
        item = walk.members[done]
        done += 1
        for j in range(towards.starts[item], towards.starts[item + 1]):
            other = towards.ids[j]
            if placed.chip[other] == chip and not walk.among[other]:
                walk.among[other] = True
                walk.members[n] = other
                n += 1
    return n
