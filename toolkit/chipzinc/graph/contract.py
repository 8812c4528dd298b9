"""Contraction of a DAG's links that can never close a cycle: chains first, then trees.

Knows loads and links as plain numbers; `chipzinc.graph.coarsen` says what they mean.
"""

from __future__ import annotations

import heapq

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray

_Links = dict[int, dict[int, float]]
"""Bytes that each group sends to (or receives from) each other."""


class Contraction:
    """Disjoint groups of ops, with what their slack is measured against.

    Args:
        work: work of each op, shape [op].
        weights: bytes of weights of each op, shape [op].
        classes: ops of different classes are never joined, shape [op].
        slack_share: share of all work, and of all weights, that a group may hold beside its largest op.
    """

    def __init__(self, work: FloatArray, weights: FloatArray, classes: IntArray, slack_share: float) -> None:
        self.n_groups = len(work)
        self._parent = list(range(len(work)))
        self._class = classes.tolist()
        self._loads = [work.tolist(), weights.tolist()]
        self._largest = [work.tolist(), weights.tolist()]
        self._totals = [float(work.sum()), float(weights.sum())]
        self.widen(slack_share)

    def widen(self, slack_share: float) -> None:
        """Sets another slack."""
        self._slack = [slack_share * total for total in self._totals]

    def find(self, op: int) -> int:
        """Root of an op's group."""
        while self._parent[op] != op:
            self._parent[op] = self._parent[self._parent[op]]
            op = self._parent[op]
        return op

    def join(self, kept: int, gone: int) -> None:
        """Joins two groups, named by any op of theirs."""
        kept, gone = self.find(kept), self.find(gone)
        self._parent[gone] = kept
        self.n_groups -= 1
        for load, largest in zip(self._loads, self._largest, strict=True):
            load[kept] += load[gone]
            largest[kept] = max(largest[kept], largest[gone])

    def alike(self, a: int, b: int) -> bool:
        """Whether two ops are of one class."""
        return bool(self._class[a] == self._class[b])

    def fits(self, a: int, b: int) -> bool:
        """Whether two groups may be one: alike, and within the slack."""
        a, b = self.find(a), self.find(b)
        return self.alike(a, b) and all(
            load[a] + load[b] - max(largest[a], largest[b]) <= slack
            for load, largest, slack in zip(self._loads, self._largest, self._slack, strict=True)
        )

    def light(self, op: int) -> bool:
        """Whether an op's whole group is within the slack."""
        root = self.find(op)
        return all(load[root] <= slack for load, slack in zip(self._loads, self._slack, strict=True))

    def first_ops(self) -> IntArray:
        """First op of each op's group, shape [op]."""
        roots = np.array([self.find(op) for op in range(len(self._parent))], dtype=np.int64)
        first = np.full(len(roots), len(roots), dtype=np.int64)
        np.minimum.at(first, roots, np.arange(len(roots)))
        return first[roots]


def contract_chains(groups: Contraction, links: IntArray, link_bytes: FloatArray) -> None:
    """Joins the ends of links from an only consumer's only producer, from the link that carries most bytes.

    Contracting such a link changes no other link's ends in number, so that one pass is enough.

    Args:
        groups: the groups so far.
        links: distinct pairs of groups, named by an op of theirs, shape [link, 2].
        link_bytes: what each carries, shape [link].
    """
    if len(links) == 0:
        return
    fan_out, fan_in = np.bincount(links[:, 0]), np.bincount(links[:, 1])
    chained = np.flatnonzero((fan_out[links[:, 0]] == 1) & (fan_in[links[:, 1]] == 1))
    for producer, consumer in links[chained[np.lexsort((chained, -link_bytes[chained]))]].tolist():
        if groups.fits(producer, consumer):
            groups.join(producer, consumer)


def contract_trees(groups: Contraction, links: IntArray, link_bytes: FloatArray, target_groups: int) -> None:
    """Joins producers to their only consumer and consumers to their only producer, until few enough groups are left.

    No other path joins the ends of such a link, for it would have to use the link itself. Where the one end is tied
    to others as well, the other end has to be light: a heavy op that an op of a loop feeds, say, would share its chip
    with the loop, and all such ops with one another. The link that carries most bytes is next.

    Args:
        groups: the groups so far.
        links: distinct pairs of groups, named by an op of theirs, shape [link, 2].
        link_bytes: what each carries, shape [link].
        target_groups: number of groups to stop at.
    """
    readers: _Links = {group: {} for group in links.reshape(-1).tolist()}
    writers: _Links = {group: {} for group in readers}
    for (producer, consumer), size in zip(links.tolist(), link_bytes.tolist(), strict=True):
        readers[producer][consumer] = writers[consumer][producer] = size
    heap = [(-size, producer, consumer) for producer in readers for consumer, size in readers[producer].items()]
    heapq.heapify(heap)
    while heap and groups.n_groups > target_groups:
        _, producer, consumer = heapq.heappop(heap)
        if consumer not in readers.get(producer, ()):
            continue  # one of the two has another name by now
        follows = len(writers[consumer]) == 1 and (len(readers[producer]) == 1 or groups.light(consumer))
        leads = len(readers[producer]) == 1 and (len(writers[consumer]) == 1 or groups.light(producer))
        if (follows or leads) and groups.fits(producer, consumer):
            for changed in _join(groups, readers, writers, producer, consumer):
                heapq.heappush(heap, changed)


def _join(
    groups: Contraction, readers: _Links, writers: _Links, producer: int, consumer: int
) -> list[tuple[float, int, int]]:
    """Joins the ends of a link, and returns the links that have new names or may have become contractible."""
    ends = (producer, consumer)
    kept, gone = sorted(ends, key=lambda group: (-len(readers[group]) - len(writers[group]), group))
    groups.join(kept, gone)
    del readers[producer][consumer], writers[consumer][producer]
    read_by, written_by = _take_over(readers, writers, kept, gone), _take_over(writers, readers, kept, gone)
    changed = [(-readers[kept][reader], kept, reader) for reader in read_by]
    return changed + [(-writers[kept][writer], writer, kept) for writer in written_by]


def _take_over(forward: _Links, backward: _Links, kept: int, gone: int) -> set[int]:
    """Gives one group another's links of one direction and returns their far ends, with an only one of the group's.

    The group with fewer links is the one that goes, so that a link changes hands O(log e) times.
    """
    moved = forward.pop(gone)
    for other, size in moved.items():
        forward[kept][other] = forward[kept].get(other, 0.0) + size
        del backward[other][gone]
        backward[other][kept] = forward[kept][other]
    return set(moved) | (set(forward[kept]) if len(forward[kept]) == 1 else set())
