"""Judgements: who is to blame, and what can be said of a design of which ops are open."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.designs.judgement import Fault, judge_design
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.designs.problems import random_graph, seed_package, valid_partitions, violations
from tests.throughput.small import graph

CHAIN = graph([(op, [op + 1] if op < 4 else [], 1) for op in range(5)], 5)


def key(fault: Fault) -> tuple[str, tuple[int, ...]]:
    """What `violations` calls the instance."""
    witness, rule = fault.witness, fault.violation.rule
    match rule:
        case "acyclic_dataflow":
            return rule, witness.ops
        case "triangle_dependency":
            return rule, (witness.chips[0], witness.chips[-1])
    return rule, witness.chips[:1]


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 200))])
def test_culprits_are_those_of_the_rules_written_with_loops(seed: int, session: Session) -> None:
    rng = np.random.default_rng(seed)
    model, chips = random_graph(12, rng), seed_package(chips=4, sram="90 B")
    partition = rng.integers(0, 4, model.n_ops)
    found = judge_design(session, model, chips, selected_rules(chips), partition)
    static = [fault for fault in found.faults if fault.violation.overflow is None]
    assert {key(fault) for fault in static} == violations(model, chips, partition)
    assert len(static) == len({key(fault) for fault in static})


@pytest.mark.parametrize("seed", range(2))
def test_a_part_is_to_blame_only_if_no_choice_for_the_open_ops_mends_it(seed: int, session: Session) -> None:
    rng = np.random.default_rng(seed)
    model, chips = random_graph(5, rng), seed_package(sram="70 B")
    design = np.where(rng.random(5) < 0.4, -1, rng.integers(0, 3, 5))
    design[0] = -1
    found = judge_design(session, model, chips, selected_rules(chips), design)
    completions = [p for p in valid_partitions(session, model, chips) if ((design < 0) | (p == design)).all()]
    assert found.n_open == int((design < 0).sum())
    assert found.valid or not completions


def test_an_edge_with_both_ends_given_is_judged_though_other_ops_are_open(session: Session) -> None:
    found = judge_design(session, CHAIN, seed_package(), selected_rules(seed_package()), np.array([-1, 2, 1, -1, -1]))
    (fault,) = found.faults
    assert (fault.violation.rule, fault.witness.ops) == ("acyclic_dataflow", (1, 2))
    assert (fault.witness.demand, fault.witness.limit, fault.witness.excess) == (2, 1, 1)


def test_a_chip_without_ops_is_no_violation_while_an_op_is_open(session: Session) -> None:
    rules = selected_rules(seed_package())
    assert judge_design(session, CHAIN, seed_package(), rules, np.array([0, -1, 2, 2, 2])).valid
    assert not judge_design(session, CHAIN, seed_package(), rules, np.array([0, 2, 2, 2, 2])).valid


def test_a_longer_walk_is_told_chip_by_chip(session: Session) -> None:
    model = graph([(0, [1, 3], 1), (1, [2], 1), (2, [3], 1), (3, [], 1)], 4)
    chips = seed_package(chips=3)
    found = judge_design(session, model, chips, selected_rules(chips), np.array([0, 1, 1, 2]))
    (fault,) = found.faults
    assert fault.witness.text == "op3 (chip 2) reads from chip 0 and chip 1, and 0 feeds 1 feeds 2"
    assert set(fault.witness.ops) == {0, 1, 2, 3}


def test_too_much_memory_is_told_in_bytes_with_the_heaviest_first(session: Session) -> None:
    model = graph([(0, [1], 10), (1, [], 10)], 2, weights=[(50, [0]), (60, [1])])
    chips = seed_package(sram="100 B")
    found = judge_design(session, model, chips, selected_rules(chips), np.array([0, 0]))
    fault = found.faults[0]
    assert (fault.violation.rule, fault.witness.demand, fault.witness.limit) == ("memory_capacity", 130, 100)
    assert (fault.witness.excess, fault.witness.unit, set(fault.witness.ops)) == (30, "bytes", {0, 1})


@pytest.mark.parametrize("seed", range(2))
def test_what_is_called_hereditary_is_kept_by_every_part_of_a_partition_that_keeps_it(
    seed: int, session: Session
) -> None:
    rng = np.random.default_rng(seed)
    model, chips = random_graph(6, rng), seed_package(sram="90 B")
    rules = selected_rules(chips)
    for partition in rng.permutation(valid_partitions(session, model, chips))[:3]:
        part = np.where(rng.random(6) < 0.5, -1, partition)
        assert judge_design(session, model, chips, rules, part).valid
    (verdict,) = verify(session, model, chips, rules, np.array([[2, 1, 0, 2, 1, 0]]))
    assert not verdict.valid
