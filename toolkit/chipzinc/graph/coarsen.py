"""`Coarsening`: ops gathered into groups that share a chip while a partition is searched.

Knows work and bytes per op as plain numbers, nothing of chips' properties, rules or solvers. Rules always see ops.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.contract import Contraction, contract_chains, contract_trees
from chipzinc.graph.opgraph import FloatArray, Incidence, IntArray, OpGraph

SLACK_SHARE = 0.001
"""What a group may hold beside its largest op, as a share of the whole graph's work and of its weights: at 36 chips
a group then blurs the balance by at most 3.6 % of a chip's fair share."""

TARGET_GROUPS = 400
"""Where chains leave more groups than this (unrolled recurrent networks do), light trees are contracted as well."""


@dataclass(frozen=True, eq=False)
class Coarsening:
    """A map from ops to groups whose quotient is acyclic; groups are numbered in topological order.

    Attributes:
        group_of: group of each op, shape [op].
        edges: distinct (group, group) pairs of the graph's edges, sorted, shape [group_edge, 2].
        op_work: work by which ops of a group outvote each other, shape [op].
    """

    group_of: IntArray
    edges: IntArray
    op_work: FloatArray

    @classmethod
    def identity(cls, graph: OpGraph, op_work: FloatArray | None = None) -> Coarsening:
        """Every op its own group."""
        work = np.ones(graph.n_ops) if op_work is None else np.asarray(op_work, dtype=np.float64)
        return cls(np.arange(graph.n_ops, dtype=np.int64), graph.edges, work)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group_of.max()) + 1

    @cached_property
    def members(self) -> Incidence:
        """Ops of each group in topological order, shape [group] of rows."""
        starts = np.concatenate([[0], np.cumsum(np.bincount(self.group_of, minlength=self.n_groups))])
        return Incidence(starts.astype(np.int64), np.argsort(self.group_of, kind="stable").astype(np.int64))

    @cached_property
    def group_work(self) -> FloatArray:
        """Work of each group, shape [group]."""
        return np.bincount(self.group_of, weights=self.op_work, minlength=self.n_groups).astype(np.float64)

    def expand(self, chip_of_group: NDArray[np.int64]) -> IntArray:
        """Gives every op its group's chip: shape [..., group] to [..., op]."""
        return np.asarray(chip_of_group, dtype=np.int64)[..., self.group_of]

    def restrict(self, chip_of_op: NDArray[np.int64]) -> IntArray:
        """Gives every group the work-weighted (lower) median of its ops' chips: shape [..., op] to [..., group].

        A group without work counts each of its ops once.
        """
        chips = np.asarray(chip_of_op, dtype=np.int64)
        weight = np.where(self.group_work[self.group_of] > 0, self.op_work, 1.0)
        half = np.bincount(self.group_of, weights=weight, minlength=self.n_groups) / 2
        rows = [self._medians(row, weight, half) for row in chips.reshape(-1, chips.shape[-1])]
        return np.array(rows, dtype=np.int64).reshape(*chips.shape[:-1], self.n_groups)

    def _medians(self, chips: IntArray, weight: FloatArray, half: FloatArray) -> IntArray:
        order = np.lexsort((chips, self.group_of))
        group = self.group_of[order]
        total = np.cumsum(weight[order])
        before = np.concatenate([[0.0], total])[self.members.starts[:-1]]
        reached = total - before[group] >= half[group] * (1 - 1e-9)
        last = np.zeros(len(order), dtype=np.bool_)
        last[self.members.starts[1:] - 1] = True  # rounding must not leave a group without a median
        candidates = np.flatnonzero(reached | last)
        first = candidates[np.searchsorted(group[candidates], np.arange(self.n_groups))]
        return chips[order][first]


def coarsen(
    graph: OpGraph,
    op_work: FloatArray,
    *,
    op_weight_bytes: FloatArray | IntArray | None = None,
    tensor_bytes: FloatArray | IntArray | None = None,
    op_class: IntArray | None = None,
    slack_share: float = SLACK_SHARE,
    target_groups: int = TARGET_GROUPS,
) -> Coarsening:
    """Contracts free ops into producers, and chains whose links nobody needs to cut.

    A chain's link joins an op (or group) that has one consumer to a consumer that has one producer, so contracting
    it never makes a cycle. Links are contracted from the one that carries most bytes, as long as all that a group
    holds beside its largest op stays within the slack; the cheapest places to cut a chain so remain. If more than
    `target_groups` are left, one of the two conditions is enough, and the slack is the share of one group of as many.
    Takes O(e log² e) for e edges.

    Args:
        graph: the graph.
        op_work: time of each op on a typical chip, in any unit, shape [op].
        op_weight_bytes: weights of each op, shape [op]; from the exported widths if None.
        tensor_bytes: size of each tensor, shape [tensor]; from the exported widths if None.
        op_class: ops of different classes never share a group, shape [op]; for chips that support some ops only.
        slack_share: share of all work, and of all weights, that a group may hold beside its largest op.
        target_groups: number of groups from which on contracting chains is enough.
    """
    work = np.asarray(op_work, dtype=np.float64)
    weights = exported_weight_bytes(graph) if op_weight_bytes is None else np.asarray(op_weight_bytes, np.float64)
    sizes = graph.tensor_elements * graph.tensor_bits / 8 if tensor_bytes is None else np.asarray(tensor_bytes)
    classes = np.zeros(graph.n_ops, dtype=np.int64) if op_class is None else np.asarray(op_class, dtype=np.int64)
    groups = Contraction(work, weights, classes, slack_share)
    _contract_free_ops(graph, groups)
    contract_chains(groups, *_links(graph, groups, np.asarray(sizes, dtype=np.float64)))
    if groups.n_groups > target_groups:
        groups.widen(1 / target_groups)
        contract_trees(groups, *_links(graph, groups, np.asarray(sizes, dtype=np.float64)), target_groups)
    return _numbered(graph, groups.first_ops(), work)


def refine(
    graph: OpGraph,
    coarsening: Coarsening,
    *,
    ops: Iterable[int] = (),
    partition: NDArray[np.int64] | None = None,
) -> Coarsening:
    """Splits groups into their ops: those that hold one of `ops`, and those whose ops `partition` separates.

    Args:
        graph: the graph that was coarsened.
        coarsening: its groups.
        ops: ops that must be free of their group (pins, separations, capacities).
        partition: chip of each op, shape [op]; it can then be written with groups without loss.
    """
    group_of = coarsening.group_of
    split = np.zeros(coarsening.n_groups, dtype=np.bool_)
    split[group_of[np.fromiter(ops, dtype=np.int64)]] = True
    first_op = coarsening.members.ids[coarsening.members.starts[:-1]]
    if partition is not None:
        chips = np.asarray(partition)
        split[group_of[chips != chips[first_op][group_of]]] = True
    return _numbered(graph, np.where(split[group_of], np.arange(graph.n_ops), first_op[group_of]), coarsening.op_work)


def gather(graph: OpGraph, labels: NDArray[np.int64], op_work: FloatArray) -> Coarsening:
    """Makes a group of all ops with the same label.

    Args:
        graph: the graph.
        labels: any numbers, shape [op].
        op_work: work by which ops of a group outvote each other, shape [op].

    Raises:
        ValueError: if the groups feed one another in a cycle.
    """
    return _numbered(graph, np.asarray(labels, dtype=np.int64), op_work)


def exported_weight_bytes(graph: OpGraph) -> FloatArray:
    """Returns the bytes of the weights each op uses, at the widths they were exported with, shape [op]."""
    sizes = graph.weight_elements * graph.weight_bits / 8
    users = graph.weight_users
    return np.bincount(users.ids, weights=sizes[users.rows], minlength=graph.n_ops).astype(np.float64)


def _contract_free_ops(graph: OpGraph, groups: Contraction) -> None:
    """Joins each free op to the producer of the one tensor it renames; none reads a free op itself."""
    edges = graph.edges
    producers = np.bincount(edges[:, 1], minlength=graph.n_ops)
    for producer, consumer in edges[graph.op_free[edges[:, 1]] & (producers[edges[:, 1]] == 1)].tolist():
        if groups.alike(producer, consumer):
            groups.join(producer, consumer)


def _links(graph: OpGraph, groups: Contraction, tensor_bytes: FloatArray) -> tuple[IntArray, FloatArray]:
    """Returns the distinct (group, group) links, shape [link, 2], and the bytes each carries, shape [link]."""
    group_of = groups.first_ops()
    tensor = graph.tensor_consumers.rows
    pairs = np.stack([group_of[graph.tensor_producer[tensor]], group_of[graph.tensor_consumers.ids]], axis=1)
    crossing = pairs[:, 0] != pairs[:, 1]
    # One tensor that several ops of a group read is carried once.
    carried = np.unique(np.column_stack([pairs[crossing], tensor[crossing]]), axis=0).reshape(-1, 3)
    links, inverse = np.unique(carried[:, :2], axis=0, return_inverse=True)
    link_bytes = np.bincount(inverse.reshape(-1), weights=tensor_bytes[carried[:, 2]], minlength=len(links))
    return links.reshape(-1, 2), link_bytes.astype(np.float64)


def _numbered(graph: OpGraph, roots: IntArray, work: FloatArray) -> Coarsening:
    """Numbers sets of ops in a topological order of their quotient, earliest first op first."""
    labels, label_of = np.unique(roots, return_inverse=True)
    label_of = label_of.reshape(-1)
    pairs = label_of[graph.edges]
    links = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).reshape(-1, 2)
    readers: list[list[int]] = [[] for _ in labels]
    for producer, consumer in links.tolist():
        readers[producer].append(consumer)
    waiting = np.bincount(links[:, 1], minlength=len(labels)).tolist()
    ready = [label for label, count in enumerate(waiting) if count == 0]
    number = np.full(len(labels), -1, dtype=np.int64)
    placed = 0
    while ready:
        label = heapq.heappop(ready)
        number[label] = placed
        placed += 1
        for reader in readers[label]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if placed < len(labels):
        raise ValueError("the groups' quotient has a cycle")
    edges = number[links]
    return Coarsening(number[label_of], edges[np.lexsort((edges[:, 1], edges[:, 0]))], work)
