"""Annealing's moves keep edges pointing forward, and its temperature decides what it goes back on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.baselines.annealing import Annealing
from chipzinc.baselines.driver import Corrected
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hints.sources import HintContext, greedy_hint
from tests.correct.problems import random_graph
from tests.graph.graphs import graphs
from tests.throughput.small import package


def context(graph: OpGraph) -> HintContext:
    return HintContext(graph, package(chips=4), Coarsening.identity(graph))


def seen(chips: list[int], interval_us: float) -> Corrected:
    return Corrected(np.array([chips]), np.array([interval_us]))


@given(graphs(), st.integers(0, 1000))
def test_a_move_of_a_forward_partition_leaves_every_edge_forward(graph: OpGraph, seed: int) -> None:
    annealing = Annealing(context(graph), np.random.default_rng(seed))
    for hint in annealing.propose(6, 0.5).rankings:
        assert ((hint >= 0) & (hint < 4)).all()
        assert (hint[graph.edges[:, 0]] <= hint[graph.edges[:, 1]]).all()


def test_the_first_hint_is_the_greedy_one() -> None:
    around = context(random_graph(np.random.default_rng(1), 8))
    first = Annealing(around, np.random.default_rng(0)).propose(3, 0.0).rankings[0]
    assert first.tolist() == greedy_hint(around).tolist()


def test_moves_that_need_carry_nothing_along_reach_every_chip() -> None:
    around = context(random_graph(np.random.default_rng(1), 8))
    annealing = Annealing(around, np.random.default_rng(0), moves=20.0, carry=False)
    assert set(annealing.propose(40, 0.0).rankings.ravel().tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize(("temperature", "kept"), [(1e-6, 1), (1e6, 2)])
def test_a_worse_partition_is_accepted_when_hot_and_refused_when_cold(temperature: float, kept: int) -> None:
    graph = random_graph(np.random.default_rng(1), 3)
    annealing = Annealing(context(graph), np.random.default_rng(0), temperature=temperature, final=temperature)
    annealing.observe(seen([1, 1, 1], 10.0))
    annealing.observe(seen([2, 2, 2], 11.0))
    assert annealing._at.tolist() == [kept] * 3


def test_a_sample_that_was_not_corrected_is_not_gone_to() -> None:
    graph = random_graph(np.random.default_rng(1), 3)
    annealing = Annealing(context(graph), np.random.default_rng(0), temperature=1e6, final=1e6)
    annealing.observe(seen([1, 1, 1], 10.0))
    annealing.observe(seen([-1, -1, -1], np.inf))
    assert annealing._at.tolist() == [1, 1, 1]
