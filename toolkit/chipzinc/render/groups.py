"""What lean predicates lean on: one leader a group, one crossing for each pair of groups that edges join.

Knows groups as an array over ops and nothing of how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

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
        ends: the groups that each crossing joins, shape [crossing, 2].
        between: groups that can lie on a chip between a crossing's two ends where data flows forward and
            `triangle_dependency` holds, a row a crossing: those neither upstream of its start, nor downstream of its
            end, nor, with both of its ends, on the paths along one edge, whose ops lie on that edge's two chips.
        inside: groups on a path between a crossing's start and its end, a row a crossing.
        connected: whether the crossings join all groups, whichever way they point.
    """

    leader: IntArray
    crossings: IntArray
    ends: IntArray
    between: list[IntArray]
    inside: list[IntArray]
    connected: bool


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
    apart = np.flatnonzero(joined[:, 0] != joined[:, 1])
    _, first = np.unique(joined[apart], axis=0, return_index=True)
    crossings = edges[apart[np.sort(first)]]
    pairs: IntArray = group_of[crossings]
    between, inside = _neighbourhoods(pairs, n_groups)
    joints = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_groups, n_groups))
    parts = connected_components(joints, directed=False, return_labels=False)
    return GroupFacts(leader, crossings, pairs, between, inside, parts == 1)


@dataclass(frozen=True, eq=False)
class CrossingReach:
    """How far ahead crossings may lead, and which of them matter to walks of chips.

    Attributes:
        span: chips that a crossing may lead ahead at most, shape [crossing].
        between: groups that can lie between the ends of a crossing that spans more than one chip, a row a crossing.
        walked: crossings that can be part of a walk of chips between the ends of another, or have such a walk.
        few: whether the rows of `between` are short enough to be said.
    """

    span: IntArray
    between: list[IntArray]
    walked: IntArray
    few: bool


def reach_of_crossings(facts: GroupFacts, n_chips: int) -> CrossingReach:
    """What follows where acyclic_dataflow, no_skipped_chips and triangle_dependency all hold.

    Each chip between a crossing's ends has a group on it, so the crossing spans one chip more than there are groups
    that can be there. And a walk of chips between its ends leads over these groups alone, so each of its steps is
    a crossing that begins or ends in one of them.
    """
    span = np.array([min(n_chips - 1, 1 + len(groups)) for groups in facts.between], dtype=np.int64)
    between = [groups if wide else groups[:0] for groups, wide in zip(facts.between, span > 1, strict=True)]
    n_groups = len(facts.leader)
    walkable = np.zeros(n_groups, dtype=bool)
    for groups in between:
        walkable[groups] = True
    total = sum(len(groups) for groups in between)
    touched = walkable[facts.ends].any(axis=1) | (span > 1)
    few = total <= n_groups
    return CrossingReach(span, between if few else [groups[:0] for groups in between], np.flatnonzero(touched), few)


def lead_far(graph: OpGraph, group_of: IntArray, n_chips: int) -> bool:
    """Whether edges between groups may lead past many chips, so that little is ruled out before solving.

    Args:
        graph: the graph.
        group_of: group of each op, 0..n-1, shape [op]; the quotient has no cycle.
        n_chips: chips of the package.
    """
    facts = group_facts(graph, group_of, np.zeros(graph.n_ops, dtype=np.int64))
    return not reach_of_crossings(facts, n_chips).few


def endless_crossings(facts: GroupFacts, n_chips: int) -> CrossingReach:
    """What follows from nothing: any crossing may lead anywhere.

    One with paths along it needs no walk of its own: with what lies on them on its two chips, some crossing of theirs
    leads from the one to the other.
    """
    n = len(facts.crossings)
    walked = np.flatnonzero([len(groups) == 0 for groups in facts.inside])
    return CrossingReach(np.full(n, n_chips - 1), [np.zeros(0, dtype=np.int64)] * n, walked, few=False)


def _neighbourhoods(pairs: IntArray, n_groups: int) -> tuple[list[IntArray], list[IntArray]]:
    upstream, downstream = _reachability(pairs, n_groups)
    start, end = pairs[:, 0], pairs[:, 1]
    path = downstream[start] & upstream[end]
    inside: list[IntArray] = []
    left = INSIDE_LIMIT
    for row in path:
        groups = _members(row, n_groups)
        inside.append(groups if len(groups) <= left else groups[:0])
        left -= len(inside[-1])
    own = _singletons(n_groups)
    elsewhere = upstream[start] | downstream[end] | path | own[start] | own[end]
    region = path | own[start] | own[end]
    for at in np.flatnonzero([len(groups) > 0 for groups in inside]):
        held = np.unpackbits(region[at], count=n_groups).astype(bool)
        elsewhere[held[start] & held[end]] |= region[at]
    return [_members(~row, n_groups) for row in elsewhere], inside


def _members(row: NDArray[np.uint8], n_groups: int) -> IntArray:
    """The groups of a row of packed bits."""
    return np.flatnonzero(np.unpackbits(row, count=n_groups)) if row.any() else np.zeros(0, dtype=np.int64)


def _singletons(n_groups: int) -> NDArray[np.uint8]:
    """Each group by itself, as packed bits, shape [group, byte]."""
    own = np.zeros((n_groups, -(-n_groups // 8)), dtype=np.uint8)
    ids = np.arange(n_groups)
    own[ids, ids // 8] = 128 >> (ids % 8)
    return own


def _reachability(pairs: IntArray, n_groups: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Groups up- and downstream of each group, as packed bits, each shape [group, byte]."""
    own = _singletons(n_groups)
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
