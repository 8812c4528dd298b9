"""The bound that needs no search."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.bounds.simple import simple_bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.yaml import parse_yaml
from chipzinc.throughput.model import ThroughputModel
from tests.throughput.small import graph, graphs, package, partitions

MIXED = """
name: mixed
chips:
  - {class: fast, count: 1, peak: 4 MOPS, sram: 1 kB, sram_bandwidth: 1 GB/s, efficiency: {matmul: 0.5}}
  - {class: slow, count: 2, peak: 1 MOPS, sram: 1 kB, sram_bandwidth: 1 GB/s, supported_kinds: [elementwise]}
topology: {kind: chain, link_bandwidth: 1 GB/s}
rules: [supported_kinds]
"""


def mixed(text: str = MIXED) -> Package:
    return build_package(parse_yaml(text))


@given(partitions())
def test_no_partition_is_faster_than_the_bound(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    assert ThroughputModel(model, on).evaluate(chip).interval_us[0] >= simple_bound(model, on).value_us


@given(graphs(), st.data())
def test_no_partition_of_a_mixed_package_is_faster_than_the_bound(model: OpGraph, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(["add", "matmul"]), min_size=model.n_ops, max_size=model.n_ops))
    model = dataclasses.replace(model, op_kinds=tuple(kinds))
    chip = [data.draw(st.integers(0, 2)) if kind == "add" or model.op_free[op] else 0 for op, kind in enumerate(kinds)]
    assert ThroughputModel(model, mixed()).evaluate(chip).interval_us[0] >= simple_bound(model, mixed()).value_us


def test_one_large_op_is_the_bound_where_it_outweighs_the_rest() -> None:
    bound = simple_bound(graph([], 3, flops=[90, 10, 10]), package())
    assert (bound.name, bound.value_us) == ("largest_op", 90)


def test_many_small_ops_are_spread_over_identical_chips() -> None:
    bound = simple_bound(graph([], 10, flops=[10] * 10), package())
    assert bound.name == "work"
    assert bound.value_us == pytest.approx(25, rel=1e-12)
    assert bound.value_us <= 25


def test_on_mixed_chips_the_work_is_spread_by_speed() -> None:
    every_kind = mixed(MIXED.replace(", supported_kinds: [elementwise]", ""))
    # 120 flops at 4 + 1 + 1 a µs
    assert simple_bound(graph([], 12, flops=[10] * 12), every_kind).value_us == pytest.approx(20)


def test_ops_go_only_where_a_hard_rule_lets_them() -> None:
    model = graph([], 6, flops=[10] * 6, kinds=["matmul"] * 5 + ["add"])
    assert simple_bound(model, mixed()).value_us == pytest.approx(5 * 10 / 2)
    soft = dataclasses.replace(mixed(), rules=(RuleUse("supported_kinds", soft_weight=1.0),))
    assert simple_bound(model, soft).value_us < 5 * 10 / 2


def test_an_op_that_fits_no_chip_is_named() -> None:
    only_slow = MIXED.replace("count: 1, peak: 4 MOPS", "count: 1, supported_kinds: [conv], peak: 4 MOPS")
    with pytest.raises(InfeasibleError, match="no chip can run the op 'op1' of kind 'matmul'") as caught:
        simple_bound(graph([], 2, kinds=["add", "matmul"]), mixed(only_slow))
    assert (caught.value.rule, caught.value.op) == ("supported_kinds", "op1")


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_the_work_bound_on_mixed_chips_is_the_linear_program(n_ops: int, seed: int) -> None:
    from scipy.optimize import linprog

    model = graph([], n_ops, flops=np.random.default_rng(seed).integers(1, 50, n_ops).tolist())
    on = mixed(MIXED.replace(", supported_kinds: [elementwise]", ""))
    time = ThroughputModel(model, on).op_time_us
    loads = np.zeros((3, n_ops * 3 + 1))
    whole = np.zeros((n_ops, n_ops * 3 + 1))
    for op in range(n_ops):
        for chip in range(3):
            loads[chip, op * 3 + chip], whole[op, op * 3 + chip] = time[op, chip], 1
    loads[:, -1] = -1
    goal = np.append(np.zeros(n_ops * 3), 1)
    solved = linprog(goal, A_ub=loads, b_ub=np.zeros(3), A_eq=whole, b_eq=np.ones(n_ops))
    largest = time.min(axis=1).max()
    assert simple_bound(model, on).value_us == pytest.approx(max(solved.fun, largest), rel=1e-6)
