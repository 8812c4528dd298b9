"""What lean predicates lean on: one leader a group, one crossing for each pair of groups that edges join.

Knows groups as an array over ops and nothing of how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.opgraph import IntArray, OpGraph

INSIDE_LIMIT = 20_000
"""Most (crossing, group inside) pairs told to the solver. A crossing past it is told none, as if no path lay along it:
right, only slower."""


@dataclass(frozen=True, eq=False)
class GroupFacts:
    """Facts about groups of ops that move together.

    Attributes:
        leader: op of each group with the largest inputs + outputs, shape [group].
        crossings: one (producer, consumer) op edge for each pair of groups that edges join, shape [crossing, 2].
        beside: groups neither upstream of a crossing's start, nor downstream of its end, nor on a path between
            the two, shape [crossing].
        inside: groups on a path between a crossing's start and its end, a row a crossing.
    """

    leader: IntArray
    crossings: IntArray
    beside: IntArray
    inside: list[IntArray]


def group_facts(graph: OpGraph, group_of: IntArray, op_io_size: IntArray) -> GroupFacts:
    """Computes the facts.

    Args:
        graph: the graph.
        group_of: group of each op, 0..n-1, shape [op]; the quotient has no cycle.
        op_io_size: inputs + outputs of each op, shape [op].
    """
    n_groups = int(group_of.max()) + 1
    by_size = np.lexsort((np.arange(graph.n_ops), -op_io_size))
    leader = np.zeros(n_groups, dtype=np.int64)
    leader[group_of[by_size[::-1]]] = by_size[::-1]
    edges = graph.edges
    joined = group_of[edges]
    between = np.flatnonzero(joined[:, 0] != joined[:, 1])
    _, first = np.unique(joined[between], axis=0, return_index=True)
    crossings = edges[between[np.sort(first)]]
    beside, inside = _neighbourhoods(group_of[crossings], n_groups)
    return GroupFacts(leader, crossings, beside, inside)


def _neighbourhoods(pairs: IntArray, n_groups: int) -> tuple[IntArray, list[IntArray]]:
    upstream, downstream = _reachability(pairs, n_groups)
    beside = np.empty(len(pairs), dtype=np.int64)
    inside: list[IntArray] = []
    left = INSIDE_LIMIT
    for crossing, (start, end) in enumerate(pairs):
        path = downstream[start] & upstream[end]
        beside[crossing] = n_groups - int(np.bitwise_count(upstream[start] | downstream[end] | path).sum()) - 2
        groups = np.flatnonzero(np.unpackbits(path, count=n_groups)) if path.any() else np.zeros(0, dtype=np.int64)
        inside.append(groups if len(groups) <= left else groups[:0])
        left -= len(inside[-1])
    return beside, inside


def _reachability(pairs: IntArray, n_groups: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Groups up- and downstream of each group, as packed bits, each shape [group, byte]."""
    width = -(-n_groups // 8)
    own = np.zeros((n_groups, width), dtype=np.uint8)
    ids = np.arange(n_groups)
    own[ids, ids // 8] = 128 >> (ids % 8)
    upstream, downstream = np.zeros_like(own), np.zeros_like(own)
    order = _topological(pairs, n_groups)
    before: list[list[int]] = [[] for _ in range(n_groups)]
    for start, end in pairs.tolist():
        before[end].append(start)
    for group in order:
        for earlier in before[group]:
            upstream[group] |= upstream[earlier] | own[earlier]
    for group in reversed(order):
        for earlier in before[group]:
            downstream[earlier] |= downstream[group] | own[group]
    return upstream, downstream


def _topological(pairs: IntArray, n_groups: int) -> list[int]:
    after: list[list[int]] = [[] for _ in range(n_groups)]
    waiting = np.zeros(n_groups, dtype=np.int64)
    for start, end in pairs.tolist():
        after[start].append(end)
        waiting[end] += 1
    order = [int(group) for group in np.flatnonzero(waiting == 0)]
    for group in order:
        for later in after[group]:
            waiting[later] -= 1
            if waiting[later] == 0:
                order.append(later)
    if len(order) != n_groups:
        raise ValueError("the groups feed one another in a cycle")
    return order
