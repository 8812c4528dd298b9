"""Hints that hold are kept and the others corrected, with the result of correcting all."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.correct.overflow import CorrectedBatch, correct
from chipzinc.correct.problem import Problem
from chipzinc.correct.projection import project
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import IntArray
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HintContext, Noisy, slice_hint
from chipzinc.rules.catalogue import selected_rules
from chipzinc.settle import settle
from chipzinc.solve import Session
from chipzinc.verify import verify


def mixed(n_noisy: int) -> tuple[Problem, IntArray]:
    """Noisy hints, a slice, and the noisy ones projected; of these only the slice surely holds."""
    graph, package = load_zoo_graph("inception-v3"), load_spec("mcm16-ring")
    groups, rules = group_ops(graph, package), selected_rules(package)
    context = HintContext(graph, package, groups)
    noisy = Noisy().rankings(context, n_noisy, np.random.default_rng(0))[..., 0]
    projected = project(noisy, groups.edges, package.n_chips, {rule.name for rule in rules if rule.hard})
    hints = np.concatenate([noisy, slice_hint(context)[None], projected])
    return Problem(graph, package, rules, groups.group_of), hints


def test_a_batch_of_valid_and_invalid_hints_is_settled_as_the_solver_corrects_it(session: Session) -> None:
    problem, hints = mixed(4)
    counts: list[int] = []
    settled = settle(session, problem, hints, mode="fix", solver="chuffed", progress=counts.append)
    solved = correct(session, problem, hints, mode="fix", solver="chuffed")
    assert [each.sample for each in settled.corrections] == list(range(len(hints)))
    for ours, theirs in zip(settled.corrections, solved.corrections, strict=True):
        assert ours.group_chip is not None
        assert theirs.group_chip is not None
        np.testing.assert_array_equal(ours.group_chip, theirs.group_chip)
    assert counts == sorted(counts)
    assert counts[-1] == len(hints)
    assert counts[0] < len(hints), "some of these hints need the solver"
    np.testing.assert_array_equal(settled.corrections[4].group_chip, hints[4])


def test_where_the_solver_is_fast_it_has_every_hint(session: Session) -> None:
    graph, package = load_zoo_graph("resnet18"), load_spec("mcm16-ring")
    groups, counts = group_ops(graph, package), list[int]()
    problem = Problem(graph, package, selected_rules(package), groups.group_of)
    hints = np.tile(slice_hint(HintContext(graph, package, groups)), (3, 1))
    settle(session, problem, hints, mode="fix", solver="chuffed", progress=counts.append)
    assert counts == [1, 2, 3]


def test_a_solver_that_fails_costs_no_hint_that_holds(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise SolverError("chuffed: killed")

    monkeypatch.setattr("chipzinc.settle.correct", fails)
    problem, hints = mixed(1)
    settled = settle(session, problem, hints, mode="fix", solver="chuffed")
    assert [each.state for each in settled.corrections[:2]] == ["timed_out", "corrected"]
    with pytest.raises(SolverError, match="killed"):
        settle(session, problem, hints[:1], mode="fix", solver="chuffed")


def gapped(name: str, hardware: str) -> tuple[Problem, IntArray]:
    """Hints whose groups lie in order on every other chip, so that chips are left out and edges lead past them."""
    graph, package = load_zoo_graph(name), load_spec(hardware)
    groups = group_ops(graph, package)
    order = np.arange(groups.n_groups)
    hints = np.stack([order * n_used // groups.n_groups * 2 + 1 for n_used in (4, 5, 6)])
    return Problem(graph, package, selected_rules(package), groups.group_of), hints


def check_all_valid(session: Session, problem: Problem, batch: CorrectedBatch) -> None:
    chips = [each.group_chip for each in batch.corrections]
    assert all(each is not None for each in chips)
    ops = np.stack(chips)[:, problem.group_of]  # type: ignore[arg-type]
    verdicts = verify(session, problem.graph, problem.package, problem.rules, ops)
    assert all(verdict.valid for verdict in verdicts)


def test_hints_that_had_no_time_at_first_are_mended(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chipzinc.settle._FIRST_SHARE", 1e-6)
    problem, hints = gapped("elman-lm", "mcm16-ring")
    batch = settle(session, problem, hints, mode="fix", solver="chuffed", time_limit_s=60.0)
    check_all_valid(session, problem, batch)


@pytest.mark.slow
def test_hints_on_which_the_solver_is_stuck_are_mended(session: Session) -> None:
    problem, hints = gapped("gru-lm", "mcm36-ring")
    stuck = correct(session, problem, hints, mode="fix", solver="chuffed", time_limit_s=20.0)
    assert all(each.group_chip is None for each in stuck.corrections)
    batch = settle(session, problem, hints, mode="fix", solver="chuffed", time_limit_s=60.0)
    check_all_valid(session, problem, batch)
