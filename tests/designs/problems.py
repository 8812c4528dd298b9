"""Small designs with every valid partition known, and the rules of a design written a second time, with loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chipzinc.designs.completion import mending_task
from chipzinc.designs.part import Task
from chipzinc.exhaustive import every_assignment
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.throughput.small import graph, package

SEED_RULES = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"


def seed_package(chips: int = 3, sram: str = "1 kB", rules: str = SEED_RULES, source: Path | None = None) -> Package:
    """A one-way ring under the seed rules."""
    return replace(package(chips=chips, sram=sram, more=rules), source=source)


def random_graph(n_ops: int, rng: np.random.Generator) -> OpGraph:
    """A graph in which later ops read one or two earlier ones; tensors of 1 to 5 bytes, weights of up to 40."""
    readers: list[list[int]] = [[] for _ in range(n_ops)]
    for op in range(1, n_ops):
        for source in {int(rng.integers(max(0, op - 3), op)) for _ in range(2)}:
            readers[source].append(op)
    tensors = [(op, row, int(rng.integers(1, 6))) for op, row in enumerate(readers)]
    return graph(tensors, n_ops, weights=[(int(rng.integers(1, 41)), [op]) for op in range(0, n_ops, 2)])


def task_of(model: OpGraph, chips: Package, design: Sequence[int] | IntArray, pinned: Sequence[int] = ()) -> Task:
    """A design on a graph, every op's move at price 1."""
    given, kept = np.array(design, dtype=np.int64), np.isin(np.arange(model.n_ops), pinned)
    return mending_task(model, chips, Coarsening.identity(model), given, pinned=kept)


def valid_partitions(session: Session, model: OpGraph, chips: Package) -> IntArray:
    """Every valid partition, by trying all; shape [partition, op]."""
    every = every_assignment(model.n_ops, chips.n_chips)
    verdicts = verify(session, model, chips, selected_rules(chips), every)
    return every[[verdict.valid for verdict in verdicts]]


def least_change(partitions: IntArray, design: IntArray) -> int:
    """Fewest ops with another chip than the design's, open ops aside."""
    return int(((partitions != design) & (design >= 0)).sum(axis=1).min())


def violations(model: OpGraph, chips: Package, partition: IntArray) -> set[tuple[str, tuple[int, ...]]]:
    """(rule, what is to blame) of every violated instance: the edge, the pair of chips, or the chip."""
    edges = model.edges.tolist()
    found: set[tuple[str, tuple[int, ...]]] = set()
    found |= {("acyclic_dataflow", (u, v)) for u, v in edges if partition[u] > partition[v]}
    used = set(partition.tolist())
    found |= {("no_skipped_chips", (c,)) for c in range(max(used)) if c not in used}
    feeds = {(int(partition[u]), int(partition[v])) for u, v in edges if partition[u] != partition[v]}
    for a, b in feeds:
        reached, stack = set(), [d for c, d in feeds if c in {e for x, e in feeds if x == a}]
        while stack:
            at = stack.pop()
            if at not in reached:
                reached.add(at)
                stack += [d for c, d in feeds if c == at]
        if b in reached:
            found.add(("triangle_dependency", (a, b)))
    for chip in range(chips.n_chips):
        if _static_memory(model, partition, chip) > chips.sram_bytes[chip]:
            found.add(("memory_capacity", (chip,)))
    return found


def _static_memory(model: OpGraph, partition: IntArray, chip: int) -> int:
    weights = sum(
        int(size)
        for weight, size in enumerate(model.weight_elements)
        if any(partition[op] == chip for op in model.weight_users[weight])
    )
    largest = 0
    for op in np.flatnonzero(partition == chip):
        size = 0
        for tensor, elements in enumerate(model.tensor_elements):
            touched = model.tensor_producer[tensor] == op or op in model.tensor_consumers[tensor]
            size += int(elements) * int(touched)
        largest = max(largest, size)
    return weights + largest
