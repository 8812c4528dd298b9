"""Explanations: conflicts are conflicts, nothing can be left out of them, and what is suggested helps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.designs.conflict import quick_explain
from chipzinc.designs.explain import explain
from chipzinc.graph.coarsen import Coarsening
from chipzinc.solve import Session
from tests.designs.problems import seed_package, task_of, valid_partitions
from tests.throughput.small import graph

CHAIN = graph([(op, [op + 1] if op < 4 else [], 1) for op in range(5)], 5)


@given(st.sets(st.integers(0, 15), min_size=1), st.permutations(range(16)))
def test_quick_explain_finds_exactly_the_members_that_clash(guilty: set[int], members: list[int]) -> None:
    def clash(some: Sequence[int]) -> bool:
        return guilty <= set(some)

    kept, minimal = quick_explain(members, clash)
    assert (set(kept), minimal) == (guilty, True)


def test_quick_explain_does_not_call_minimal_what_it_could_not_ask() -> None:
    kept, minimal = quick_explain([1, 2, 3, 4], lambda some: True if len(some) == 4 else None)
    assert not minimal
    assert set(kept) == {1, 2, 3, 4}


def test_a_design_that_can_be_completed_has_nothing_to_explain(session: Session) -> None:
    found = explain(session, task_of(CHAIN, seed_package(), [0, -1, -1, -1, 1]), Coarsening.identity(CHAIN))
    assert found.feasible
    assert found.conflicts == ()


def test_chips_that_clash_by_an_edge_are_named_with_the_one_rule(session: Session) -> None:
    found = explain(session, task_of(CHAIN, seed_package(), [0, 2, 1, -1, -1]), Coarsening.identity(CHAIN))
    (conflict,) = found.conflicts
    assert [rule.name for rule in conflict.rules] == ["acyclic_dataflow"]
    assert (conflict.given, conflict.open, conflict.minimal) == ((1, 2), (), True)


@pytest.mark.slow
def test_chips_that_clash_through_open_ops_are_named_with_the_path_between(session: Session) -> None:
    chips = seed_package(rules="rules: [acyclic_dataflow]")
    found = explain(session, task_of(CHAIN, chips, [2, -1, -1, 1, 2]), Coarsening.identity(CHAIN))
    (conflict,) = found.conflicts
    assert [rule.name for rule in conflict.rules] == ["acyclic_dataflow"]
    assert (conflict.given, conflict.open, conflict.minimal) == ((0, 3), (1, 2), True)


def test_the_fewest_moves_are_suggested_and_proven(session: Session) -> None:
    found = explain(session, task_of(CHAIN, seed_package(), [0, 2, 1, 1, 1]), Coarsening.identity(CHAIN))
    (suggestion,) = found.suggestions
    assert (suggestion.change, suggestion.to, suggestion.proven, suggestion.ops) == ("moves", 1, True, (1,))


def test_an_op_that_fits_no_chip_is_the_whole_conflict_and_enough_sram_is_suggested(session: Session) -> None:
    model = graph([(0, [1], 1), (1, [2], 1), (2, [], 1)], 3, weights=[(40, [0]), (200, [1]), (40, [2])])
    only_memory = "rules: [memory_capacity]"
    task = task_of(model, seed_package(sram="100 B", rules=only_memory), [-1] * 3)
    found = explain(session, task, Coarsening.identity(model))
    (conflict,) = found.conflicts
    assert [rule.name for rule in conflict.rules] == ["memory_capacity"]
    assert (conflict.open, conflict.minimal) == ((1,), True)
    (sram,) = [suggestion for suggestion in found.suggestions if suggestion.change == "sram"]
    assert sram.proven
    assert sram.not_enough < 202 <= sram.to  # 200 of weights, 1 read and 1 written
    assert len(valid_partitions(session, model, seed_package(sram=f"{sram.to} B", rules=only_memory)))
    assert not len(valid_partitions(session, model, seed_package(sram=f"{sram.not_enough} B", rules=only_memory)))


def test_where_more_sram_alone_is_not_enough_that_is_told_and_proven(session: Session) -> None:
    model = graph([(0, [1], 1)], 2, weights=[(200, [0]), (40, [1])])
    no_op_anywhere = "{name: max_ops_per_chip, parameters: {limit: 0}}"
    chips = seed_package(sram="100 B", rules=f"rules: [{no_op_anywhere}, memory_capacity]")
    found = explain(session, task_of(model, chips, [-1, -1]), Coarsening.identity(model))
    (conflict,) = found.conflicts
    assert [rule.name for rule in conflict.rules] == ["memory_capacity"]
    (sram,) = [suggestion for suggestion in found.suggestions if suggestion.change == "sram"]
    assert (sram.to, sram.not_enough, sram.proven) == (None, 242, True)  # 240 of weights, 1 read and 1 written


@pytest.mark.slow
def test_weights_that_no_sum_of_chips_holds_are_memory_alone(session: Session) -> None:
    model = graph([(op, [op + 1] if op < 5 else [], 1) for op in range(6)], 6, weights=[(40, [op]) for op in range(6)])
    found = explain(session, task_of(model, seed_package(sram="60 B"), [-1] * 6), Coarsening.identity(model))
    (conflict,) = found.conflicts
    assert [rule.name for rule in conflict.rules] == ["memory_capacity"]
    assert len(conflict.open) == 4  # four of 40 bytes on three chips of 60
    assert conflict.minimal
    assert np.all(np.diff(conflict.open) > 0)
