"""Hints that hold are kept and the others corrected, with the result of correcting all."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.correct.overflow import correct
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
