"""Small problems, every valid partition of which can be listed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from chipzinc.correct.problem import Problem
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.rules.catalogue import select
from tests.throughput.small import graph, package

SEED_RULES = ("acyclic_dataflow", "no_skipped_chips", "triangle_dependency", "memory_capacity")


def random_graph(rng: np.random.Generator, n_ops: int) -> OpGraph:
    """A connected graph in which every op but the first reads one or two earlier ones; 3-byte weights."""
    readers: list[list[int]] = [[] for _ in range(n_ops)]
    for op in range(1, n_ops):
        for earlier in set(rng.integers(0, op, size=rng.integers(1, 3)).tolist()):
            readers[earlier].append(op)
    tensors = [(op, readers[op], 1) for op in range(n_ops)]
    return graph(tensors, n_ops, weights=[(3, [op]) for op in range(n_ops)])


def problem(graph: OpGraph, package: Package, rules: Sequence[str] = SEED_RULES) -> Problem:
    """A problem over ops, with rules without parameters."""
    return Problem(graph, package, select([RuleUse(name) for name in rules], None), np.arange(graph.n_ops))


def tight_package(chips: int = 3) -> Package:
    """Each chip holds three of `random_graph`'s weights beside an op's tensors."""
    return package(chips=chips, sram="12 B")


def assignments(n_ops: int, n_chips: int) -> IntArray:
    """Every assignment, shape [assignment, op]."""
    return np.array(list(itertools.product(range(n_chips), repeat=n_ops)))
