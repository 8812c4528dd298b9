"""Witnesses of rules about paths, cycles, kinds and numbers of ops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from chipzinc.designs.witness import Scene, witness
from chipzinc.graph.opgraph import OpGraph
from tests.graph.graphs import graphs
from tests.rules.oracle import Small, acyclic_quotient, contiguous
from tests.throughput.small import graph, package


def scene(model: OpGraph, chips: list[int], **parameters: dict[str, int]) -> Scene:
    return Scene(model, package(chips=4), np.array(chips), np.zeros(model.n_ops, dtype=np.int64), parameters)


def chain(n_ops: int) -> OpGraph:
    return graph([(op, [op + 1] if op + 1 < n_ops else [], 1) for op in range(n_ops)], n_ops)


def test_a_path_that_returns_is_shown_from_where_it_leaves() -> None:
    found = witness(scene(chain(5), [0, 0, 1, 2, 0]), "contiguous", 1, "chip 0")
    assert found.ops == (1, 2, 3, 4)
    assert found.text.endswith("op1 (chip 0) -> op2 (chip 1) -> op3 (chip 2) -> op4 (chip 0)")


def test_a_cycle_of_chips_is_shown_with_the_ops_that_make_it() -> None:
    crossed = graph([(0, [1], 1), (2, [3], 1)], 4)
    found = witness(scene(crossed, [0, 1, 1, 0]), "acyclic_quotient", 1, "chip 0")
    assert (found.text, found.ops) == ("chips feed one another: 0 feeds 1 feeds 0", (0, 1, 2, 3))


def test_an_op_that_its_chip_cannot_run_is_told_with_its_kind() -> None:
    found = witness(scene(graph([], 1, kinds=["softmax"]), [2]), "supported_kinds", 1, "op0")
    assert (found.text, found.ops, found.chips) == ("op0 (chip 2) is of kind softmax, which c cannot run", (0,), (2,))


def test_a_crowded_chip_is_told_with_demand_and_limit_and_the_least_reluctant_ops() -> None:
    crowded = replace(scene(chain(4), [1, 1, 1, 1], max_ops_per_chip={"limit": 2}), reluctance=np.array([9, 0, 0, 0]))
    found = witness(crowded, "max_ops_per_chip", 2, "chip 1")
    assert (found.demand, found.limit, found.excess, found.unit) == (4, 2, 2, "ops")
    assert found.ops == (1, 2, 3)


@settings(max_examples=150)
@given(graphs(max_ops=8))
def test_the_ops_of_a_witness_alone_still_violate_the_rule(model: OpGraph) -> None:
    chips = np.random.default_rng(model.n_ops + len(model.edges)).integers(0, 3, model.n_ops).tolist()
    small = Small(model.n_ops, tuple(map(tuple, model.edges.tolist())), 4, ())
    for rule, oracle in (("contiguous", contiguous), ("acyclic_quotient", acyclic_quotient)):
        for label in oracle(small, chips):
            ops = set(witness(scene(model, chips), rule, int(label.split()[-1]) + 1, label).ops)
            kept = tuple(edge for edge in small.edges if set(edge) <= ops)
            assert label in oracle(replace(small, edges=kept), chips)
