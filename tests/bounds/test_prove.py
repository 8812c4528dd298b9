"""Every bound against every partition of small graphs that keeps the rules, on every kind of package."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.bounds.bottleneck import three_block_bound
from chipzinc.bounds.ideals import ideals_bound, part_bound
from chipzinc.bounds.joins import join_bound
from chipzinc.bounds.memory import memory_bound
from chipzinc.bounds.prove import best_bound, bounds, prove_long
from chipzinc.bounds.reach import reach_bound
from chipzinc.bounds.simple import simple_bound
from chipzinc.bounds.skips import skip_bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.importers.placement import import_placement
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.placement import placement_package
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps, shortest
from tests.bounds.packages import IN_ORDER, OTHERS, in_another_unit
from tests.throughput.small import graph, graphs, package

INPUTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "placement"


def kinds_for(model: OpGraph, data: st.DataObject) -> OpGraph:
    kinds = data.draw(st.lists(st.sampled_from(["add", "matmul"]), min_size=model.n_ops, max_size=model.n_ops))
    return dataclasses.replace(model, op_kinds=tuple(kinds))


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(IN_ORDER + OTHERS), st.data())
def test_no_partition_that_keeps_the_rules_is_faster_than_any_bound(
    model: OpGraph, on: Package, data: st.DataObject
) -> None:
    model = kinds_for(model, data)
    best = shortest(model, on)
    try:
        found = bounds(model, on, time_limit_s=5)
    except InfeasibleError:
        assert best == np.inf
        return
    assert all(bound.value_us <= best for bound in found)


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(IN_ORDER))
def test_where_each_chip_feeds_the_next_the_chain_of_ideals_is_the_optimum(model: OpGraph, on: Package) -> None:
    model = dataclasses.replace(model, op_free=np.zeros(model.n_ops, dtype=bool))
    best = shortest(model, on)
    if best == np.inf:
        with pytest.raises(InfeasibleError):
            bounds(model, on)
        return
    assert best_bound(bounds(model, on)).value_us == pytest.approx(best, rel=1e-6)


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6), st.sampled_from(IN_ORDER[:1] + OTHERS[:3]))
def test_no_partition_is_shorter_than_the_bounds_for_larger_graphs(model: OpGraph, on: Package) -> None:
    best = shortest(model, on)
    for proof in (part_bound, three_block_bound):
        value = proof(model, on, 1e-3, 5)
        assert value is None or value <= best


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6))
def test_chains_without_triangles_are_the_optimum_under_all_four_rules(model: OpGraph) -> None:
    model = dataclasses.replace(model, op_free=np.zeros(model.n_ops, dtype=bool))
    more = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
    on = package("kind: ring-one-way", chips=4, sram="2 kB", more=more)
    every = np.array(list(itertools.product(range(4), repeat=model.n_ops)), dtype=np.int64)
    edges = model.edges.tolist()
    valid = [chips for chips in every[keeps(model, on, every)] if not has_triangle(edges, chips.tolist())]
    best = float(ThroughputModel(model, on).evaluate(np.array(valid)).interval_us.min())
    assert best_bound(bounds(model, on)).value_us == pytest.approx(best, rel=1e-6)


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(["ring-one-way", "ring-two-way"]))
def test_no_partition_is_shorter_than_what_lies_beside_edges(model: OpGraph, kind: str) -> None:
    on = package(f"kind: {kind}", chips=4, more="rules: [acyclic_dataflow, triangle_dependency]")
    every = np.array(list(itertools.product(range(4), repeat=model.n_ops)), dtype=np.int64)
    edges = model.edges.tolist()
    valid = [chips for chips in every[keeps(model, on, every)] if not has_triangle(edges, chips.tolist())]
    value = skip_bound(model, on, 5)
    assert value is None or value <= ThroughputModel(model, on).evaluate(np.array(valid)).interval_us.min()


def test_two_skips_that_meet_share_three_chips() -> None:
    # op0 feeds a chain of four and its end, and so does that end: eleven ops on three chips, six of them on two
    chains = [(0, [1, 5], 1), *((op, [op + 1], 1) for op in range(1, 5))]
    model = graph([*chains, (5, [6, 10], 1), *((op, [op + 1], 1) for op in range(6, 10))], 11, flops=[90] * 11)
    on = package(chips=8, more="rules: [acyclic_dataflow, triangle_dependency]")
    assert skip_bound(model, on, 5) == pytest.approx(330)


def test_what_lies_beside_a_long_skip_shares_two_chips() -> None:
    # op0 feeds a chain of four and the end of it: the chain is on the chip where the skip starts or where it ends
    model = graph([(0, [1, 5], 1), *((op, [op + 1], 1) for op in range(1, 5))], 6, flops=[90] * 6)
    four = [RuleUse(rule) for rule in ("acyclic_dataflow", "triangle_dependency")]
    on = dataclasses.replace(package(chips=6), rules=tuple(four))
    proven = {bound.name: bound.value_us for bound in bounds(model, on)}
    assert proven["skips"] == pytest.approx(270)
    assert skip_bound(model, dataclasses.replace(on, rules=(RuleUse("acyclic_dataflow"),)), 5) is None
    chain = ideals_bound(model, on, 90, 5)
    assert chain is not None
    assert chain < 95
    assert 270 < proven["ideals_without_triangles"] < 275


def unrolled(step_us: float, head_us: float, join_us: float, handed: int, read: int) -> OpGraph:
    """Three steps in a row, each read by a head, and a join that reads the heads."""
    heads = [(step, [*([step + 1] if step < 2 else []), step + 3], handed) for step in range(3)]
    return graph(
        [*heads, *((head, [6], read) for head in (3, 4, 5))], 7, flops=[step_us] * 3 + [head_us] * 3 + [join_us]
    )


def shortest_without_triangles(model: OpGraph, on: Package) -> float:
    every = np.array(list(itertools.product(range(on.n_chips), repeat=model.n_ops)), dtype=np.int64)
    valid = every[keeps(model, on, every)]
    interval = ThroughputModel(model, on).evaluate(valid).interval_us
    edges = model.edges.tolist()
    best = (place for place in np.argsort(interval) if not has_triangle(edges, valid[place].tolist()))
    return float(interval[next(best)])


@pytest.mark.parametrize(
    ("times", "best", "proven"),
    [((20, 60, 10, 1, 10), 92, 90.5), ((40, 60, 10, 1, 20), 122, 110.5), ((60, 40, 10, 1, 30), 123, 121.5)],
)
def test_a_join_leaves_its_feeders_chips_little_else_to_do(
    times: tuple[int, int, int, int, int], best: float, proven: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipzinc.bounds.joins._FEWEST_FEEDERS", 3)
    model, rules = unrolled(*times), "rules: [acyclic_dataflow, triangle_dependency]"
    on = package(more=rules)
    assert shortest_without_triangles(model, on) == best
    share = float(np.sum(model.op_flops)) / 4
    assert proven < (join_bound(model, on, share, 10) or 0.0) <= best
    assert join_bound(model, on, best, 10) is None
    assert join_bound(model, package(more="rules: [acyclic_dataflow]"), share, 10) is None
    assert join_bound(model, package("kind: chain", more=f"communication: overlapped\n{rules}"), share, 10) is not None


def test_a_language_model_s_logits_fill_their_chips_badly() -> None:
    # two of 20.28 µs that send for 1.25 fit a chip in less than 64.59 µs, and partitions of 64.79 are known
    proven = join_bound(load_zoo_graph("elman-lm"), load_spec("mcm16-ring"), 60.6, 20)
    assert proven is not None
    assert 64.4 < proven < 64.79


@settings(deadline=None, max_examples=80)
@given(
    st.one_of(
        graphs(max_ops=6),
        st.builds(unrolled, *(st.integers(1, 60) for _ in range(3)), *(st.integers(0, 30) for _ in range(2))),
    ),
    st.sampled_from([IN_ORDER[0], *OTHERS[:2], package(), package(more="communication: overlapped")]),
    st.sampled_from([1.0, 1e-6]),
)
def test_no_partition_without_triangles_is_faster_than_what_joins_prove(
    model: OpGraph, on: Package, scale: float
) -> None:
    rules = tuple(RuleUse(rule) for rule in ("acyclic_dataflow", "triangle_dependency"))
    on = in_another_unit(dataclasses.replace(on, rules=rules), scale)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chipzinc.bounds.joins._FEWEST_FEEDERS", 2)
        value = join_bound(model, on, 1e-3 * scale, 5)
    assert value is None or value <= shortest_without_triangles(model, on)


def test_work_left_out_of_the_ideals_still_has_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    # five parallel ops beside a chain of three, 80 µs on two chips; the five alone would make 32 times the ideals
    monkeypatch.setattr("chipzinc.bounds.ideals.FEW_IDEALS", 4)
    model = graph([(0, [1], 1), (1, [2], 1)], 8, flops=[10] * 8)
    on = package(chips=2, more="rules: [acyclic_dataflow]")
    value = part_bound(model, on, 20.0, 5)
    assert value == pytest.approx(shortest(model, on), rel=2e-3)


def test_views_beside_an_op_are_no_reason_to_leave_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # a chain that no cut may pass through, with eight views of what its first op writes, and three loose ops
    monkeypatch.setattr("chipzinc.bounds.ideals.FEW_IDEALS", 4)
    views = list(range(7, 15))
    rows = [(0, [1, *views], 100), (1, [2], 100), (2, [3], 100)]
    model = graph(rows, 15, flops=[10] * 7 + [0] * 8, free=tuple(views))
    on = package(chips=2, more="rules: [acyclic_dataflow]")
    assert part_bound(model, on, 35.0, 5) == pytest.approx(shortest(model, on), rel=2e-3)


def test_a_weight_that_fills_its_chip_leaves_the_work_to_the_others() -> None:
    # the first op's chip holds nothing else; 900 µs of work are left for two chips, not three
    weights = [(1000, [0]), (20, [1]), (20, [2]), (20, [3])]
    model = graph([], 4, flops=[200, 300, 300, 300], weights=weights)
    on = package(chips=3, more="rules: [memory_capacity]")
    assert memory_bound(model, on) == pytest.approx(450)
    assert shortest(model, on) == 600
    soft = dataclasses.replace(on, rules=(dataclasses.replace(on.rules[0], soft_weight=1.0),))
    assert memory_bound(model, soft) == 0


def test_an_op_larger_than_every_chip_is_named() -> None:
    model = graph([], 2, weights=[(2000, [1])])
    on = package(chips=3, more="rules: [memory_capacity]")
    with pytest.raises(InfeasibleError, match="'op1' fits no chip: it needs 2,000 bytes") as caught:
        bounds(model, on)
    assert (caught.value.rule, caught.value.op) == ("memory_capacity", "op1")


def test_weights_larger_than_all_chips_are_refused() -> None:
    on = package(chips=2, more="rules: [memory_capacity]")
    with pytest.raises(InfeasibleError, match="all chips together"):
        bounds(graph([], 3, weights=[(800, [0]), (800, [1]), (800, [2])]), on)


def test_without_an_order_of_chips_only_sums_are_bounds() -> None:
    names = {bound.name for bound in bounds(graph([(0, [1], 5)], 2, flops=[3, 4]), package())}
    assert names == {"largest_op", "work"}


@pytest.mark.parametrize(("workload", "optimum"), [("bert24_inference", 17.790), ("resnet50_training", 78.632)])
def test_the_largest_load_of_a_real_profile_has_its_published_optimum(workload: str, optimum: float) -> None:
    if not INPUTS.is_dir():
        pytest.skip("the placement inputs are not here")
    file = INPUTS / f"{workload}.json"
    document = json.loads(file.read_text())
    model, on = import_placement(document, file), placement_package(document, file)
    assert ideals_bound(model, on, 1.0, 60) == pytest.approx(optimum, abs=5e-4)


def test_proofs_slacken_where_chips_reach_as_far_as_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chipzinc.bounds.prove._BY_BLOCKS", (("reach", reach_bound, 0.9),))
    # without transfers, work alone is the bound; of too many items, blocks are not looked at
    for size, most, slackened in ((5, 10, False), (0, 10, True), (5, 9, True)):
        monkeypatch.setattr("chipzinc.bounds.block._MOST_ITEMS", most)
        calls: list[None] = []
        model = graph([(op, [op + 1], size) for op in range(9)], 10, flops=[10] * 10)
        on = package(chips=5, more="rules: [acyclic_dataflow]")
        known = simple_bound(model, on).value_us
        proven = list(prove_long(model, on, known, False, 10, lambda calls=calls: calls.append(None)))
        assert ("reach" in [bound.name for bound in proven]) is not slackened
        assert len(calls) == slackened
