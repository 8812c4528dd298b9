"""The worst case is optimised exactly, a quantile closely, and both bounds hold for every valid partition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hardware.uncertain import time_range
from chipzinc.hints.sources import Slice
from chipzinc.robust import RobustObjective, RobustOptimised, optimise_robust, parse_robust
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session, embedded, find_toolchain
from chipzinc.throughput.uncertain import UncertainModel
from chipzinc.verify import verify
from tests.correct.problems import assignments
from tests.throughput.small import graph, package

RULES = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
PACKAGE = package(chips=3, more=f"time_spread: {{matmul: 90%, default: 5%}}\n{RULES}")
GRAPH = graph(
    [(0, [1, 2], 1), (1, [3], 1), (2, [3], 1), (3, [4], 1), (4, [5], 1)],
    6,
    flops=[30.0, 25.0, 20.0, 30.0, 18.0, 22.0],
    kinds=["matmul", "add", "add", "add", "matmul", "add"],
)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


@pytest.fixture(scope="module")
def uncertain() -> UncertainModel:
    times = time_range(GRAPH, PACKAGE)
    assert times is not None
    return UncertainModel(GRAPH, PACKAGE, times)


@pytest.fixture(scope="module")
def valid(session: Session) -> IntArray:
    """Every valid partition."""
    every = assignments(GRAPH.n_ops, 3)
    verdicts = verify(session, GRAPH, PACKAGE, selected_rules(PACKAGE), every)
    return every[[verdict.valid for verdict in verdicts]]


def optimised(session: Session, uncertain: UncertainModel, objective: str) -> RobustOptimised:
    robust = parse_robust(objective)
    assert robust is not None
    return optimise_robust(
        GRAPH,
        PACKAGE,
        uncertain.times,
        robust,
        session=session,
        worker=lambda: Session(session.toolchain),
        hints=Slice(),
        workers=1,
        iterations=8,
        time_limit_s=None,
    )


def test_no_valid_partition_has_a_better_worst_case(
    session: Session, uncertain: UncertainModel, valid: IntArray
) -> None:
    found = optimised(session, uncertain, "worst_case")
    best = min(uncertain.worst_us(chips) for chips in valid)
    assert found.robust_us == pytest.approx(best, rel=2e-4)
    assert found.robust_bound is not None
    assert found.robust_bound.value_us <= best * (1 + 1e-9)
    assert found.verdict.valid
    assert found.interval_us == pytest.approx(float(uncertain.model.evaluate(found.chips).interval_us[0]))


@pytest.mark.parametrize("share", [0.95, 0.6])
def test_a_quantile_is_as_good_as_that_of_any_valid_partition(
    session: Session, uncertain: UncertainModel, valid: IntArray, share: float
) -> None:
    found = optimised(session, uncertain, f"quantile:{share}")
    quantiles = [float(np.quantile(uncertain.scenarios_us(chips, 10_000, 1), share)) for chips in valid]
    assert found.robust_us == pytest.approx(min(quantiles), rel=0.01)
    assert found.robust_bound is not None
    assert found.robust_bound.value_us <= min(quantiles)


def test_the_bound_of_a_quantile_below_the_median_is_that_of_the_shortest_times(
    session: Session, uncertain: UncertainModel, valid: IntArray
) -> None:
    found = optimised(session, uncertain, "quantile:0.05")
    assert found.robust_bound is not None
    assert found.robust_bound.value_us <= min(uncertain.best_us(chips) for chips in valid)


@pytest.mark.parametrize("share", [0.5001, 0.7])
def test_no_quantile_above_the_median_is_below_the_interval_with_mean_times(
    uncertain: UncertainModel, valid: IntArray, share: float
) -> None:
    from chipzinc.hardware.uncertain import with_times
    from chipzinc.throughput.model import ThroughputModel

    mean = ThroughputModel(with_times(GRAPH, PACKAGE, uncertain.times.mean_us), PACKAGE)
    intervals = mean.evaluate(valid).interval_us
    for chips, interval_us in zip(valid, intervals.tolist(), strict=True):
        sampled = float(np.quantile(uncertain.scenarios_us(chips, 4_000, 3), share))
        assert sampled >= interval_us * 0.98  # the sample's own error


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("worst_case", RobustObjective()),
        ("quantile:0.95", RobustObjective(0.95)),
        (" quantile : .5 ", RobustObjective(0.5)),
        ("interval", None),
        ("interval > chips_used", None),
    ],
)
def test_objectives_are_read(text: str, objective: RobustObjective | None) -> None:
    assert parse_robust(text) == objective


@pytest.mark.parametrize("text", ["quantile", "quantile:1.0", "quantile:0.0", "quantile:x", "worst_case > energy"])
def test_what_only_begins_like_one_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"objective: expected 'worst_case' or 'quantile:0\.95'"):
        parse_robust(text)
