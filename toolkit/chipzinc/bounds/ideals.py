"""Bounds from chains of ideals, which see communication, memory and the order of the ops.

Under `acyclic_dataflow` the ops on the first k chips are an ideal, whatever else holds, and what a chip does follows
from two of them; under `acyclic_quotient` the same holds for the chips in some other order. `triangle_dependency` and
memory over time are left out, so that the shortest chain is a bound; where links lead from each chip to the next and
the chain keeps these two, it is also the optimum.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard
from chipzinc.ideals.lattice import Ideal, prefixes
from chipzinc.ideals.pipelines import Ordered
from chipzinc.ideals.slack import most_slack

MOST_IDEALS = 60_000
"""Graphs with more ideals get a bound from those of a part of their ops."""

FEW_IDEALS = 4_000
"""Most ideals of such a part, or a few times the ops of a large graph."""

_IDEALS_PER_OP = 3  # that takes time

_ROUNDING = 1e-9  # share by which sums of the same numbers in another order may differ
_STEPS = 14  # intervals tried with ops left out
_PRECISION = 0.001
_LIGHT = 0.05  # of the mean op's work; lighter ops are as good to leave out


def applies(graph: OpGraph, package: Package) -> bool:
    """Whether every partition that keeps the hard rules is a chain of ideals."""
    return hard(package, "acyclic_dataflow") or hard(package, "acyclic_quotient")


def ideals_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The shortest interval of any chain of ideals, in µs; see the module.

    Args:
        graph: the graph.
        package: a package to which `applies`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, or None if there are too many ideals or too little time.

    Raises:
        InfeasibleError: if no chain keeps the rules that are looked at.
    """
    deadline = time.monotonic() + time_limit_s
    ordered = Ordered.of(graph, package)
    ideals = ordered.every_ideal(MOST_IDEALS, deadline)
    if ideals is None:
        return None
    start, _ = _shortest(ordered, prefixes(range(ordered.items.n_items)), floor_us, floor_us * 1.1, deadline)
    limit = start * (1 + _ROUNDING) if np.isfinite(start) and start > 0 else floor_us * 1.1
    proven, conclusive = _shortest(ordered, ideals, floor_us, limit, deadline)
    if np.isinf(proven):
        raise InfeasibleError(f"no pipeline of the ops of '{graph.name}' fits the chips of '{package.name}' in order")
    return proven * (1 - _ROUNDING) if conclusive or proven > floor_us else None


def _shortest(
    ordered: Ordered, ideals: list[Ideal], floor_us: float, start_us: float, deadline: float
) -> tuple[float, bool]:
    """A bound on the pipelines over some ideals, and whether it is their shortest interval."""
    in_any_order = not hard(ordered.package, "acyclic_dataflow")
    family = ordered.pipelines(ideals, any_order=in_any_order, skipping=True)
    proven, table = family.shortest(max(start_us, 1e-12), floor_us=floor_us, deadline=deadline)
    return proven, table is not None or np.isinf(proven)


def part_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """A bound from the ideals of part of the ops; the others' work has to fit into what time is left on the chips.

    Ops that are free to lie early or late beside many others make the ideals many; they are left out first.

    Args:
        graph: the graph.
        package: a package to which `applies`, with chips that are all alike.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, in µs, or None if it is no better than the one known, or the chips differ.
    """
    deadline = time.monotonic() + time_limit_s
    chosen = _part(graph, package, deadline)
    if chosen is None:
        return None
    ordered, ideals, outside_us = chosen
    if len(ordered.types.chip) > 1:
        return None
    family = ordered.pipelines(ideals, skipping=True, any_order=not hard(package, "acyclic_dataflow"))
    low, high, step = floor_us, np.inf, 0.02
    for _ in range(_STEPS):
        trial = low * (1 + step) if np.isinf(high) else (low + high) / 2
        if trial < low * (1 + _PRECISION):
            break
        slack = most_slack(family.loads, family.stages, trial, deadline)
        if slack is None:
            break
        if slack < outside_us * (1 - _ROUNDING):
            low, step = trial, 2 * step
        else:
            high = trial
    return low * (1 - _ROUNDING) if low > floor_us else None


def _part(graph: OpGraph, package: Package, deadline: float) -> tuple[Ordered, list[Ideal], float] | None:
    """The ops that few enough ideals order, those ideals, and the work of the other ops in µs."""
    work = op_time_us(graph, package).min(axis=1)
    gain = _beside(graph) / np.maximum(work + _LIGHT * float(work.mean()), np.finfo(float).tiny)
    ranked = np.argsort(np.where(graph.op_free, np.inf, -gain), kind="stable")
    fewest, most = 0, int((~graph.op_free).sum())
    limit = max(FEW_IDEALS, _IDEALS_PER_OP * most)
    found: tuple[Ordered, list[Ideal], float] | None = None
    while most - fewest > max(1, graph.n_ops // 200):
        count = (fewest + most) // 2
        left_out = np.zeros(graph.n_ops, dtype=bool)
        left_out[ranked[:count]] = True
        ordered = Ordered.of(graph, package, left_out=left_out)
        ideals = ordered.every_ideal(limit, deadline)
        if ideals is None:
            fewest = count
        else:
            most, found = count, (ordered, ideals, float(work[left_out].sum()))
        if time.monotonic() > deadline:
            break
    return found


def _beside(graph: OpGraph) -> IntArray:
    """Number of ops that take time and are neither before nor after each op, shape [op]."""
    before, after = [0] * graph.n_ops, [0] * graph.n_ops
    by_target = graph.edges[np.argsort(graph.edges[:, 1], kind="stable")].tolist()
    for source, target in by_target:
        before[target] |= before[source] | 1 << source
    for source, target in graph.edges[::-1].tolist():
        after[source] |= after[target] | 1 << target
    solid = sum(1 << op for op in np.flatnonzero(~graph.op_free).tolist())
    related = [(solid & (left | right)).bit_count() for left, right in zip(before, after, strict=True)]
    return np.asarray(solid.bit_count() - ~graph.op_free - np.array(related, dtype=np.int64))
