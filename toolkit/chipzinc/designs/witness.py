"""Who is to blame for a violated instance of a rule: the ops, the chips, what was asked and what there is.

An annotation of a verdict, never the verdict itself, which is MiniZinc's. To annotate one more rule, write a function
that takes a `Scene` and a number of an instance, and name it in `_WITNESSES`; a rule without one, a user's own above
all, is annotated with the ops and chips that its label names.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.throughput.memory import Overflow
from chipzinc.wording import counted, format_bytes

NEVER = 10**9
"""Reluctance to blame an op that is only blamed where no other can be."""


@dataclass(frozen=True)
class Witness:
    """Why an instance is violated.

    Attributes:
        text: one sentence.
        ops: the ops to blame: while all of them stay where they are, the instance stays violated.
        chips: the chips it is about.
        demand: what was asked of the package, in `unit`.
        limit: what there is.
        unit: ``bytes``, ``links``, ``chips`` or ``ops``.
        related: more ops that could take part in mending it.
    """

    text: str
    ops: tuple[int, ...] = ()
    chips: tuple[int, ...] = ()
    demand: int | None = None
    limit: int | None = None
    unit: str | None = None
    related: tuple[int, ...] = ()

    @property
    def excess(self) -> int | None:
        """By how much the demand is past the limit."""
        return None if self.demand is None or self.limit is None else self.demand - self.limit


@dataclass(frozen=True, eq=False)
class Scene:
    """A partition, with what witnesses need to know of it.

    Attributes:
        graph: the graph.
        package: the package.
        chips: chip of each op, shape [op].
        io_bytes: inputs + outputs of each op, shape [op].
        parameters: parameters of each rule, by its name.
        reluctance: where there is a choice, ops with less of this are blamed, and those with `NEVER` only if there is
            no other, shape [op]; None: all alike.
    """

    graph: OpGraph
    package: Package
    chips: IntArray
    io_bytes: IntArray
    parameters: Mapping[str, Mapping[str, Any]]
    reluctance: IntArray | None = None

    @cached_property
    def feeding(self) -> dict[tuple[int, int], IntArray]:
        """Edges that go from one chip to another, by the pair of chips; the one to blame first."""
        pairs = self.chips[self.graph.edges]
        crossing = np.flatnonzero(pairs[:, 0] != pairs[:, 1])
        order = crossing[np.lexsort((crossing, self._edge_reluctance[crossing], *pairs[crossing].T[::-1]))]
        keys, starts = np.unique(pairs[order], axis=0, return_index=True)
        rows = np.split(order, starts[1:]) if len(keys) else []
        return {(int(a), int(b)): row for (a, b), row in zip(keys, rows, strict=True)}

    @cached_property
    def fed(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """Chips that each chip feeds directly: by edges of ops that may be blamed, and by any."""
        found: tuple[dict[int, list[int]], dict[int, list[int]]] = ({}, {})
        for (a, b), edges in self.feeding.items():
            found[1].setdefault(a, []).append(b)
            if self._edge_reluctance[edges[0]] < NEVER:
                found[0].setdefault(a, []).append(b)
        return found

    @cached_property
    def _edge_reluctance(self) -> IntArray:
        edges = self.graph.edges
        return np.zeros(len(edges), dtype=np.int64) if self.reluctance is None else self.reluctance[edges].sum(axis=1)

    def name(self, op: int) -> str:
        """An op's name with its chip."""
        return f"{self.graph.op_names[op]} (chip {self.chips[op]})"


def witness(scene: Scene, rule: str, instance: int, label: str, overflow: Overflow | None = None) -> Witness:
    """Annotates a violated instance.

    Args:
        scene: the partition.
        rule: the rule.
        instance: number of the instance in the rule's array, from 1.
        label: what the rule calls it.
        overflow: the tensors that do not fit, where the throughput model found the violation.
    """
    if overflow is not None:
        return _overflow(scene, overflow)
    known = _WITNESSES.get(rule)
    found = known(scene, instance - 1) if known else None
    return found or _named(scene, label)


def _acyclic(scene: Scene, edge: int) -> Witness:
    u, v = (int(op) for op in scene.graph.edges[edge])
    a, b = int(scene.chips[u]), int(scene.chips[v])
    text = f"{scene.name(u)} feeds {scene.name(v)}: data would flow back by {counted(a - b, 'chip')}"
    return Witness(text, (u, v), (a, b), a, b, "chips")


def _hops(scene: Scene, edge: int) -> Witness:
    u, v = (int(op) for op in scene.graph.edges[edge])
    a, b = int(scene.chips[u]), int(scene.chips[v])
    limit = int(scene.parameters["max_hops"]["limit"])
    row = scene.package.routes.starts[a * scene.package.n_chips + b : a * scene.package.n_chips + b + 2]
    if not scene.package.reachable[a, b]:
        text = f"{scene.name(u)} feeds {scene.name(v)}, and no route joins the two chips"
        return Witness(text, (u, v), (a, b), None, limit, "links")
    hops = int(row[1] - row[0])
    text = f"{scene.name(u)} feeds {scene.name(v)} over {counted(hops, 'link')}, {limit} allowed"
    return Witness(text, (u, v), (a, b), hops, limit, "links")


def _skipped(scene: Scene, chip: int) -> Witness:
    later = int(scene.chips[scene.chips > chip].min())
    on = np.flatnonzero(scene.chips == later)
    last = int(scene.chips.max())
    text = f"no op is on chip {chip}, but {scene.graph.op_names[on[0]]} is on chip {later}"
    near = np.flatnonzero(np.abs(scene.chips - chip) <= 1)
    return Witness(text, (), (chip, later), last - chip, 0, "chips", tuple(int(op) for op in (*on, *near)))


def _triangle(scene: Scene, pair: int) -> Witness:
    a, b = divmod(pair, scene.package.n_chips)
    walk = next(walk for fed in scene.fed if (walk := _longer_walk(fed, a, b)))
    direct = scene.graph.edges[scene.feeding[a, b]]
    u, v = (int(op) for op in direct[0])
    steps = [scene.graph.edges[scene.feeding[step][0]] for step in itertools.pairwise(walk)]
    ops = dict.fromkeys([u, v, *(int(op) for step in steps for op in step)])
    inner = sorted({int(scene.chips[op]) for op in scene.graph.edges[scene.graph.edges[:, 1] == v, 0]} - {a})
    also = f" and chip {inner[-1]}" if inner else ""
    text = f"{scene.graph.op_names[v]} (chip {b}) reads from chip {a}{also}, and {' feeds '.join(map(str, walk))}"
    related = tuple(int(op) for op in np.unique(direct))
    return Witness(text, tuple(ops), tuple(walk), len(walk) - 1, 1, "links", related)


def _longer_walk(fed: Mapping[int, list[int]], a: int, b: int) -> list[int]:
    """Chips of a shortest walk of two or more steps from a to b; empty if there is none."""
    before: dict[int, int] = dict.fromkeys(fed.get(a, ()), a)
    queue = deque(before)
    while queue:
        at = queue.popleft()
        if b in fed.get(at, ()):
            walk = [b, at]
            while len(walk) == 2 or walk[-1] != a:
                walk.append(before[walk[-1]])
            return walk[::-1]
        for following in fed.get(at, ()):
            if following not in before:
                before[following] = at
                queue.append(following)
    return []


def _memory(scene: Scene, chip: int) -> Witness | None:
    if chip >= scene.package.n_chips:
        return None  # an instance of a live set, which says itself what it is about
    here = np.flatnonzero(scene.chips == chip)
    largest = int(here[np.argmax(scene.io_bytes[here])])
    limit, room = int(scene.package.sram_bytes[chip]), int(scene.package.sram_bytes[chip])
    room -= int(scene.io_bytes[largest])
    users = scene.graph.weight_users
    size = weight_bytes(scene.graph, scene.package) if scene.package.weights == "resident" else np.zeros(0, np.int64)
    on_chip = [w for w in range(len(size)) if np.any(scene.chips[users[w]] == chip)]
    total = int(size[on_chip].sum())
    culprits = {largest: None}
    for weight in sorted(on_chip, key=lambda w: (-size[w], w)):
        if room < 0:
            break
        room -= int(size[weight])
        culprits[int(next(op for op in users[weight] if scene.chips[op] == chip))] = None
    demand = total + int(scene.io_bytes[largest])
    text = (
        f"chip {chip} needs {format_bytes(demand)} and has {format_bytes(limit)}: weights {format_bytes(total)}, and "
        f"{scene.graph.op_names[largest]} reads and writes {format_bytes(int(scene.io_bytes[largest]))}"
    )
    return Witness(text, tuple(culprits), (chip,), demand, limit, "bytes", tuple(int(op) for op in here))


def _overflow(scene: Scene, overflow: Overflow) -> Witness:
    demand = overflow.live_bytes + overflow.weight_bytes
    alive = [
        int(next(op for op in overflow.holders[row] if scene.chips[op] == overflow.chip))
        for row in range(len(overflow.tensors))
    ]
    text = (
        f"chip {overflow.chip} needs {format_bytes(demand)} and has {format_bytes(overflow.sram_bytes)} while "
        f"{scene.graph.op_names[overflow.op]} runs: weights {format_bytes(overflow.weight_bytes)}, "
        f"{counted(len(overflow.tensors), 'tensor')} alive {format_bytes(overflow.live_bytes)}"
    )
    here = tuple(int(op) for op in np.flatnonzero(scene.chips == overflow.chip))
    return Witness(text, tuple(dict.fromkeys(alive)), (overflow.chip,), demand, overflow.sram_bytes, "bytes", here)


def _contiguous(scene: Scene, chip: int) -> Witness:
    path = _returning(scene, chip)
    text = f"a path leaves chip {chip} and returns: {' -> '.join(scene.name(op) for op in path)}"
    return Witness(text, tuple(path), tuple(dict.fromkeys(int(scene.chips[op]) for op in path)))


def _returning(scene: Scene, chip: int) -> list[int]:
    """Ops of a shortest path of forward ops that leaves a chip and returns; there is one."""
    readers: dict[int, list[int]] = {}
    for u, v in _forward_edges(scene).tolist():
        readers.setdefault(u, []).append(v)
    before = {
        v: u for u, row in sorted(readers.items()) if scene.chips[u] == chip for v in row if scene.chips[v] != chip
    }
    queue = deque(before)
    while queue:
        op = queue.popleft()
        for reader in readers.get(op, ()):
            if scene.chips[reader] == chip:
                path = [reader, op]
                while scene.chips[path[-1]] != chip:
                    path.append(before[path[-1]])
                return path[::-1]
            if reader not in before:
                before[reader] = op
                queue.append(reader)
    raise ValueError(f"no path leaves chip {chip} and returns")


def _forward_edges(scene: Scene) -> IntArray:
    edges, profile = scene.graph.edges, scene.graph.profile
    return edges if profile is None else edges[~profile.op_backward[edges].any(axis=1)]


def _cycle(scene: Scene, chip: int) -> Witness:
    edge_of: dict[tuple[int, int], tuple[int, int]] = {}
    for u, v in _forward_edges(scene).tolist():
        edge_of.setdefault((int(scene.chips[u]), int(scene.chips[v])), (u, v))
    before: dict[int, int] = {}
    queue = deque([chip])
    while chip not in before:
        at = queue.popleft()
        for a, b in edge_of:
            if a == at and b != at and b not in before:
                before[b] = at
                queue.append(b)
    walk = [chip, before[chip]]
    while walk[-1] != chip:
        walk.append(before[walk[-1]])
    walk.reverse()
    ops = dict.fromkeys(op for step in itertools.pairwise(walk) for op in edge_of[step])
    return Witness(f"chips feed one another: {' feeds '.join(map(str, walk))}", tuple(ops), tuple(dict.fromkeys(walk)))


def _unsupported(scene: Scene, op: int) -> Witness:
    chip = int(scene.chips[op])
    text = f"{scene.name(op)} is of kind {scene.graph.op_kinds[op]}, which {scene.package.chip_class[chip]} cannot run"
    return Witness(text, (op,), (chip,))


def _crowded(scene: Scene, chip: int) -> Witness:
    here = np.flatnonzero(scene.chips == chip)
    limit = int(scene.parameters["max_ops_per_chip"]["limit"])
    blame = here if scene.reluctance is None else here[np.argsort(scene.reluctance[here], kind="stable")]
    text = f"chip {chip} has {counted(len(here), 'op')}, {limit} allowed"
    blamed = tuple(sorted(int(op) for op in blame[: limit + 1]))
    return Witness(text, blamed, (chip,), len(here), limit, "ops", tuple(int(op) for op in here))


def _named(scene: Scene, label: str) -> Witness:
    """The ops and chips that a label names."""
    written = label.replace("->", " ").split()
    words = [label, *written, *(word.strip("()[]{}'\",;:.") for word in written), *re.split(r"[\s,;:]+", label)]
    ops = dict.fromkeys(scene.graph.op_index[word] for word in words if word in scene.graph.op_index)
    chips = dict.fromkeys(int(chip) for chip in re.findall(r"\bchip (\d+)\b", label))
    on = np.flatnonzero(np.isin(scene.chips, list(chips)))
    return Witness(label, tuple(ops), tuple(chips), related=tuple(int(op) for op in on))


_WITNESSES: dict[str, Callable[[Scene, int], Witness | None]] = {
    "acyclic_dataflow": _acyclic,
    "acyclic_quotient": _cycle,
    "contiguous": _contiguous,
    "max_hops": _hops,
    "max_ops_per_chip": _crowded,
    "memory_capacity": _memory,
    "no_skipped_chips": _skipped,
    "supported_kinds": _unsupported,
    "triangle_dependency": _triangle,
}
