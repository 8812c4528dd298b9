"""What the slices keep and how good they are, on small graphs against every partition."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.graph.coarsen import Coarsening, gather
from chipzinc.graph.importers.placement import import_placement
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.hints import search
from chipzinc.hints.genetic import evolve
from chipzinc.hints.search import best_slices, quick_slice
from chipzinc.hints.sources import HintContext
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps, shortest
from tests.bounds.packages import OTHERS, RULES
from tests.bounds.test_prove import INPUTS
from tests.throughput.small import graph, graphs, package

RING = package("kind: ring-one-way", chips=3, sram="2 kB", more=RULES)
TRIANGLE = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
STRICT = package("kind: ring-one-way", chips=4, sram="2 kB", more=TRIANGLE)


def context(model: OpGraph, on: Package, *, no_jumps: bool = False) -> HintContext:
    return HintContext(model, on, Coarsening.identity(model), no_jumps=no_jumps)


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6))
def test_where_each_chip_feeds_the_next_the_best_slices_are_the_optimum(model: OpGraph) -> None:
    model = dataclasses.replace(model, op_free=np.zeros(model.n_ops, dtype=bool))
    found = best_slices(context(model, RING), 5.0)
    memory = ThroughputModel(model, RING).memory
    if found and not memory.overflows(found[0][1]):
        assert found[0][0] >= shortest(model, RING) * (1 - 1e-9)
    if found and found[0][0] > shortest(model, RING) * (1 + 1e-9):
        # only memory over time may stand in the way of the optimum
        every = np.array(list(itertools.product(range(3), repeat=model.n_ops)))
        every = every[keeps(model, RING, every)]
        better = every[ThroughputModel(model, RING).evaluate(every).interval_us < found[0][0] * (1 - 1e-9)]
        assert all(memory.overflows(chips) for chips in better)


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6), st.sampled_from([RING, STRICT, *OTHERS[:3], OTHERS[4]]))
def test_slices_keep_the_rules_they_look_at(model: OpGraph, on: Package) -> None:
    rules = {rule.name for rule in on.rules}
    triangle = "triangle_dependency" in rules
    for interval, chips in best_slices(context(model, on, no_jumps=triangle), 0.2):
        assert keeps(model, on, chips[None])[0]
        assert interval == ThroughputModel(model, on).evaluate(chips).interval_us[0]
        assert not ThroughputModel(model, on).memory.overflows(chips) or "memory_capacity" not in rules
        assert not triangle or not has_triangle(model.edges.tolist(), chips.tolist())


def test_the_quick_slice_of_two_orders_is_better_than_either_branch_first() -> None:
    # two branches of 30 and 10+10+10 from one op; numbered so that cutting the numbering is no good
    model = graph([(0, [1, 2], 1), (2, [3], 1), (3, [4], 1)], 5, flops=[1, 30, 10, 10, 10])
    chips = quick_slice(context(model, package(chips=2, more="rules: [acyclic_dataflow]")))
    assert chips is not None
    assert len(set(chips[2:].tolist())) == 1
    assert chips[1] != chips[2]


def test_single_ops_are_sliced_where_they_have_too_many_ideals_to_look_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_IDEALS", 3)
    monkeypatch.setattr(search, "may_shift", lambda package: False)
    model = graph([(0, [1], 0), (1, [2], 0), (2, [3], 0)], 4, flops=[10, 20, 20, 10])
    on = package("kind: ring-one-way", chips=2, more=RULES)
    groups = gather(model, np.array([0, 1, 1, 2]), np.array([10.0, 20.0, 20.0, 10.0]))
    interval, chips = best_slices(HintContext(model, on, groups, no_jumps=False), 2.0)[0]
    assert chips.tolist() == [0, 0, 1, 1]
    assert interval < ThroughputModel(model, on).evaluate(np.array([0, 0, 0, 1])).interval_us[0]


def test_nothing_fits_chips_without_memory() -> None:
    on = package(chips=2, sram="5 B", more="rules: [memory_capacity]")
    assert quick_slice(context(graph([(0, [1], 9)], 2), on)) is None
    assert best_slices(context(graph([(0, [1], 9)], 2), on), 1.0) == []


def test_pinned_ops_stay_where_they_are_pinned() -> None:
    rules = "rules: [acyclic_dataflow, {name: pinned, parameters: {pins: {op1: 2}}}]"
    model = graph([(0, [1], 1), (1, [2], 1)], 3, flops=[10, 10, 10])
    for _, chips in best_slices(context(model, package(chips=3, more=rules)), 1.0):
        assert chips[1] == 2


def test_colocated_ops_share_a_chip_with_all_between_them() -> None:
    rules = "rules: [acyclic_dataflow, {name: colocated, parameters: {groups: [[op0, op2]]}}]"
    model = graph([(0, [1], 1), (1, [2], 1), (2, [3], 1)], 4, flops=[10] * 4)
    found = best_slices(context(model, package(chips=3, more=rules)), 1.0)
    assert found[0][0] == 31
    assert len(set(found[0][1][:3].tolist())) == 1


def ladder(steps: int) -> OpGraph:
    """Chains of cells whose every output is scored, and all scores are gathered at the end."""
    cells = [(at, [at + 1, steps + at] if at + 1 < steps else [steps + at], 1) for at in range(steps)]
    scores = [(steps + at, [2 * steps], 1) for at in range(steps)]
    return graph([*cells, *scores], 2 * steps + 1, flops=[4] * steps + [40] * steps + [1])


@pytest.mark.slow
def test_scores_of_a_recurrent_network_spread_over_chips_that_edges_pass_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "_SHAKES", 5)
    on = package("kind: ring-one-way", chips=6, sram="2 kB", more=TRIANGLE)
    model = ladder(8)
    found = best_slices(context(model, on, no_jumps=True), 20.0)
    quick = quick_slice(context(model, on, no_jumps=True))
    assert quick is not None
    assert found[0][0] < 0.75 * ThroughputModel(model, on).evaluate(quick).interval_us[0]
    assert not has_triangle(model.edges.tolist(), found[0][1].tolist())


def test_ctrl_c_ends_the_search_with_what_it_has() -> None:
    def pressed() -> float:
        raise KeyboardInterrupt

    on = package("kind: ring-one-way", chips=6, sram="2 kB", more=TRIANGLE)
    given = context(ladder(8), on, no_jumps=True)
    told: list[bool] = []
    found = best_slices(given, 20.0, bound_us=pressed, interrupted=lambda: told.append(True))
    assert (len(told), len(found) > 0) == (1, True)
    with pytest.raises(KeyboardInterrupt):
        best_slices(given, 20.0, bound_us=pressed)


def test_the_same_seed_evolves_the_same_ever_cheaper_orders() -> None:
    pairs = np.array([(0, 5), (2, 5)], dtype=np.int64)
    wanted = np.random.default_rng(1).permutation(9)

    def cost(order: IntArray) -> float:
        return float(np.abs(np.argsort(order) - wanted).sum())

    runs = [list(evolve(pairs, [np.arange(9)], cost, generations=15, deadline=np.inf, seed=3)) for _ in range(2)]
    costs = [value for value, _ in runs[0]]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]
    assert [order.tolist() for _, order in runs[0]] == [order.tolist() for _, order in runs[1]]
    assert all(np.argsort(order)[5] > np.argsort(order)[[0, 2]].max() for _, order in runs[0])


@pytest.mark.parametrize(("workload", "load"), [("bert24_inference", 17.790), ("resnet50_training", 78.632)])
def test_a_real_profile_is_split_as_well_as_published(workload: str, load: float) -> None:
    if not INPUTS.is_dir():
        pytest.skip("the placement inputs are not here")
    file = INPUTS / f"{workload}.json"
    document = json.loads(file.read_text())
    model, on = import_placement(document, file), placement_package(document, file)
    assert best_slices(context(model, on), 10.0)[0][0] == pytest.approx(load, abs=5e-4)
