"""A search over hints can begin at a partition of single ops, and then loses nothing of it."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.baselines.driver import Budget, Proposal
from chipzinc.compare.beginnings import Beginning, begin_at
from chipzinc.compare.case import Case
from chipzinc.graph.opgraph import IntArray
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import STARTS, HintContext, Start, start_hint
from chipzinc.policy.instance import Instance
from chipzinc.solve import Session


@pytest.mark.parametrize("beginning", ["long-slice", "optimise"])
def test_hints_can_say_the_partition_that_they_begin_with(beginning: Beginning, session: Session) -> None:
    case = Case(load_zoo_graph("resnet18"), load_spec("mcm16-ring"), session)
    corrector, first = begin_at(case, beginning, 2.0, Budget(10), 0)
    assert corrector.partition is not None
    assert corrector.coarsening.n_groups > case.corrector().coarsening.n_groups
    np.testing.assert_array_equal(corrector.coarsening.expand(first), corrector.partition)
    np.testing.assert_array_equal(Instance.for_corrector(corrector).start("greedy"), first)
    corrected = corrector(Proposal("fix", first[None]))
    np.testing.assert_array_equal(corrected.group_chip[0], first)


@pytest.mark.parametrize("start", STARTS)
def test_hints_over_the_usual_groups_split_none(start: Start, session: Session) -> None:
    case = Case(load_zoo_graph("resnet18"), load_spec("mcm16-ring"), session)
    corrector, first = begin_at(case, start, 2.0, Budget(10), 0)
    assert corrector.coarsening.n_groups == case.corrector().coarsening.n_groups
    np.testing.assert_array_equal(first, start_hint(corrector.context, start))


@pytest.mark.parametrize(("lead_s", "limit_s", "given"), [(60.0, 4.0, 2.0), (1.0, 4.0, 1.0), (1.5, None, 1.5)])
def test_a_beginning_leaves_half_of_the_time(
    lead_s: float, limit_s: float | None, given: float, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []

    def noted(context: HintContext, time_limit_s: float, seed: int) -> list[tuple[float, IntArray]]:
        times.append(time_limit_s)
        return best_slices(context, 0.1, seed)

    monkeypatch.setattr("chipzinc.compare.beginnings.best_slices", noted)
    case = Case(load_zoo_graph("mmoe"), load_spec("mcm16-ring"), session)
    begin_at(case, "long-slice", lead_s, Budget(samples=9, seconds=limit_s), 0)
    assert times == [given]
