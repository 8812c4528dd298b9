"""An op that fits no chip is looked for as long as there is time."""

from __future__ import annotations

from chipzinc.designs.misfit import find_misfit
from chipzinc.hardware.package import RuleUse
from chipzinc.rules.catalogue import select
from chipzinc.solve import Session
from tests.throughput.small import graph, package


def test_the_op_is_named_within_the_limit_and_nothing_is_asked_past_it(session: Session) -> None:
    small, rules = graph([(0, [1], 1)], 2, weights=[(3, [0]), (9, [1])]), select([RuleUse("memory_capacity")], None)
    tight = package(chips=2, sram="8 B")
    found = find_misfit(session, small, tight, rules, time_limit_s=60.0)
    assert found is not None
    assert (found.rule, found.op) == ("memory_capacity", "op1")
    assert find_misfit(session, small, tight, rules, time_limit_s=0.0) is None
