"""Pipelines made by filling chips, against the rules' definitions."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hints.filling import Filler
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import HintContext
from chipzinc.ideals.lattice import prefixes
from chipzinc.ideals.orders import priorities, several
from chipzinc.ideals.pipelines import Ordered
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps
from tests.bounds.packages import OTHERS
from tests.throughput.small import graph, graphs, package

RULES = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
PACKAGES = [
    package("kind: ring-one-way", chips=4, sram="900 B", more=RULES),
    package("kind: chain", chips=4, sram="900 B", more=f"communication: overlapped\n{RULES}"),
    package("kind: ring-two-way", chips=4, sram="900 B", more=RULES),
    OTHERS[4],
]


def filled(model: OpGraph, on: Package, limit_us: float) -> list[int] | None:
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    ranks = priorities(ordered.items)
    found = Filler(ordered).find(limit_us, ranks, np.ones(len(ranks)), 3, math.inf)
    chips: list[int] | None = None if found is None else ordered.chips(found).tolist()
    return chips


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(PACKAGES), st.sampled_from([1.1, 1.5, 3.0]))
def test_filled_chips_keep_the_rules_and_the_interval(model: OpGraph, on: Package, factor: float) -> None:
    limit = Filler(Ordered.of(model, on)).floor_us * factor
    chips = filled(model, on, limit)
    if chips is not None:
        assert keeps(model, on, np.array([chips]))[0]
        assert not has_triangle(model.edges.tolist(), chips)
        assert ThroughputModel(model, on).evaluate(np.array([chips])).chip_us.max() <= limit * (1 + 1e-9)


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6))
def test_one_chip_takes_all_where_all_fits(model: OpGraph) -> None:
    on = package("kind: ring-one-way", chips=2, sram="9 kB", more=RULES)
    assert filled(model, on, Filler(Ordered.of(model, on)).ceiling_us * (1 + 1e-9)) == [0] * model.n_ops


def unrolled(steps: int, step: float, score: float) -> OpGraph:
    """A recurrence whose every step is scored, and the scores gathered."""
    tensors = []
    for number in range(steps):
        readers = [steps + number] + ([number + 1] if number + 1 < steps else [])
        tensors.append((number, readers, 1))
    tensors += [(steps + number, [2 * steps], 1) for number in range(steps)]
    return graph(tensors, 2 * steps + 1, flops=[step] * steps + [score] * steps + [1])


def test_steps_whose_scores_are_gathered_are_cut_where_the_scores_are() -> None:
    model = unrolled(6, 10, 10)
    on = package("kind: ring-one-way", chips=7, sram="9 kB", more=RULES)
    (interval, found), *_ = best_slices(HintContext(model, on, Coarsening.identity(model)), 2.0)
    assert not has_triangle(model.edges.tolist(), found.tolist())
    chips = filled(model, on, 30)  # three chips of two steps, three of two scores, one that gathers
    assert chips is not None
    assert interval <= 30
    nearest = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    for order in several(nearest.items):  # no slices whose edges pass over no chip come as near
        value, _ = nearest.pipelines(prefixes(order), no_jumps=True).shortest(30.0)
        assert value > 30
