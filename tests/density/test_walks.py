"""Estimates: unbiased whatever way they draw, and never surer than they may be.

The judges here are tables of what was found by trying every partition.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from chipzinc.density.proposal import Proposal, Way, ways
from chipzinc.density.rates import drawn, reaches, walked
from chipzinc.density.walk import walk
from chipzinc.exhaustive import every_assignment
from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from tests.designs.problems import random_graph
from tests.throughput.small import graph

N_OPS, N_CHIPS = 5, 3
EVERY = every_assignment(N_OPS, N_CHIPS)
WAYS = {
    "uniform": Way(uniform=1),
    "flow": Way(uniform=0.3, flow=0.7),
    "step": Way(uniform=0.3, step=0.7, places=0.5),
    "near": Way(uniform=0.3, near=0.4, fresh=0.3),
    "first": Way(uniform=0.3, first=0.7),
}


def forward(model: OpGraph, chips: IntArray, end: int) -> BoolArray:
    edges = model.edges[model.edges[:, 1] < end]
    return np.asarray((chips[:, edges[:, 0]] <= chips[:, edges[:, 1]]).all(axis=1))


def without_holes(model: OpGraph, chips: IntArray, end: int) -> BoolArray:
    if end < N_OPS:
        return np.ones(len(chips), dtype=np.bool_)
    return np.array([set(row) == set(range(max(row) + 1)) for row in chips.tolist()])


def both(model: OpGraph, chips: IntArray, end: int) -> BoolArray:
    return forward(model, chips, end) & without_holes(model, chips, end)


@dataclass(frozen=True)
class Known:
    """A judge that knows its rule by heart."""

    model: OpGraph
    rule: Callable[[OpGraph, IntArray, int], BoolArray]

    def may_hold(self, begin: int, end: int, chips: IntArray) -> BoolArray:
        return self.rule(self.model, chips, end)

    def holds(self, chips: IntArray) -> BoolArray:
        return self.rule(self.model, chips, self.model.n_ops)

    @property
    def share(self) -> float:
        return float(self.holds(EVERY).mean())


@pytest.mark.parametrize("rule", [forward, without_holes, both])
@pytest.mark.parametrize("name", WAYS)
def test_the_mean_of_many_walks_is_the_share_found_by_trying_all(
    name: str, rule: Callable[[OpGraph, IntArray, int], BoolArray]
) -> None:
    model = random_graph(N_OPS, np.random.default_rng(3))
    judge, rng = Known(model, rule), np.random.default_rng(7)
    proposal = Proposal(model, N_CHIPS, WAYS[name])
    found = np.exp([walk(proposal, N_OPS, 6, judge, rng).log for _ in range(3000)])
    off = (found.mean() - judge.share) / (found.std(ddof=1) / math.sqrt(len(found)))
    assert abs(off) < 4.4  # of standard errors: wrong once in 90,000 times where the mean is right


@pytest.mark.parametrize("way", [*WAYS.values(), *ways(N_OPS, N_CHIPS).values()])
def test_every_partition_has_a_chance_and_all_chances_sum_to_1(way: Way) -> None:
    model = random_graph(N_OPS, np.random.default_rng(4))
    chance = np.exp(Proposal(model, N_CHIPS, way).log_chance(EVERY))
    assert (chance > 0).all()
    assert chance.sum() == pytest.approx(1)


@pytest.mark.parametrize("name", WAYS)
def test_draws_come_as_often_as_their_chance_says(name: str) -> None:
    model = random_graph(3, np.random.default_rng(5))
    proposal, rng = Proposal(model, N_CHIPS, WAYS[name]), np.random.default_rng(1)
    chips, told = np.zeros((20_000, 3), dtype=np.int64), np.zeros(20_000)
    for op in range(3):
        told += proposal.draw(op, chips, rng)
    every = every_assignment(3, N_CHIPS)
    np.testing.assert_allclose(told, proposal.log_chance(chips))
    count = np.bincount(chips @ [9, 3, 1], minlength=len(every))
    assert stats.chisquare(count, 20_000 * np.exp(proposal.log_chance(every))).pvalue > 1e-5


def test_where_the_graph_is_a_chain_flow_draws_all_forward_partitions_alike() -> None:
    every = every_assignment(N_OPS, N_CHIPS)
    flows = every[(np.diff(every, axis=1) >= 0).all(axis=1)]
    chain = graph([(op, [op + 1] if op + 1 < N_OPS else [], 1) for op in range(N_OPS)], N_OPS)
    chance = Proposal(chain, N_CHIPS, Way(flow=1 - 1e-12, uniform=1e-12)).log_chance(flows)
    np.testing.assert_allclose(np.exp(chance), 1 / len(flows), rtol=1e-6)


def test_intervals_of_walks_hold_the_truth_as_often_as_they_claim() -> None:
    model = random_graph(N_OPS, np.random.default_rng(3))
    judge, rng, held = Known(model, forward), np.random.default_rng(11), 0
    proposal = Proposal(model, N_CHIPS, WAYS["flow"])
    for _ in range(200):
        logs = [walk(proposal, N_OPS, 20, judge, rng).log for _ in range(10)]
        one = walked(("forward",), logs, 20, of_plain_draws=(0, 1), reached=True)
        assert one.bounded
        assert one.at_least is not None
        assert one.at_most is not None
        held += one.at_least <= math.log10(judge.share) <= one.at_most
    assert stats.binomtest(held, 200, 0.95, alternative="less").pvalue > 1e-4


def test_walks_that_differ_too_much_say_only_what_the_share_is_at_least() -> None:
    few = walked(("x",), [-5.0] * 3, 10, of_plain_draws=(0, 100), reached=True)
    wild = walked(("x",), [-5.0, *([-40.0] * 19)], 10, of_plain_draws=(0, 100), reached=True)
    blind = walked(("x",), [-5.0] * 20, 10, of_plain_draws=(0, 100), reached=False)
    for one in (few, wild, blind):
        assert not one.bounded
        assert one.log10 is not None
        assert one.at_least == pytest.approx(one.log10 + math.log10(0.05))
        assert one.at_most == drawn(("x",), 0, 100).at_most
    nothing = walked(("x",), [-math.inf], 10, of_plain_draws=(0, 100), reached=False)
    assert (nothing.log10, nothing.at_least) == (None, None)


def test_a_way_that_misses_most_of_what_others_find_is_told_by_their_partitions() -> None:
    model = random_graph(N_OPS, np.random.default_rng(3))
    judge = Known(model, without_holes)
    valid = EVERY[judge.holds(EVERY)]
    flows = valid[forward(model, valid, N_OPS)]
    narrow = Proposal(model, N_CHIPS, Way(flow=1 - 1e-9, uniform=1e-9))
    wide = Proposal(model, N_CHIPS, WAYS["first"])
    assert not reaches(narrow, flows, valid, 1000)
    assert reaches(wide, valid, flows, 1000)
    assert not reaches(wide, valid, flows[:0], 1000)  # nothing to compare with


@pytest.mark.parametrize(("hits", "draws"), [(0, 20), (1, 20), (13, 20), (20, 20)])
def test_plain_draws_have_the_exact_binomial_interval(hits: int, draws: int) -> None:
    one = drawn(("x",), hits, draws)
    wanted = stats.binomtest(hits, draws).proportion_ci(0.95, method="exact")
    assert one.at_most == pytest.approx(math.log10(wanted.high))
    assert one.at_least == (None if not hits else pytest.approx(math.log10(wanted.low)))
