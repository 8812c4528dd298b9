"""FIX and SAMPLE against their definitions, by listing every valid partition."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from chipzinc.correct.batch import fix, sample
from chipzinc.correct.problem import Problem
from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hardware.package import RuleUse
from chipzinc.rules.catalogue import SelectedRule, read_rule, select
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.correct.problems import SEED_RULES, assignments, problem, random_graph, tight_package
from tests.throughput.small import graph, package


def valid_partitions(session: Session, given: Problem) -> IntArray:
    every = assignments(given.graph.n_ops, given.package.n_chips)
    verdicts = verify(session, given.graph, given.package, given.rules, every)
    # Memory over time is fed back in rounds; one correction keeps the static rule alone.
    return every[[not any(v.instance for v in verdict.violations) for verdict in verdicts]]


def nearest(valid: IntArray, hint: IntArray, order: IntArray) -> IntArray:
    """The lexicographically smallest (|chip - hint|, chip) in visiting order."""
    return min(valid, key=lambda chips: [(abs(int(chips[op] - hint[op])), int(chips[op])) for op in order])


def first_ranked(valid: IntArray, ranking: IntArray, order: IntArray) -> IntArray:
    """The lexicographically smallest rank in visiting order."""
    rank = np.argsort(ranking, axis=1)
    return min(valid, key=lambda chips: [int(rank[op, chips[op]]) for op in order])


@pytest.mark.parametrize("seed", range(3))
def test_fix_equals_its_definition(session: Session, solver: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = problem(random_graph(rng, 5), tight_package())
    valid, hints, order = valid_partitions(session, given), rng.integers(0, 3, (8, 5)), rng.permutation(5)
    assert 0 < len(valid) < 3**5
    corrections = list(fix(session, given, hints, solver=solver, order=order))
    expected = [nearest(valid, hint, order) for hint in hints]
    np.testing.assert_array_equal([each.group_chip for each in corrections], expected)
    assert any((hint != chips).any() for hint, chips in zip(hints, expected, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_sample_equals_its_definition(session: Session, solver: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = problem(random_graph(rng, 5), tight_package())
    rankings, order = np.argsort(rng.random((8, 5, 3)), axis=2), rng.permutation(5)
    valid = valid_partitions(session, given)
    corrections = list(sample(session, given, rankings, solver=solver, order=order))
    expected = [first_ranked(valid, ranking, order) for ranking in rankings]
    np.testing.assert_array_equal([each.group_chip for each in corrections], expected)


def test_the_first_op_follows_the_policy_restricted_to_its_feasible_chips(session: Session) -> None:
    """Chi-square test at level 0.001 on 600 draws."""
    rng = np.random.default_rng(7)
    given = problem(graph([(0, [1], 1), (1, [2], 1), (2, [], 1)], 3), package(chips=4), SEED_RULES[:2])
    order = np.array([1, 0, 2])
    feasible = sorted({int(chips[1]) for chips in valid_partitions(session, given)})
    assert feasible == [0, 1]  # op 1 has one op before it, so it is on chip 0 or 1
    policy = np.array([0.1, 0.3, 0.4, 0.2])
    gumbel = np.log(policy) + rng.gumbel(size=(600, 3, 4))
    rankings = np.argsort(-gumbel, axis=2)
    drawn = [each.group_chip[1] for each in sample(session, given, rankings, solver="gecode", order=order)]  # type: ignore[index]
    counts = np.bincount(drawn, minlength=4)
    assert counts[2:].sum() == 0
    share = policy[feasible] / policy[feasible].sum()
    assert chisquare(counts[feasible], 600 * share).pvalue > 0.001


@pytest.mark.parametrize("rules", [c for k in range(5) for c in itertools.combinations(SEED_RULES, k)], ids=str)
def test_a_valid_hint_comes_back_unchanged(session: Session, solver: str, rules: tuple[str, ...]) -> None:
    rng = np.random.default_rng(len(rules))
    given = problem(random_graph(rng, 5), tight_package(), rules)
    valid = valid_partitions(session, given)
    hints = rng.permutation(valid)[:6]
    corrections = list(fix(session, given, hints, solver=solver))
    np.testing.assert_array_equal([each.group_chip for each in corrections], hints)


def test_one_sample_is_a_batch_too(session: Session, solver: str) -> None:
    given = problem(random_graph(np.random.default_rng(0), 4), tight_package())
    (correction,) = fix(session, given, np.array([[2, 1, 0, 2]]), solver=solver)
    assert correction.state == "corrected"


def test_an_empty_batch_calls_no_solver(session: Session) -> None:
    given = problem(random_graph(np.random.default_rng(0), 4), tight_package())
    assert list(fix(session, given, np.zeros((0, 4), dtype=int), solver="no such solver")) == []


def test_rules_that_leave_nothing_are_a_clear_no(session: Session, solver: str) -> None:
    given = problem(random_graph(np.random.default_rng(0), 5), package(chips=3, sram="4 B"))
    with pytest.raises(InfeasibleError, match="no valid partition exists"):
        list(fix(session, given, np.zeros((2, 5), dtype=int), solver=solver))


def test_batches_share_one_compiled_model(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    given = problem(random_graph(np.random.default_rng(0), 5), tight_package())
    flattened = []
    flatten = session.flatten
    monkeypatch.setattr(session, "flatten", lambda request: flattened.append(1) or flatten(request))
    for seed in range(3):
        list(fix(session, given, np.random.default_rng(seed).integers(0, 3, (4, 5)), solver="gecode"))
    assert len(flattened) == 1


def test_a_stuck_sample_times_out_and_the_rest_goes_on(session: Session) -> None:
    """A rule that is a pigeonhole problem unless op 0 is on chip 0 keeps Gecode busy for hours on one hint only."""
    small = graph([(0, [1], 1), (1, [], 1)], 2)
    rule = SelectedRule(read_rule(Path(__file__).parent / "pigeons.mzn"), RuleUse("pigeons"))
    given = Problem(small, package(chips=2), (rule,), np.arange(2))
    hints = np.array([[0, 0], [1, 0], [0, 1]])
    corrections = list(fix(session, given, hints, solver="gecode", time_limit_s=12))
    assert [each.state for each in corrections] == ["corrected", "timed_out", "corrected"]
    np.testing.assert_array_equal(corrections[2].group_chip, hints[2])


def test_groups_that_the_rules_leave_one_chip_each_are_corrected_to_it(session: Session, solver: str) -> None:
    rules = select([RuleUse("pinned", {"pins": {"op0": 0, "op1": 1}})], None)
    given = Problem(graph([(0, [1], 1)], 2), package(chips=3), rules, np.arange(2))
    fixed = list(fix(session, given, np.array([[2, 2], [0, 0]]), solver=solver))
    sampled = list(sample(session, given, np.tile([2, 0, 1], (2, 2, 1)), solver=solver))
    np.testing.assert_array_equal([each.group_chip for each in (*fixed, *sampled)], np.tile([0, 1], (4, 1)))
