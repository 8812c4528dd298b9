"""What the rules mean, written from their words with sets and loops, and every small graph to try them on.

Each oracle returns the labels of the violated instances of one assignment. Nothing here looks at a MiniZinc file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

Edge = tuple[int, int]
Chips = Sequence[int]


@dataclass(frozen=True)
class LiveBytes:
    """Tensors once alive together: bytes of all, and of each the ops any one of which keeps it on a chip."""

    size: int
    holders: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Small:
    """A problem as plain numbers.

    Attributes:
        n_ops: ops are 0..n_ops-1 in topological order, named op0, op1, ...
        edges: (producer, consumer).
        n_chips: chips are 0..n_chips-1.
        links: (from chip, to chip).
        limit: of max_hops.
        tensors: (producer, consumers, bytes).
        weights: (bytes, users).
        sram: bytes of each chip.
        streamed: whether weights stay outside the SRAM.
        live: sets of tensors that no chip may be given unless it holds them beside its weights.
    """

    n_ops: int
    edges: tuple[Edge, ...]
    n_chips: int
    links: tuple[Edge, ...]
    limit: int = 1
    tensors: tuple[tuple[int, tuple[int, ...], int], ...] = ()
    weights: tuple[tuple[int, tuple[int, ...]], ...] = ()
    sram: tuple[int, ...] = ()
    streamed: bool = False
    live: tuple[LiveBytes, ...] = ()


def acyclic_dataflow(problem: Small, chip: Chips) -> set[str]:
    """No edge goes to an earlier chip."""
    return {f"op{u} -> op{v}" for u, v in problem.edges if chip[u] > chip[v]}


def no_skipped_chips(problem: Small, chip: Chips) -> set[str]:
    """The used chips are 0..last."""
    return {f"chip {c}" for c in range(max(chip)) if c not in chip}


def triangle_dependency(problem: Small, chip: Chips) -> set[str]:
    """Where a feeds b, no walk of two or more steps leads from a to b."""
    feeds = {(chip[u], chip[v]) for u, v in problem.edges if chip[u] != chip[v]}

    def fed_by(chips: set[int]) -> set[int]:
        return {b for a, b in feeds if a in chips}

    violated = set()
    for a, b in feeds:
        walked = fed_by(fed_by({a}))  # after two steps
        while not fed_by(walked) <= walked:
            walked |= fed_by(walked)
        if b in walked:
            violated.add(f"chip {a} feeds chip {b}")
    return violated


def memory_capacity(problem: Small, chip: Chips) -> set[str]:
    """Weights, each once, and the largest inputs + outputs of one op fit; so does what was once alive together."""
    violated = set()
    for c in range(problem.n_chips):
        here = {op for op in range(problem.n_ops) if chip[op] == c}
        weights = sum(size for size, users in problem.weights if here & set(users)) * (not problem.streamed)
        io = [sum(size for p, readers, size in problem.tensors if op == p or op in readers) for op in here]
        if weights + max(io, default=0) > problem.sram[c]:
            violated.add(f"chip {c}")
        for number, live in enumerate(problem.live, start=1):
            whole = all(here & set(holders) for holders in live.holders)
            if whole and weights + live.size > problem.sram[c]:
                violated.add(f"chip {c}, live set {number}")
    return violated


def max_hops(problem: Small, chip: Chips) -> set[str]:
    """Every edge's consumer is at most `limit` links from its producer."""
    violated = set()
    for u, v in problem.edges:
        near = {chip[u]}
        for _ in range(problem.limit):
            near |= {b for a, b in problem.links if a in near}
        if chip[v] not in near:
            violated.add(f"op{u} -> op{v}")
    return violated


ORACLES: dict[str, Callable[[Small, Chips], set[str]]] = {
    "acyclic_dataflow": acyclic_dataflow,
    "no_skipped_chips": no_skipped_chips,
    "triangle_dependency": triangle_dependency,
    "memory_capacity": memory_capacity,
    "max_hops": max_hops,
}


@cache
def dags(n_ops: int) -> tuple[tuple[Edge, ...], ...]:
    """The edges of every directed acyclic graph of some ops, one of each isomorphism class.

    Ops are numbered so that edges go upwards, as in every `OpGraph`.
    """
    pairs = list(itertools.combinations(range(n_ops), 2))
    renamings = np.array(list(itertools.permutations(range(n_ops))))
    found: dict[int, tuple[Edge, ...]] = {}
    for chosen in itertools.product((False, True), repeat=len(pairs)):
        edges = tuple(itertools.compress(pairs, chosen))
        bits = [np.int64(1) << (renamings[:, u] * n_ops + renamings[:, v]) for u, v in edges]
        found.setdefault(int(min(sum(bits, np.zeros(len(renamings), dtype=np.int64)))), edges)
    return tuple(found.values())


def groupings(n_ops: int, edges: Sequence[Edge]) -> Iterator[tuple[int, ...]]:
    """Every way to gather ops into groups whose edges make no cycle; groups are numbered by their first op."""
    for group_of in itertools.product(range(n_ops), repeat=n_ops):
        named_in_order = all(group_of[op] <= max(group_of[:op], default=-1) + 1 for op in range(n_ops))
        if named_in_order and _no_cycle({(group_of[u], group_of[v]) for u, v in edges}):
            yield group_of


def _no_cycle(pairs: set[Edge]) -> bool:
    left = {(a, b) for a, b in pairs if a != b}
    while True:
        ends = {b for _, b in left}
        kept = {(a, b) for a, b in left if a in ends}
        if kept == left:
            return not left
        left = kept
