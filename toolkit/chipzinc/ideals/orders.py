"""Topological orders of items, each good at something: where to cut is another module's question.

Knows items by number, what precedes what, and how much an item keeps open while later ones wait for it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from chipzinc.graph.opgraph import IntArray
from chipzinc.ideals.items import Items


def by_priority(precedes: IntArray, priority: ArrayLike) -> IntArray:
    """The order that takes, of the items whose turn it can be, the one of least priority; shape [item].

    Args:
        precedes: (earlier, later) pairs.
        priority: shape [item].
    """
    key = np.asarray(priority, dtype=np.float64).tolist()
    after = _after(precedes, len(key))
    waiting = np.bincount(precedes[:, 1], minlength=len(key)).tolist()
    ready = [(key[item], item) for item in range(len(key)) if not waiting[item]]
    heapq.heapify(ready)
    order = []
    while ready:
        item = heapq.heappop(ready)[1]
        order.append(item)
        for later in after[item]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, (key[later], later))
    return np.array(order, dtype=np.int64)


def depth_first(precedes: IntArray, n_items: int, below: IntArray | None = None) -> IntArray:
    """The order that stays on a branch as long as it can; shape [item].

    Args:
        precedes: (earlier, later) pairs.
        n_items: number of items.
        below: of the branches that leave an item, the one of most `below` is taken first, and a short one after all
            longer ones: chains that do not meet come one after another, what gathers from them comes last. None:
            in the order of their numbers.
    """
    after = _after(precedes, n_items)
    if below is not None:
        after = [sorted(row, key=lambda item: -int(below[item])) for row in after]
    waiting = np.bincount(precedes[:, 1], minlength=n_items).tolist()
    ready = [item for item in range(n_items - 1, -1, -1) if not waiting[item]]
    order = []
    while ready:
        item = ready.pop()
        order.append(item)
        for later in reversed(after[item]):
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    return np.array(order, dtype=np.int64)


def narrow(items: Items) -> IntArray:
    """The order that takes next the item after which least stays open (items read and still waited for); [item]."""
    n = items.n_items
    after = _after(items.precedes, n)
    waiting = np.bincount(items.precedes[:, 1], minlength=n).tolist()
    left = np.diff(items.nets.starts).tolist()  # items of each net that are still to come
    nets: list[list[int]] = [[] for _ in range(n)]
    for net, item in zip(items.nets.rows.tolist(), items.nets.ids.tolist(), strict=True):
        nets[item].append(net)
    size, producer = items.net_size.tolist(), items.net_producer.tolist()
    ready = {item for item in range(n) if not waiting[item]}
    order = []
    while ready:
        item = min(ready, key=lambda each: (_opened(nets[each], left, size, producer, each), each))
        ready.remove(item)
        order.append(item)
        for net in nets[item]:
            left[net] -= 1
        for later in after[item]:
            waiting[later] -= 1
            if not waiting[later]:
                ready.add(later)
    return np.array(order, dtype=np.int64)


def _opened(
    nets: Sequence[int], left: Sequence[int], size: Sequence[float], producer: Sequence[int], item: int
) -> float:
    """What an item adds to the open nets, less what it closes."""
    return sum(size[net] if producer[net] == item else -size[net] * (left[net] == 1) for net in nets)


def levels(precedes: IntArray, n_items: int) -> tuple[IntArray, IntArray]:
    """Longest way from the first items, and to the last ones, of each item; shape [item] each."""
    above, below = np.zeros(n_items, dtype=np.int64), np.zeros(n_items, dtype=np.int64)
    for earlier, later in precedes[np.argsort(precedes[:, 1], kind="stable")].tolist():
        above[later] = max(above[later], above[earlier] + 1)
    for earlier, later in precedes[np.argsort(-precedes[:, 0], kind="stable")].tolist():
        below[earlier] = max(below[earlier], below[later] + 1)
    return above, below


def several(items: Items) -> list[IntArray]:
    """A few orders that differ: as numbered, depth first, narrow, as early and as late as possible; [item] each."""
    n, precedes = items.n_items, items.precedes
    above, below = levels(precedes, n)
    deep = depth_first(precedes, n, below)
    orders = [
        np.arange(n),
        depth_first(precedes, n),
        deep,
        by_priority(precedes, np.argsort(deep) - n * (above == 0)),
        narrow(items),
        by_priority(precedes, above * n + np.arange(n)),
        by_priority(precedes, -below * n + np.arange(n)),
    ]
    found: list[IntArray] = []
    for order in orders:
        if not any(np.array_equal(order, other) for other in found):
            found.append(order)
    return found


def priorities(items: Items) -> list[IntArray]:
    """Ranks of items by which to choose among those whose turn it can be; shape [item] each.

    Those of `several` orders, and some that are no orders: what is nearest to the end, or farthest from the beginning.
    """
    above, below = levels(items.precedes, items.n_items)
    number = np.arange(items.n_items)
    further = [below * items.n_items + number, -above * items.n_items + number]
    return [np.argsort(order) for order in several(items)] + further


def _after(precedes: IntArray, n_items: int) -> list[list[int]]:
    after: list[list[int]] = [[] for _ in range(n_items)]
    for earlier, later in precedes.tolist():
        after[earlier].append(later)
    return after
