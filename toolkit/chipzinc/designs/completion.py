"""A design as the task of mending it: where its open ops would best go, and what it costs to move the others.

Guesses only, from which repair starts; knows no solver.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from chipzinc.designs.part import Task
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_moved_bytes, op_time_us
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import HintContext, slice_hint
from chipzinc.rules.catalogue import selected_rules

Weight = Literal["ops", "work", "bytes"]
WEIGHTS: tuple[Weight, ...] = get_args(Weight)

PRICE_STEPS = 1_000_000
"""Prices that are no counts are rounded up to this many steps of their sum, since solvers count in whole numbers."""


def mending_task(
    graph: OpGraph,
    package: Package,
    groups: Coarsening,
    design: IntArray,
    *,
    weight: Weight = "ops",
    pinned: BoolArray | None = None,
) -> Task:
    """The task of mending a design under the package's rules.

    Args:
        graph: the graph.
        package: the package.
        groups: groups that open ops are placed by.
        design: chip of each op, -1 where it is open, shape [op].
        weight: what moving an op costs, as for `prices`.
        pinned: ops that may not move, shape [op]; None: all may.

    Raises:
        InputError: if a rule does not exist or is selected twice.
    """
    return Task(
        graph=graph,
        package=package,
        rules=selected_rules(package),
        design=design,
        wish=completed(graph, package, groups, design),
        price=prices(graph, package, weight),
        pinned=np.zeros(graph.n_ops, dtype=np.bool_) if pinned is None else pinned,
    )


def completed(graph: OpGraph, package: Package, groups: Coarsening, design: IntArray) -> IntArray:
    """A chip for every op: the design's, and for open ops a slice's that flows forward from and to given ops.

    Args:
        graph: the graph.
        package: the package.
        groups: groups to slice.
        design: chip of each op, -1 where it is open, shape [op].

    Returns:
        Chip of each op, shape [op].
    """
    given = design >= 0
    if given.all():
        return design.copy()
    hint = groups.expand(slice_hint(HintContext(graph, package, groups)))
    low = np.where(given, design, 0)
    high = np.where(given, design, package.n_chips - 1)
    for u, v in graph.edges.tolist():  # sorted by u, and ops are in topological order
        if not given[v]:
            low[v] = max(low[v], low[u])
    for u, v in graph.edges[::-1].tolist():
        if not given[u]:
            high[u] = min(high[u], high[v])
    return np.where(given, design, np.clip(hint, low, np.maximum(low, high)))


def prices(graph: OpGraph, package: Package, weight: Weight) -> IntArray:
    """What it costs to move each op, at least 1; shape [op].

    Args:
        graph: the graph.
        package: the package.
        weight: ``ops``: each the same; ``work``: by mean time; ``bytes``: by inputs, weights and outputs.
    """
    if weight == "ops":
        return np.ones(graph.n_ops, dtype=np.int64)
    value: FloatArray = op_moved_bytes(graph, package).astype(np.float64)
    if weight == "work":
        time_us = op_time_us(graph, package)
        usable = np.isfinite(time_us)
        value = np.where(usable, time_us, 0.0).sum(axis=1) / np.maximum(1, usable.sum(axis=1))
    total = float(value.sum()) or 1.0
    return np.maximum(1, np.ceil(value / total * PRICE_STEPS)).astype(np.int64)
