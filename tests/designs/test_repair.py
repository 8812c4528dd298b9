"""Repair: its answer is valid, no valid partition is nearer, and what is pinned stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from chipzinc.designs.completion import prices
from chipzinc.designs.part import mend_part
from chipzinc.designs.repair import repair
from chipzinc.errors import InfeasibleError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HintContext, slice_hint
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Event, Session, SolveRequest
from chipzinc.verify import verify
from tests.designs.problems import least_change, random_graph, seed_package, task_of, valid_partitions
from tests.throughput.small import graph

CHAIN = graph([(op, [op + 1] if op < 4 else [], 1) for op in range(5)], 5)


@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))])
def test_no_valid_partition_is_nearer_than_the_one_that_is_proven_nearest(seed: int, session: Session) -> None:
    rng = np.random.default_rng(seed)
    model, chips = random_graph(5, rng), seed_package(sram="70 B")
    design = rng.integers(-1, 3, 5) if seed % 2 else rng.integers(0, 3, 5)
    known = valid_partitions(session, model, chips)
    found = repair(session, task_of(model, chips, design), Coarsening.identity(model))
    assert found.verdict.valid
    assert found.proven
    assert found.cost == least_change(known, design)
    assert any((found.chips == partition).all() for partition in known)


def test_a_valid_design_comes_back_unchanged(session: Session) -> None:
    design = np.array([0, 0, 1, 1, 2])
    found = repair(session, task_of(CHAIN, seed_package(), design), Coarsening.identity(CHAIN))
    assert (found.chips == design).all()
    assert (found.cost, found.bound) == (0, 0)


def test_pinned_ops_stay_though_moving_one_would_be_less(session: Session) -> None:
    design = [1, 0, 0, 0, 0]
    free = repair(session, task_of(CHAIN, seed_package(), design), Coarsening.identity(CHAIN))
    assert (free.cost, free.chips[0]) == (1, 0)
    # op0 stays on chip 1, so all that follows it is there or later, and nothing is left for chip 0
    with pytest.raises(InfeasibleError, match="keeps the 1 pinned ops"):
        repair(session, task_of(CHAIN, seed_package(), design, pinned=[0]), Coarsening.identity(CHAIN))


def test_pins_that_clash_are_proven_to_allow_nothing(session: Session) -> None:
    with pytest.raises(InfeasibleError):
        repair(session, task_of(CHAIN, seed_package(), [2, 0, -1, -1, -1], pinned=[0, 1]), Coarsening.identity(CHAIN))


def test_open_ops_cost_nothing_wherever_they_go(session: Session) -> None:
    found = repair(session, task_of(CHAIN, seed_package(), [0, -1, -1, -1, 2]), Coarsening.identity(CHAIN))
    assert found.cost == 0
    assert (found.chips[0], found.chips[4]) == (0, 2)


def test_of_two_ops_that_could_move_the_cheaper_does(session: Session) -> None:
    model = graph([(0, [1], 1)], 2, weights=[(50, [0]), (5, [1])])
    task = task_of(model, seed_package(rules="rules: [acyclic_dataflow]"), [1, 0])
    dear = replace(task, price=prices(model, task.package, "bytes"))
    found = repair(session, dear, Coarsening.identity(model))
    assert found.moved.tolist() == [False, True]
    assert found.cost == found.bound == dear.price[1] < dear.price[0]


def test_memory_over_time_is_kept_where_the_rule_file_sees_no_excess(session: Session) -> None:
    # while op2 runs, the results of op0, op1 and op2 are alive: 120 bytes; no op reads and writes more than 80
    model = graph([(0, [3], 40), (1, [2], 40), (2, [3], 40)], 4)
    chips = seed_package(sram="100 B", rules="rules: [acyclic_dataflow, memory_capacity]")
    design = np.zeros(4, dtype=np.int64)
    found = repair(session, task_of(model, chips, design), Coarsening.identity(model))
    assert found.task.live_sets
    assert found.cost == least_change(valid_partitions(session, model, chips), design) > 0


@pytest.mark.parametrize("name", ["lenet5", pytest.param("resnet20-cifar", marks=pytest.mark.slow)])
def test_one_op_in_a_hundred_wrong_is_mended_by_moving_no_more_ops(name: str, session: Session) -> None:
    model, chips = load_zoo_graph(name), load_spec("mcm16-ring")
    groups = group_ops(model, chips)
    valid = groups.expand(slice_hint(HintContext(model, chips, groups)))
    (verdict,) = verify(session, model, chips, selected_rules(chips), valid[None])
    assert verdict.valid
    rng = np.random.default_rng(0)
    design = valid.copy()
    wrong = rng.choice(model.n_ops, max(2, model.n_ops // 100), replace=False)
    design[wrong] = rng.integers(0, valid.max() + 1, len(wrong))
    found = repair(session, task_of(model, chips, design), groups, time_limit_s=60)
    assert found.verdict.valid
    assert found.bound <= found.cost <= int((design != valid).sum())


@pytest.mark.parametrize(("design", "cost"), [([0, -1, 2, -1, 1], 1), ([1, -1, 0, -1, 2], 1), ([0, 0, 0, 2, -1], 1)])
def test_a_design_with_open_and_pinned_ops_is_mended_without_a_second_solver(
    session: Session, design: list[int], cost: int
) -> None:
    # the embedded Chuffed breaks off at constants in a search annotation, and Gecode would answer in its stead
    task = task_of(CHAIN, seed_package(), design, pinned=[design.index(0)])
    asked: list[str] = []

    class Listening(Session):
        def solve(self, request: SolveRequest) -> Iterator[Event]:
            asked.append(request.solver)
            yield from session.solve(request)

    found = mend_part(Listening(session.toolchain), task, np.arange(5), solver="chuffed")
    assert (found.cost, asked) == (cost, ["chuffed"])
