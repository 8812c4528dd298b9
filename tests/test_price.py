"""The prices of rules: exact where searches end in proofs, held to every partition there is, and never a guess."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from chipzinc.errors import InfeasibleError
from chipzinc.exhaustive import every_assignment
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.price import Known, Loss, PriceList, price_rules
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.designs.problems import SEED_RULES, random_graph, seed_package
from tests.throughput.small import graph, package


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(solver="chuffed") as opened:
        yield opened


def priced(session: Session, model: OpGraph, chips: Package, limit_s: float = 60.0) -> PriceList:
    return price_rules(model, chips, session=session, worker=lambda: Session(session.toolchain), time_limit_s=limit_s)


def shortest(session: Session, model: OpGraph, chips: Package, names: frozenset[str]) -> float:
    """The shortest interval of all partitions that keep some rules, by trying all."""
    only = replace(chips, rules=tuple(use for use in chips.rules if use.name in names))
    every = every_assignment(model.n_ops, chips.n_chips)
    valid = np.array([verdict.valid for verdict in verify(session, model, only, selected_rules(only), every)])
    return float(ThroughputModel(model, only).evaluate(every).interval_us[valid].min())


TWO_RULES = "rules: [acyclic_dataflow, memory_capacity]"


@pytest.mark.parametrize(
    ("seed", "rules"),
    [(1, TWO_RULES), *(pytest.param(seed, SEED_RULES, marks=pytest.mark.slow) for seed in range(2, 8))],
)
def test_the_price_found_by_trying_all_partitions_lies_in_the_proven_range(
    seed: int, rules: str, session: Session
) -> None:
    rng = np.random.default_rng(seed)
    model, chips = random_graph(4 if rules == TWO_RULES else 5, rng), seed_package(sram="60 B", rules=rules)
    found = priced(session, model, chips)
    names = frozenset(price.rule for price in found.prices)
    best = {
        frozenset(some): shortest(session, model, chips, frozenset(some))
        for size in (0, 1, len(names) - 1, len(names))
        for some in itertools.combinations(sorted(names), size)
    }
    for price in found.prices:
        beside = 1 - best[names - {price.rule}] / best[names]
        alone = 1 - best[frozenset()] / best[frozenset([price.rule])]
        assert price.beside_others.least - 1e-9 <= beside <= price.beside_others.most + 1e-9
        assert price.by_itself.least - 1e-9 <= alone <= price.by_itself.most + 1e-9


def test_a_rule_that_forces_all_ops_onto_one_chip_costs_what_a_second_chip_would_bring(session: Session) -> None:
    model = graph([(0, [], 1), (1, [], 1)], 2, flops=[1000.0, 1000.0])
    one_chip = "rules: [supported_kinds, {name: max_ops_per_chip, parameters: {limit: 2}}]"
    chips = replace(package(chips=2, more=one_chip), chip_class=("c", "d"), supported_kinds={"d": ("conv",)})
    prices = {price.rule: price for price in priced(session, model, chips).prices}
    for loss in (prices["supported_kinds"].beside_others, prices["supported_kinds"].by_itself):
        assert loss.least == pytest.approx(0.5, abs=1e-3)
        assert loss.most == pytest.approx(0.5, abs=1e-3)
    assert prices["max_ops_per_chip"].by_itself.most == pytest.approx(0, abs=1e-3)


def test_what_needs_no_search_is_not_searched(session: Session) -> None:
    model = graph([(0, [], 1), (1, [], 1)], 2, flops=[1000.0, 1000.0])
    found = priced(session, model, package(chips=2, more=SEED_RULES))
    assert found.everything.gap < 1e-4
    assert found.searched <= 2  # all rules allow what no rule forbids, so that each set between is known


def test_rules_that_leave_nothing_have_no_price(session: Session) -> None:
    model = graph([(0, [1], 1)], 2)
    pins = "rules: [acyclic_dataflow, {name: pinned, parameters: {pins: {op0: 1, op1: 0}}}]"
    with pytest.raises(InfeasibleError):
        priced(session, model, package(chips=2, more=pins))


def test_a_soft_rule_costs_nothing_and_is_named(session: Session) -> None:
    model = graph([(0, [1], 1)], 2)
    soft = "rules: [acyclic_dataflow, {name: no_skipped_chips, soft_weight: 2}]"
    found = priced(session, model, package(chips=2, more=soft))
    assert [price.rule for price in found.prices] == ["acyclic_dataflow"]
    assert found.soft == ("no_skipped_chips",)


def test_a_weak_search_widens_the_range_and_never_shifts_it() -> None:
    strict, loose = Known(100.0, 100.0), Known(80.0, 80.0)
    assert Loss.between(loose, strict) == Loss(pytest.approx(0.2), pytest.approx(0.2))
    weak = Loss.between(Known(90.0, 80.0), Known(120.0, 100.0))
    assert weak.least < 0.2 < weak.most
    assert Loss.between(loose, Known(math.inf, 100.0)) == Loss(pytest.approx(0.2), 1.0)
    assert Loss.between(Known(math.inf, 0.0), Known(math.inf, 0.0)) == Loss(0.0, 1.0)
