"""What the rules mean, written from their words with sets and loops, and every small graph to try them on.

Each oracle returns the labels of the violated instances of one assignment. Nothing here looks at a MiniZinc file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
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
        backward: ops of the backward pass.
        supported: chips that can run each op.
        pins: (op, chip).
        together: ops that share a chip, an entry a set.
        apart: lists of groups of ops; no two groups of a list meet on a chip.
        most_ops: of max_ops_per_chip.
        tolerance: of balanced_memory, in percent.
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
    backward: tuple[int, ...] = ()
    supported: tuple[tuple[int, ...], ...] = ()
    pins: tuple[tuple[int, int], ...] = ()
    together: tuple[tuple[int, ...], ...] = ()
    apart: tuple[tuple[tuple[int, ...], ...], ...] = ()
    most_ops: int = 0
    tolerance: int = 0


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


def pinned(problem: Small, chip: Chips) -> set[str]:
    """Every pinned op is on its chip."""
    return {f"op{op} on chip {c}" for op, c in problem.pins if chip[op] != c}


def colocated(problem: Small, chip: Chips) -> set[str]:
    """Ops that belong together are where the first of them is."""
    return {f"op{min(ops)} with op{op}" for ops in problem.together for op in ops if chip[op] != chip[min(ops)]}


def separated(problem: Small, chip: Chips) -> set[str]:
    """No op of a list is on a chip with an op of another group of the list."""
    violated = set()
    for number, groups in enumerate(problem.apart, start=1):
        for group in groups:
            taken = {chip[other] for another in groups if another is not group for other in another}
            violated |= {f"op{op} (list {number})" for op in group if chip[op] in taken}
    return violated


def supported_kinds(problem: Small, chip: Chips) -> set[str]:
    """Every op is on a chip that can run it."""
    return {f"op{op}" for op, chips in enumerate(problem.supported) if chip[op] not in chips}


def max_ops_per_chip(problem: Small, chip: Chips) -> set[str]:
    """No chip has more ops than the limit."""
    return {f"chip {c}" for c in range(problem.n_chips) if list(chip).count(c) > problem.most_ops}


def balanced_memory(problem: Small, chip: Chips) -> set[str]:
    """No chip's weights, each once, are more than an equal share of all with the tolerance on top."""
    share = Fraction(sum(size for size, _ in problem.weights) * (100 + problem.tolerance), 100 * problem.n_chips)
    held = {c: sum(size for size, users in problem.weights if c in {chip[op] for op in users}) for c in set(chip)}
    return {f"chip {c}" for c, size in held.items() if size > share}


def forward_edges(problem: Small) -> list[Edge]:
    """Edges between ops outside the backward pass."""
    return [edge for edge in problem.edges if not set(edge) & set(problem.backward)]


def contiguous(problem: Small, chip: Chips) -> set[str]:
    """No path has an op on a chip, later one that is not, and later again one on that chip."""
    paths = [list(edge) for edge in forward_edges(problem)]
    violated = set()
    while paths:
        chips = [chip[op] for op in paths[0]]
        violated |= {f"chip {chips[0]}"} if chips[0] == chips[-1] and len(set(chips)) > 1 else set()
        end = paths[0][-1]
        paths = paths[1:] + [[*paths[0], v] for u, v in forward_edges(problem) if u == end]
    return violated


def acyclic_quotient(problem: Small, chip: Chips) -> set[str]:
    """No walk from chip to chip returns to where it began."""
    feeds = {(chip[u], chip[v]) for u, v in forward_edges(problem) if chip[u] != chip[v]}
    violated = set()
    for c in range(problem.n_chips):
        walked = {b for a, b in feeds if a == c}
        while more := {b for a, b in feeds if a in walked} - walked:
            walked |= more
        if c in walked:
            violated.add(f"chip {c}")
    return violated


ORACLES: dict[str, Callable[[Small, Chips], set[str]]] = {
    "acyclic_dataflow": acyclic_dataflow,
    "no_skipped_chips": no_skipped_chips,
    "triangle_dependency": triangle_dependency,
    "memory_capacity": memory_capacity,
    "max_hops": max_hops,
    "pinned": pinned,
    "colocated": colocated,
    "separated": separated,
    "supported_kinds": supported_kinds,
    "max_ops_per_chip": max_ops_per_chip,
    "balanced_memory": balanced_memory,
    "contiguous": contiguous,
    "acyclic_quotient": acyclic_quotient,
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
