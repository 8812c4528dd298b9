"""The worst case is exact, and scenarios are those of the throughput model with drawn times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.uncertain import TimeRange, time_range, with_times
from chipzinc.throughput.model import ThroughputModel
from chipzinc.throughput.uncertain import UncertainModel
from tests.correct.problems import random_graph
from tests.graph.graphs import graphs
from tests.throughput.small import OFFCHIP, package

SPREAD = "time_spread: {add: -50%..+30%, default: 10%}"
PACKAGES = {
    "added": package(chips=3, more=SPREAD),
    "overlapped": package(chips=3, more=f"communication: overlapped\n{SPREAD}"),
    "streamed": package(chips=3, sram="8 B", chip=OFFCHIP, more=f"weights: streamed\n{SPREAD}"),
}


def ranges(graph: OpGraph, package: Package) -> TimeRange:
    times = time_range(graph, package)
    assert times is not None
    return times


@given(graphs(max_ops=8), st.sampled_from(sorted(PACKAGES)), st.integers(0, 100))
def test_the_worst_case_is_the_interval_with_every_op_at_its_longest(graph: OpGraph, name: str, seed: int) -> None:
    around = PACKAGES[name]
    times = ranges(graph, around)
    chips = np.random.default_rng(seed).integers(0, 3, graph.n_ops)
    slow = ThroughputModel(with_times(graph, around, times.high_us), around)
    uncertain = UncertainModel(graph, around, times)
    assert uncertain.worst_us(chips) == pytest.approx(float(slow.evaluate(chips).interval_us[0]))
    seen = uncertain.scenarios_us(chips, 20, seed)
    assert (seen <= uncertain.worst_us(chips) * (1 + 1e-12)).all()
    assert (seen >= uncertain.best_us(chips) * (1 - 1e-12)).all()


@pytest.mark.parametrize("name", PACKAGES)
def test_a_scenario_is_the_throughput_model_with_its_times(name: str) -> None:
    graph, around = random_graph(np.random.default_rng(2), 6), PACKAGES[name]
    times, chips = ranges(graph, around), np.array([0, 0, 1, 1, 2, 2])
    share = np.random.default_rng(7).random((3, 6))
    drawn = [times.low_us + part[:, None] * (times.high_us - times.low_us) for part in share]
    expected = [
        float(ThroughputModel(with_times(graph, around, each), around).evaluate(chips).interval_us[0]) for each in drawn
    ]
    assert UncertainModel(graph, around, times).scenarios_us(chips, 3, 7) == pytest.approx(expected)


def test_one_op_has_the_quantiles_of_its_range() -> None:
    graph = random_graph(np.random.default_rng(0), 1)
    around = package(chips=1, more="time_spread: 50%")
    found = UncertainModel(graph, around, ranges(graph, around)).distribution(np.array([0]), 100_000, 3)
    for share, value in found.quantiles_us.items():
        assert value == pytest.approx(found.best_us + share * (found.worst_us - found.best_us), rel=0.01)
    assert found.mean_us == pytest.approx(found.nominal_us, rel=0.01)
    assert found.deviation_us == pytest.approx((found.worst_us - found.best_us) / 12**0.5, rel=0.01)


def test_the_seed_fixes_the_distribution_however_many_are_drawn_at_once() -> None:
    graph, around = random_graph(np.random.default_rng(2), 6), PACKAGES["added"]
    uncertain, chips = UncertainModel(graph, around, ranges(graph, around)), np.array([0, 0, 1, 1, 2, 2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chipzinc.throughput.uncertain._CHUNK", 50)
        pieces = uncertain.scenarios_us(chips, 100, 5)
    assert (pieces == uncertain.scenarios_us(chips, 100, 5)).all()
    assert uncertain.distribution(chips, 100, 5) == uncertain.distribution(chips, 100, 5)
