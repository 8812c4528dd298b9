"""Counting: each valid partition once, by trying all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipzinc.density.count import MOST_ASSIGNMENTS, count_valid
from chipzinc.density.judge import RuleJudge
from chipzinc.density.rates import measure
from chipzinc.exhaustive import every_assignment
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.designs.problems import SEED_RULES, random_graph, seed_package, valid_partitions

RULES = (
    SEED_RULES,
    "rules: [triangle_dependency]",
    "rules: [memory_capacity]",
    "rules: [{name: separated, parameters: {groups: [[op0, 'op[12]']]}}, {name: max_hops, parameters: {limit: 1}}]",
)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_the_count_is_that_of_trying_every_partition(session: Session, seed: int, rules: str) -> None:
    model, chips = random_graph(5, np.random.default_rng(seed)), seed_package(sram="60 B", rules=rules)
    counted = count_valid(session, model, chips, selected_rules(chips))
    assert counted == len(valid_partitions(session, model, chips)) > 0


def test_where_nothing_is_valid_the_count_is_0(session: Session) -> None:
    clash = "rules: [{name: pinned, parameters: {pins: {op0: 1, op1: 0}}}, acyclic_dataflow]"
    model = random_graph(4, np.random.default_rng(0))
    assert (0, 1) in [tuple(edge) for edge in model.edges.tolist()]
    chips = seed_package(rules=clash)
    assert count_valid(session, model, chips, selected_rules(chips)) == 0
    assert [(one.count, one.log10) for one in measure(model, chips, session=session)][-1] == (0, None)


def test_a_graph_whose_assignments_overflow_a_solvers_integers_is_not_counted(session: Session) -> None:
    model, chips = random_graph(20, np.random.default_rng(0)), seed_package()
    assert chips.n_chips**model.n_ops > MOST_ASSIGNMENTS
    assert count_valid(session, model, chips, selected_rules(chips)) is None


def test_a_rule_of_the_users_own_is_counted(session: Session, tmp_path: Path) -> None:
    text = (
        "/*** Ops next to each other differ. */\nfunction array[int] of var bool: differ(array[OP] of var CHIP: chip) ="
    )
    (tmp_path / "differ.mzn").write_text(text + "\n  [chip[o] != chip[o - 1] | o in OP where o > 1];\n")
    chips = seed_package(rules="rules: [differ]", source=tmp_path / "mine.yaml")
    (one,) = measure(random_graph(5, np.random.default_rng(0)), chips, session=session)
    assert (one.how, one.count) == ("counted", 3 * 2**4)


def test_no_beginning_of_a_valid_partition_is_ruled_out(session: Session) -> None:
    model, chips = random_graph(5, np.random.default_rng(1)), seed_package(sram="60 B")
    rules = selected_rules(chips)
    judge = RuleJudge(session, model, chips, rules, "gecode")
    every = every_assignment(5, 3)
    valid = np.array([verdict.valid for verdict in verify(session, model, chips, rules, every)])
    assert (judge.holds(every) == valid).all()
    for begin, end in ((0, 2), (2, 4)):
        may = judge.may_hold(begin, end, every)
        assert may[valid].all()
        assert not may.all()
