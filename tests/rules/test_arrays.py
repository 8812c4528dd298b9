"""Each rule's array against brute force, instance by instance, and determined by the chips alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chipzinc.exhaustive import judge, undetermined
from chipzinc.solve import Session
from tests.rules.oracle import dags
from tests.rules.problems import EVERY_RULE, problem, small_graphs, some_graphs_of_five, trial, violated


def test_there_are_342_graphs_of_up_to_five_ops() -> None:
    """OEIS A003087."""
    assert [len(dags(n_ops)) for n_ops in range(1, 6)] == [1, 2, 6, 31, 302]


def check(session: Session, graphs: Sequence[tuple[int, tuple[tuple[int, int], ...]]], n_chips: int) -> None:
    problems = [problem(n_ops, edges, n_chips) for n_ops, edges in graphs]
    trials = [trial(small, EVERY_RULE) for small in problems]
    truths = judge(session, trials, "gecode")
    for small, truth in zip(problems, truths, strict=True):
        for name in EVERY_RULE:
            found = [
                {label for label, holds in zip(truth.labels[name], row, strict=True) if not holds}
                for row in truth.holds[name]
            ]
            assert found == list(violated(small, name)), (name, small)
    assert not undetermined(session, trials, truths, "chuffed").any()


@pytest.mark.parametrize(("n_chips", "most_ops"), [(2, 4), (3, 3), pytest.param(4, 3, marks=pytest.mark.slow)])
def test_arrays_name_just_what_is_violated_and_leave_nothing_open(
    session: Session, n_chips: int, most_ops: int
) -> None:
    check(session, list(small_graphs(most_ops)), n_chips)


def test_arrays_name_just_what_is_violated_on_some_graphs_of_five_ops(session: Session) -> None:
    check(session, some_graphs_of_five(4, seed=1), 3)


@pytest.mark.slow
@pytest.mark.parametrize("n_chips", [2, 3, 4])
@pytest.mark.parametrize("n_ops", [4, 5])
def test_arrays_name_just_what_is_violated_on_every_graph(session: Session, n_chips: int, n_ops: int) -> None:
    check(session, [(n_ops, edges) for edges in dags(n_ops)], n_chips)
