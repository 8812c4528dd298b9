"""Draws follow the policy, and say with which probability they were made."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.draws import Sampler
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork, candidate_tensors, graph_tensors

LEVEL = 1e-4  # at which the test below rejects a sampler that is right


def starts(instance: Instance, n: int) -> np.ndarray:
    return np.tile(instance.greedy, (n, 1))


def log_probs(
    network: PolicyNetwork,
    instance: Instance,
    chips: np.ndarray,
    stretch: np.ndarray | None = None,
    temperature: np.ndarray | None = None,
) -> np.ndarray:
    graph = graph_tensors(instance.features)
    with torch.no_grad():
        seen = candidate_tensors(candidates_of(instance, chips), stretch=stretch, temperature=temperature)
        logits = network(graph, network.encode(graph), seen).logits
    return torch.log_softmax(logits, dim=2).numpy()


def test_draws_of_a_group_are_as_frequent_as_the_policy_says(network: PolicyNetwork, instance: Instance) -> None:
    n = 4000
    drawn = Sampler(network, instance).draw(starts(instance, n), np.random.default_rng(1), passes=1)
    (only,) = drawn.passes
    logits = log_probs(network, instance, starts(instance, n), only.stretch) / only.temperature[:, None, None]
    said = np.exp(logits.astype(np.float64))
    said /= said.sum(axis=2, keepdims=True)
    expected = said.mean(axis=0)
    for group in range(instance.coarsening.n_groups):
        counts = np.bincount(drawn.hint[:, group], minlength=instance.package.n_chips)
        share = expected[group] / expected[group].sum()
        assert chisquare(counts, share * n).pvalue > LEVEL / instance.coarsening.n_groups


def test_every_pass_says_the_probability_of_its_draws(network: PolicyNetwork, instance: Instance) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 3), np.random.default_rng(0), passes=2)
    for each in drawn.passes:
        said = log_probs(network, instance, each.candidates.chip, each.stretch, each.temperature)
        assert each.log_prob == pytest.approx(np.take_along_axis(said, each.chip[..., None], 2)[..., 0], abs=1e-5)
    assert drawn.passes[1].candidates.chip.tolist() == drawn.passes[0].chip.tolist()


def test_a_ranking_begins_with_the_draw_and_names_every_chip_once(network: PolicyNetwork, instance: Instance) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 3), np.random.default_rng(0))
    assert drawn.ranking[..., 0].tolist() == drawn.passes[-1].chip.tolist()
    assert (np.sort(drawn.ranking, axis=2) == np.arange(instance.package.n_chips)).all()


def test_the_likeliest_sample_takes_the_likeliest_chips(network: PolicyNetwork, instance: Instance) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 2), np.random.default_rng(0), passes=1, most_likely=1)
    assert drawn.hint[0].tolist() == log_probs(network, instance, starts(instance, 1))[0].argmax(axis=1).tolist()


def test_groups_that_are_held_stay(network: PolicyNetwork, instance: Instance) -> None:
    free = np.zeros((8, instance.coarsening.n_groups), dtype=np.bool_)
    free[:, 2] = True
    drawn = Sampler(network, instance).draw(starts(instance, 8), np.random.default_rng(0), passes=2, free=free)
    stays = np.arange(instance.coarsening.n_groups) != 2
    assert (drawn.hint[:, stays] == instance.greedy[stays]).all()
    assert len(set(drawn.hint[:, 2].tolist())) > 1


def test_groups_that_are_held_stay_where_they_start_even_on_chips_that_refuse_them(
    network: PolicyNetwork, instance: Instance
) -> None:
    sampler = Sampler(network, instance)
    refused = torch.zeros_like(sampler.graph.refused)
    refused[:, 1] = True
    sampler.graph = sampler.graph._replace(refused=refused)
    start = np.ones((6, instance.coarsening.n_groups), dtype=np.int64)
    free = np.zeros(start.shape, dtype=np.bool_)
    free[:, 3] = True
    drawn = sampler.draw(start, np.random.default_rng(0), passes=2, free=free)
    assert (np.delete(drawn.hint, 3, axis=1) == 1).all()
    assert (drawn.hint[:, 3] != 1).all()
    assert np.isfinite(drawn.passes[-1].log_prob).all()


def test_a_low_temperature_draws_the_likeliest(network: PolicyNetwork, instance: Instance) -> None:
    cold = Sampler(network, instance).draw(starts(instance, 4), np.random.default_rng(0), passes=1, temperature=1e-4)
    likeliest = log_probs(network, instance, starts(instance, 1))[0].argmax(axis=1)
    assert (cold.hint == likeliest).mean() > 0.95


def test_the_same_seed_draws_the_same(network: PolicyNetwork, instance: Instance) -> None:
    one, other = (
        Sampler(network, instance).draw(starts(instance, 4), np.random.default_rng(7)).hint.tolist() for _ in range(2)
    )
    assert one == other


def test_only_samples_that_are_drawn_are_stretched_each_as_a_whole(network: PolicyNetwork, instance: Instance) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 6), np.random.default_rng(3), passes=2, most_likely=2)
    one, other = (each.stretch for each in drawn.passes)
    assert one.tolist() == other.tolist()
    assert (one[:2] == 0).all()
    assert (one[2:] != 0).all()


def test_samples_draw_temperatures_of_their_own_the_warm_ones_first(network: PolicyNetwork, instance: Instance) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 200), np.random.default_rng(3), temperature=0.5, passes=2)
    one, other = (each.temperature for each in drawn.passes)
    assert one.tolist() == other.tolist()
    assert (np.diff(one) < 0).all()
    assert 0.1 <= one.min() < 0.12 < 0.45 < one.max() <= 0.5
