"""What can be said of a set of items before they move to the goals of their chips, at less cost than moving them.

The first `n` members of the walk are the set; `walk.was` has their chips.
"""

from __future__ import annotations

import numpy as np

from chipzinc.compiled import within
from chipzinc.hints.shifting.costs import Costs
from chipzinc.hints.shifting.drawing import Walk
from chipzinc.hints.shifting.placing import Placed


@within
def keeps_order(costs: Costs, placed: Placed, walk: Walk, n: int) -> bool:
    """Whether all items stay in order, and no chip refuses a member."""
    for k in range(n):
        item, of = walk.members[k], walk.was[k]
        to = walk.goal[of]
        if np.isinf(costs.time_us[item, to]):
            return False
        rows = costs.after if to > of else costs.before
        for j in range(rows.starts[item], rows.starts[item + 1]):
            other = rows.ids[j]
            chip = walk.goal[placed.chip[other]] if walk.among[other] else placed.chip[other]
            if chip < to if to > of else chip > to:
                return False
    return True


@within
def least_excess_us(costs: Costs, placed: Placed, walk: Walk, n: int) -> float:
    """By how much computation alone exceeds the wish if the first `n` members move: all loads exceed it by no less."""
    more = placed.more[0]
    for k in range(n):
        item, of = walk.members[k], walk.was[k]
        more[of] -= costs.time_us[item, of]
        more[walk.goal[of]] += costs.time_us[item, walk.goal[of]]
    total = 0.0
    for chip in range(len(placed.n_on)):
        total += max(placed.work[chip] + more[chip] - walk.wish_us[0], 0.0)
        more[chip] = 0.0
    return total


@within
def may_fit(costs: Costs, placed: Placed, walk: Walk, n: int) -> bool:
    """Whether the members' weights fit the chips that they move to, or may where others leave these."""
    if not costs.keeps_memory or costs.streamed:
        return True
    need, fit = walk.chips, True
    for chip in range(len(placed.n_on)):
        need[chip] = placed.io[chip] + placed.weight[chip]
    for k in range(n):
        item, to = walk.members[k], walk.goal[walk.was[k]]
        for j in range(costs.weights.starts[item], costs.weights.starts[item + 1]):
            weight = costs.weights.ids[j]
            if not placed.users[weight, to] and not walk.counted[weight]:
                walk.counted[weight] = True
                need[to] += costs.weight_bytes[weight]
        left = walk.goal[to] >= 0 and walk.goal[to] != to
        fit &= need[to] <= costs.sram_bytes[to] or left
    for k in range(n):
        item = walk.members[k]
        for j in range(costs.weights.starts[item], costs.weights.starts[item + 1]):
            walk.counted[costs.weights.ids[j]] = False
    return fit
