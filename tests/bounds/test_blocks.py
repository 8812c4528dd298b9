"""What one chip can hold, and the bounds from it, against every partition of small graphs."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.bounds.around import around_bound
from chipzinc.bounds.block import Blocks, Where
from chipzinc.bounds.bottleneck import three_block_bound
from chipzinc.bounds.packing import packing_bound
from chipzinc.bounds.prove import best_bound, bounds
from chipzinc.bounds.reach import reach_bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.importers.placement import import_placement
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.placement import placement_package
from chipzinc.ideals.pipelines import Ordered
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps, shortest
from tests.bounds.packages import IN_ORDER, OTHERS, in_another_unit
from tests.throughput.small import graph, graphs, package


def test_three_blocks_see_that_the_middle_has_to_receive_and_send() -> None:
    # a chain of six ops of 10 µs, each handing over 5 µs: three chips do 20 µs, and one of them at least 30
    model = graph([(op, [op + 1], 5) for op in range(5)], 6, flops=[10] * 6)
    on = package(chips=3, more="rules: [acyclic_dataflow]")
    assert shortest(model, on) == 30
    proven = three_block_bound(model, on, 0.0, 5)
    assert proven is not None
    assert 20 < proven <= 30


def test_a_chain_takes_as_many_blocks_as_its_transfers_leave_room_for() -> None:
    # ten ops of 10 µs that hand over 5 µs: on four chips one holds three of them, receives and sends
    model = graph([(op, [op + 1], 5) for op in range(9)], 10, flops=[10] * 10)
    on = package(chips=4, more="rules: [acyclic_dataflow]")
    proven = packing_bound(model, on, 25.0, 20)
    assert proven is not None
    assert 33 < proven <= shortest(model, on)


def test_blocks_begin_where_others_end() -> None:
    # the same chain; in 34 µs the first and the last chip hold two ops, and those between them 20 µs beside 10 µs
    model = graph([(op, [op + 1], 5) for op in range(9)], 10, flops=[10] * 10)
    on = package(chips=4, more="rules: [acyclic_dataflow]")
    assert shortest(model, on) == 35
    proven = reach_bound(model, on, 25.0, 20)
    assert proven is not None
    assert proven == pytest.approx(35, rel=0.005)
    assert proven < 35


def test_a_block_that_ends_at_a_cheap_place_leaves_the_next_to_begin_there() -> None:
    # every third transfer takes 1 µs, the others 8 µs: a chip has room for one and a half of the threes, no two do
    model = graph([(op, [op + 1], 1 if op % 3 == 2 else 8) for op in range(11)], 12, flops=[10] * 12)
    on = package(chips=3, more="rules: [acyclic_dataflow]")
    best = shortest(model, on)
    proven = [proof(model, on, 40.0, 10) or 40.0 for proof in (reach_bound, packing_bound)]
    assert proven[1] < proven[0] == pytest.approx(best, rel=0.005)
    assert proven[0] < best


def test_a_chip_receives_and_sends_what_its_items_do_whatever_else_it_holds() -> None:
    # op0 of 60 µs sends 40 µs; with all its followers, which send nothing, it takes 130 µs
    model = graph([(0, [1], 40), (1, [2], 40)], 3, flops=[60, 10, 60])
    on = package(chips=3, more="rules: [acyclic_dataflow]")
    assert around_bound(model, on, 1.0, 5) == pytest.approx(100, rel=1e-5)
    assert around_bound(model, on, 100.0, 5) is None


def test_links_carry_what_passes_over_a_block() -> None:
    # the link out of op1's chip carries op0's 30 bytes and op1's 20, which the chip sends 20 of
    model = graph([(0, [1, 2], 30), (1, [2], 20)], 3, flops=[1.0, 1.0, 1.0])
    on = package(chips=3, more="communication: overlapped\nrules: [acyclic_dataflow]")
    blocks = Blocks(Ordered.of(model, on))
    assert blocks.shortest_us(Where(inside=1, after=0, before=2), 5) == pytest.approx(50, rel=1e-4)
    assert ThroughputModel(model, on).evaluate(np.arange(3)).interval_us[0] == 50


def test_no_edge_passes_over_a_block_that_lies_beside_it() -> None:
    # a chip cannot hold op1 alone, or the edge from op0 to op2 would pass over it
    model = graph([(0, [1, 2], 5), (1, [2], 5)], 3, flops=[10] * 3)
    for rules, most in (("[acyclic_dataflow]", 10), ("[acyclic_dataflow, triangle_dependency]", 0)):
        blocks = Blocks(Ordered.of(model, package(chips=3, more=f"rules: {rules}")))
        assert blocks.heaviest_us(20.0, Where(inside=1), 5) == pytest.approx(most, abs=1e-3)
        assert blocks.heaviest_us(25.0, Where(inside=1), 5) == pytest.approx(20, abs=1e-3)


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(IN_ORDER + OTHERS[:4]), st.booleans(), st.sampled_from([1.0, 1e-6]))
def test_blocks_told_apart_by_checkpoints_hold_every_partition(
    model: OpGraph, on: Package, triangles: bool, scale: float
) -> None:
    rules = ("acyclic_dataflow", "triangle_dependency") if triangles else ("acyclic_dataflow",)
    on = dataclasses.replace(on, rules=on.rules + tuple(RuleUse(rule) for rule in rules))
    on = in_another_unit(on, scale)
    every = np.array(list(itertools.product(range(on.n_chips), repeat=model.n_ops)), dtype=np.int64)
    valid = every[keeps(model, on, every)]
    if triangles:
        edges = model.edges.tolist()
        valid = np.array([chips for chips in valid if not has_triangle(edges, chips.tolist())])
    best = ThroughputModel(model, on).evaluate(valid).interval_us.min() if len(valid) else np.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chipzinc.bounds.packing._FEWEST", 0)
        patch.setattr("chipzinc.bounds.checkpoints._SPACING", 0.0)
        patch.setattr("chipzinc.bounds.checkpoints._RELATED", 0.5)
        for proof in (reach_bound, packing_bound, around_bound, three_block_bound):
            try:
                value = proof(model, on, 1e-3 * scale, 3)
            except InfeasibleError:
                assert best == np.inf
                continue
            assert value is None or value <= best


def test_processors_of_the_host_send_nothing() -> None:
    nodes = [
        {"id": i, "supportedOnFpga": 1, "cpuLatency": 10, "fpgaLatency": 10, "isBackwardNode": 0, "size": 0}
        for i in range(4)
    ]
    edges = [{"sourceId": i, "destId": i + 1, "cost": 100} for i in range(3)]
    document = {"maxFPGAs": 0, "maxCPUs": 2, "maxSizePerFPGA": 1000, "nodes": nodes, "edges": edges}
    model, on = import_placement(document, Path("chain.json")), placement_package(document)
    assert best_bound(bounds(model, on)).value_us == pytest.approx(20)
    proven = around_bound(model, on, 1.0, 5)
    assert proven is not None
    assert proven <= 20


def test_an_op_that_no_chip_can_hold_with_what_it_ties_is_told() -> None:
    weights = [(600, [0]), (600, [1])]
    model = graph([(0, [1], 1)], 2, flops=[10, 10], weights=weights)
    use = RuleUse("colocated", parameters={"groups": [[*model.op_names]]})
    on = package(chips=3, sram="1000 B", more="rules: [acyclic_dataflow, memory_capacity]")
    on = dataclasses.replace(on, rules=(*on.rules, use))
    with pytest.raises(InfeasibleError, match="can hold"):
        around_bound(model, on, 1.0, 5)
