"""CP-SAT on the model written by hand finds and proves what listing every valid partition finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("ortools")

from chipzinc.baselines import direct_cpsat
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.rules.catalogue import select
from chipzinc.solve import Session, embedded
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import SEED_RULES, assignments, random_graph
from tests.throughput.small import OFFCHIP, package

PACKAGES = {
    "one-way ring": package(chips=3, sram="14 B"),
    "two-way ring": package("kind: ring-two-way", chips=3, sram="14 B", more="communication: overlapped"),
    "mesh": package("kind: mesh, rows: 2, columns: 2", chips=4, sram="20 B"),
    "streamed": package("kind: chain", chips=3, sram="8 B", chip=OFFCHIP, more="weights: streamed"),
    "host": package(chips=3, sram="14 B", chip=OFFCHIP, more="communication: host"),
}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(prefer="embedded") as opened:
        yield opened


def with_rules(package: Package, *rules: str) -> Package:
    return Package(**{**vars(package), "rules": tuple(RuleUse(name) for name in rules)})


def valid_intervals(session: Session, graph: OpGraph, package: Package) -> tuple[IntArray, np.ndarray]:
    """Every partition that the rules confirm, and its interval."""
    every = assignments(graph.n_ops, package.n_chips)
    verdicts = verify(session, graph, package, select([RuleUse(name) for name in SEED_RULES], None), every)
    valid = every[[verdict.valid for verdict in verdicts]]
    return valid, ThroughputModel(graph, package).evaluate(valid).interval_us


@pytest.mark.parametrize("name", PACKAGES)
def test_the_shortest_interval_is_found_and_proven(name: str, session: Session) -> None:
    chosen = with_rules(PACKAGES[name], *SEED_RULES)
    for seed in range(2):
        graph = random_graph(np.random.default_rng([len(name), seed]), 5)
        valid, interval_us = valid_intervals(session, graph, chosen)
        hint = None if seed == 0 else valid[seed]
        found = direct_cpsat.solve(graph, chosen, time_limit_s=60, workers=1, hint=hint)
        assert found.incumbents[-1].chips.tolist() in valid.tolist()
        ops_alone = found.groups.n_groups == graph.n_ops
        assert found.state == "optimal"
        if ops_alone:
            assert found.incumbents[-1].interval_us == pytest.approx(interval_us.min(), rel=1e-6)
            assert found.bound_us <= interval_us.min() * (1 + 1e-9)
            assert found.bound_us >= interval_us.min() * 0.99


def test_incumbents_get_better_and_come_in_order() -> None:
    chosen = with_rules(package(chips=4, sram="40 B"), *SEED_RULES)
    graph = random_graph(np.random.default_rng(4), 12)
    found = direct_cpsat.solve(graph, chosen, time_limit_s=60, workers=1, hint=np.zeros(12, dtype=np.int64))
    intervals = [incumbent.interval_us for incumbent in found.incumbents]
    seconds = [incumbent.seconds for incumbent in found.incumbents]
    assert intervals == sorted(intervals, reverse=True)
    assert seconds == sorted(seconds)
    assert found.bound_us <= intervals[-1] * (1 + 1e-9)


def test_a_rule_that_the_model_does_not_know_is_named() -> None:
    chosen = with_rules(package(), "acyclic_dataflow", "contiguous")
    with pytest.raises(InputError, match="knows no rule 'contiguous'"):
        direct_cpsat.solve(random_graph(np.random.default_rng(1), 4), chosen, time_limit_s=5)


def test_a_limit_that_building_the_model_exceeds_leaves_nothing_and_says_so() -> None:
    chosen = with_rules(package(chips=30), *SEED_RULES)
    found = direct_cpsat.solve(random_graph(np.random.default_rng(1), 40), chosen, time_limit_s=0.001)
    assert found.state == "unknown"
    assert not found.incumbents
