"""Hints are proposed afresh and around the best known, and what came of them becomes what the learner is told."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.policy.archive import Archive
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.draws import PASSES
from chipzinc.policy.explore import _BUSIEST_SHARE, Explorer
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork

LEVEL = 1e-4  # at which the statistical tests below reject an explorer that is right


@pytest.fixture(scope="module")
def resnet() -> Instance:
    return Instance.of(load_zoo_graph("resnet20-cifar"), varied(Variation(8)))


def known(instance: Instance, *shifts: int) -> Archive:
    """An archive of greedy's partition moved by some chips, each worse than the one before."""
    archive = Archive()
    for at, shift in enumerate(shifts):
        chip = (instance.greedy + shift) % instance.package.n_chips
        archive.add(instance.name, chip[None], np.array([10.0 + at]))
    return archive


def test_nothing_is_refined_before_something_is_known(network: PolicyNetwork, resnet: Instance) -> None:
    proposal = Explorer(network, Archive(), resnet).propose(6, np.random.default_rng(0))
    assert proposal.refined is None
    assert proposal.fresh is not None
    assert [len(each.candidates) for each in proposal.fresh.passes] == [6] * PASSES
    assert (proposal.fresh.passes[0].candidates.chip == resnet.greedy).all()


@pytest.mark.parametrize(("share", "refined"), [(0.0, 0), (0.25, 2), (0.5, 4), (1.0, 8)])
def test_the_share_that_refines_is_as_asked(
    network: PolicyNetwork, resnet: Instance, share: float, refined: int
) -> None:
    explorer = Explorer(network, known(resnet, 0), resnet, refine_share=share)
    proposal = explorer.propose(8, np.random.default_rng(0))
    assert (0 if proposal.refined is None else len(proposal.refined.hint)) == refined
    assert proposal.wishes("fix").shape == (8, resnet.coarsening.n_groups)
    assert proposal.wishes("sample").shape == (8, resnet.coarsening.n_groups, 8)
    assert proposal.wishes("sample")[..., 0].tolist() == proposal.wishes("fix").tolist()


def test_the_best_known_is_refined_half_of_the_time(network: PolicyNetwork, resnet: Instance) -> None:
    explorer = Explorer(network, known(resnet, 0, 1, 2), resnet, refine_share=1.0)
    refined = explorer.propose(300, np.random.default_rng(1)).refined
    assert refined is not None
    best = int((refined.passes[0].candidates.chip == resnet.greedy).all(axis=1).sum())
    assert binomtest(best, 300, 0.5).pvalue > LEVEL


def test_most_windows_are_around_the_busiest_chip(network: PolicyNetwork, resnet: Instance) -> None:
    n = 400
    explorer = Explorer(network, known(resnet, 0), resnet)
    start = np.tile(resnet.greedy, (n, 1))
    free = explorer._windows(start, np.random.default_rng(2))
    busiest = resnet.model.evaluate(resnet.coarsening.expand(resnet.greedy)).chip_us[0].argmax()
    includes = int(free[:, resnet.greedy == busiest].all(axis=1).sum())
    assert binomtest(includes, n, _BUSIEST_SHARE, alternative="less").pvalue > LEVEL
    for row in free:  # whole chips beside each other
        chips = np.unique(resnet.greedy[row])
        assert set(resnet.greedy[~row]).isdisjoint(chips.tolist())
        assert len(chips) == 0 or (np.diff(chips) == 1).all()
    assert free.mean() < 0.75


def test_groups_outside_a_window_stay(network: PolicyNetwork, resnet: Instance) -> None:
    refined = (
        Explorer(network, known(resnet, 3), resnet, refine_share=1.0).propose(20, np.random.default_rng(0)).refined
    )
    assert refined is not None
    (only,) = refined.passes
    assert (refined.hint == only.candidates.chip)[~only.free].all()


def test_every_pass_is_told_the_reward_and_fresh_ones_the_nearest_best(
    network: PolicyNetwork, resnet: Instance
) -> None:
    archive = known(resnet, 1, 2)
    explorer = Explorer(network, archive, resnet)
    proposal = explorer.propose(4, np.random.default_rng(0))
    corrected = np.full((4, resnet.coarsening.n_groups), -1)
    corrected[1] = resnet.greedy
    seen = explorer.observe(proposal, corrected, np.array([np.inf, 5.0, np.inf, np.inf]), 4.0)
    assert archive.shortest_us(resnet.name) == 5.0
    assert archive.partition(resnet.name).tolist() == resnet.greedy.tolist()  # type: ignore[union-attr]
    assert [reward.tolist() for reward in seen.reward] == [[0.0, 0.8]] * PASSES + [[0.0, 0.0]]
    assert (seen.target[0] == resnet.greedy).all()  # the first pass begins at greedy's, which is known now
    assert (seen.target[PASSES] == -1).all()


def test_a_refinement_is_worth_no_less_than_what_it_refines_unless_it_was_not_corrected(
    network: PolicyNetwork, instance: Instance
) -> None:
    explorer = Explorer(network, known(instance, 0), instance, refine_share=1.0)
    proposal = explorer.propose(4, np.random.default_rng(0))
    (known_us,) = set(proposal.known_us.tolist())
    hint = proposal.wishes("fix")
    us = np.array([known_us * 2, known_us, known_us / 2, np.inf])
    seen = explorer.observe(proposal, hint, us, known_us)
    assert seen.reward[0].tolist() == [1.0, 1.0, 2.0, 0.0]
