"""The rules and the shortest interval by their definitions, for small graphs."""

from __future__ import annotations

import itertools

import numpy as np

from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_supported
from chipzinc.hardware.package import Package
from chipzinc.throughput.model import ThroughputModel


def keeps(given: OpGraph, on: Package, chips: IntArray) -> BoolArray:
    """Which partitions keep the hard rules, of those used here, by their definitions; shape [sample]."""
    rules = {rule.name for rule in on.rules if rule.soft_weight is None}
    model, holds = ThroughputModel(given, on), np.ones(len(chips), dtype=bool)
    used = (chips[:, :, None] == np.arange(on.n_chips)).any(axis=1)
    if "acyclic_dataflow" in rules:
        holds &= (chips[:, given.edges[:, 0]] <= chips[:, given.edges[:, 1]]).all(axis=1)
    if "no_skipped_chips" in rules:
        holds &= used.sum(axis=1) == chips.max(axis=1) + 1
    if "supported_kinds" in rules:
        holds &= op_supported(given, on)[np.arange(given.n_ops), chips].all(axis=1)
    if "memory_capacity" in rules:
        here = chips[:, :, None] == np.arange(on.n_chips)
        need = (op_io_bytes(given, on)[None, :, None] * here).max(axis=1)
        if on.weights == "resident":
            need = need + model.memory.weights(chips)
        holds &= (need <= on.sram_bytes).all(axis=1)
    return holds


def shortest(given: OpGraph, on: Package) -> float:
    """The shortest interval of all partitions that keep the rules; infinite if none does."""
    every = np.array(list(itertools.product(range(on.n_chips), repeat=given.n_ops)), dtype=np.int64)
    valid = every[keeps(given, on, every)]
    return float(ThroughputModel(given, on).evaluate(valid).interval_us.min()) if len(valid) else np.inf


def has_triangle(edges: list[list[int]], chips: list[int]) -> bool:
    """Whether a chip feeds another that a longer walk of chips also leads to."""
    feeds = {(chips[u], chips[v]) for u, v in edges if chips[u] != chips[v]}
    reaches = set(feeds)
    for middle, source, target in itertools.product(set(chips), repeat=3):
        if (source, middle) in reaches and (middle, target) in reaches:
            reaches.add((source, target))
    return any((a, c) in feeds and (c, b) in reaches for a, b in feeds for c in set(chips))
