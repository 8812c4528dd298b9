"""A search over hints can begin at a partition of single ops, and then loses nothing of it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from chipzinc.baselines.driver import Budget, Proposal
from chipzinc.compare.beginnings import Beginning, begin_at
from chipzinc.compare.case import Case
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
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


@pytest.mark.parametrize("beginning", ["greedy", "slice"])
def test_hints_over_the_usual_groups_split_none(beginning: Beginning, session: Session) -> None:
    case = Case(load_zoo_graph("resnet18"), load_spec("mcm16-ring"), session)
    corrector, first = begin_at(case, beginning, 2.0, Budget(10), 0)
    assert corrector.coarsening.n_groups == case.corrector().coarsening.n_groups == len(first)


def test_a_beginning_leaves_half_of_the_time(session: Session) -> None:
    case = Case(load_zoo_graph("mmoe"), load_spec("mcm16-ring"), session)
    begin = time.monotonic()
    begin_at(case, "long-slice", 60.0, Budget(seconds=4.0), 0)
    assert time.monotonic() - begin < 10
