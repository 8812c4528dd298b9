"""The table's means are geometric, its intervals those of the bootstrap, and missing answers are counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.compare.runs import Run
from chipzinc.compare.table import ALL, Comparison, geometric_mean


def run(graph: str, method: str, seed: int, interval_us: float | None, bound_us: float | None = None) -> Run:
    curve = () if interval_us is None else ((1, 1.0, 2 * interval_us), (4, 3.0, interval_us))
    return Run(graph, graph, "p", "p", method, "chuffed", seed, 4, None, interval_us, bound_us, samples=4, curve=curve)


def row(comparison: Comparison, graph: str, method: str) -> dict[str, object]:
    return next(each for each in comparison.rows() if (each["graph"], each["method"]) == (graph, method))


def test_speedups_are_geometric_means_over_graphs() -> None:
    runs = [run("a", "slow", 0, 8.0), run("a", "fast", 0, 4.0), run("b", "slow", 0, 8.0), run("b", "fast", 0, 1.0)]
    over_all = row(Comparison.of(runs, [0]), ALL, "fast")
    assert over_all["speedup"] == pytest.approx(4.0)
    assert (over_all["better"], over_all["worse"]) == (2, 0)


def test_the_reference_is_what_speedups_are_over() -> None:
    runs = [run("a", "slow", 0, 8.0), run("a", "fast", 0, 4.0)]
    assert row(Comparison.of(runs, [0], "fast"), "a", "slow")["speedup"] == pytest.approx(0.5)


def test_a_method_that_draws_nothing_counts_under_every_seed() -> None:
    runs = [run("a", "once", 0, 8.0), run("a", "drawn", 0, 4.0), run("a", "drawn", 1, 2.0)]
    assert row(Comparison.of(runs, [0, 1], once=["once"]), "a", "drawn")["speedup"] == pytest.approx(math.sqrt(2 * 4))


def test_seeds_without_an_answer_are_counted_and_left_out() -> None:
    runs = [run("a", "m", 0, 8.0), run("a", "n", 0, 4.0), run("a", "n", 1, None)]
    found = row(Comparison.of(runs, [0, 1]), "a", "n")
    assert (found["no_answer"], found["interval_us"]) == (1, pytest.approx(4.0))


def test_a_method_without_any_answer_has_no_mean() -> None:
    runs = [run("a", "m", 0, 8.0), run("a", "n", 0, None)]
    assert row(Comparison.of(runs, [0]), "a", "n")["speedup"] is None


def test_the_bound_is_the_best_that_any_run_proved() -> None:
    runs = [run("a", "m", 0, 8.0, 2.0), run("a", "n", 0, 5.0, 4.0)]
    found = row(Comparison.of(runs, [0], None, {"a": 3.0}), "a", "m")
    assert (found["bound_us"], found["bound/interval"]) == (4.0, pytest.approx(0.5))


def test_the_interval_covers_the_mean_and_lies_within_what_was_seen() -> None:
    mean = geometric_mean([1.0, 2.0, 4.0, 8.0])
    assert mean.value == pytest.approx(8**0.5)
    assert mean.low is not None
    assert mean.high is not None
    assert 1.0 <= mean.low < mean.value < mean.high <= 8.0


def test_the_bootstrap_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    means = [geometric_mean(np.exp(draw.normal(0, 1, 20)).tolist(), resamples=300) for _ in range(200)]
    covered = sum(mean.low <= 1 <= mean.high for mean in means if mean.low is not None and mean.high is not None)
    assert covered >= 172  # 92 % expected of 20 draws; fewer than 172 has a chance below 0.1 %


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=1))
def test_one_seed_shows_no_spread(values: list[float]) -> None:
    mean = geometric_mean(values)
    assert mean.low == mean.value == mean.high == pytest.approx(values[0])


def test_lines_rise_to_the_speedup_of_the_end() -> None:
    runs = [run("a", "m", 0, 8.0), run("a", "n", 0, 4.0), run("b", "m", 0, 2.0), run("b", "n", 0, 1.0)]
    by_name = {line.label: line for line in Comparison.of(runs, [0]).lines(by_samples=True)}
    assert by_name["n"].y[0] == pytest.approx(1.0)
    assert by_name["n"].y[-1] == pytest.approx(2.0)
    assert list(by_name["n"].x) == [1.0, 2.0, 3.0, 4.0]
