"""Learning makes likelier what was rewarded or shown, and nothing else is what it is told to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from chipzinc.policy.archive import Archive
from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.draws import Sampler
from chipzinc.policy.explore import Explorer
from chipzinc.policy.instance import Instance
from chipzinc.policy.learner import Experience, LearnConfig, Learner, _advantages
from chipzinc.policy.network import PolicyNetwork
from tests.policy.test_draws import log_probs, starts


def experience(network: PolicyNetwork, instance: Instance, rewarded_chip: int) -> Experience:
    """Samples of which those are rewarded that put group 0 on a chip."""
    drawn = Sampler(network, instance).draw(starts(instance, 64), np.random.default_rng(0), passes=1)
    reward = (drawn.hint[:, 0] == rewarded_chip).astype(np.float64)
    assert 0 < reward.mean() < 1
    return Experience(instance, drawn.passes, (reward,), (np.full_like(drawn.hint, -1),))


def test_what_was_rewarded_becomes_likelier(network: PolicyNetwork, instance: Instance) -> None:
    before = log_probs(network, instance, starts(instance, 1))[0, 0]
    learner = Learner(network, LearnConfig(learning_rate=1e-2, epochs=8, entropy_weight=0.0))
    learner.learn(experience(network, instance, 1))
    after = log_probs(network, instance, starts(instance, 1))[0, 0]
    assert after[1] > before[1]
    assert after[0] < before[0] or after[2] < before[2]


def test_the_probabilities_of_the_draws_are_those_the_learner_sees(network: PolicyNetwork, instance: Instance) -> None:
    """Every ratio is 1 before anything is learned, so with advantages of mean 0 PPO's loss is 0."""
    drawn = Sampler(network, instance).draw(starts(instance, 16), np.random.default_rng(0), passes=2)
    reward = np.random.default_rng(1).random(16)
    nothing = np.full_like(drawn.hint, -1)
    lesson = Learner(network, LearnConfig(epochs=1)).learn(
        Experience(instance, drawn.passes, (reward, reward), (nothing, nothing))
    )
    assert lesson.policy_loss == pytest.approx(0, abs=1e-5)
    assert lesson.moved == 0
    assert lesson.imitation == 0
    assert 0 < lesson.entropy <= np.log(instance.package.n_chips) + 1e-6


def test_advantages_have_no_mean_and_a_spread_of_one_unless_all_are_alike() -> None:
    reward = torch.tensor([0.0, 0.5, 1.0, 0.7])
    found = _advantages(reward, torch.tensor([0.1, 0.2, 0.3, 0.4]))
    assert found.mean().item() == pytest.approx(0, abs=1e-6)
    assert found.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert _advantages(torch.full((4,), 0.3), torch.zeros(4)).abs().max().item() < 1e-3
    assert _advantages(torch.ones(1), torch.zeros(1)).tolist() == [0.0]


def test_a_large_step_is_clipped(network: PolicyNetwork, instance: Instance) -> None:
    config = LearnConfig(learning_rate=0.05, epochs=20, value_weight=0.0, entropy_weight=0.0)
    assert Learner(network, config).learn(experience(network, instance, 1)).moved > 0


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_targets_beside_rewards_are_learned_by_their_weight(
    network: PolicyNetwork, instance: Instance, weight: float
) -> None:
    drawn = Sampler(network, instance).draw(starts(instance, 8), np.random.default_rng(0), passes=1)
    target = np.full_like(drawn.hint, -1)
    target[:, 0] = 2
    before = log_probs(network, instance, starts(instance, 1))[0, 0, 2]
    config = LearnConfig(
        learning_rate=1e-2, reward_weight=0.0, value_weight=0.0, entropy_weight=0.0, imitation_weight=weight
    )
    learner = Learner(network, config)
    learner.optimiser.param_groups[0]["weight_decay"] = 0
    lesson = learner.learn(Experience(instance, drawn.passes, (np.ones(8),), (target,)))
    after = log_probs(network, instance, starts(instance, 1))[0, 0, 2]
    assert lesson.imitation > 0
    assert after > before + 0.01 if weight else after == pytest.approx(before)


def test_without_weights_nothing_is_learned(network: PolicyNetwork, instance: Instance) -> None:
    config = LearnConfig(reward_weight=0.0, value_weight=0.0, entropy_weight=0.0, imitation_weight=0.0)
    before = log_probs(network, instance, starts(instance, 1))
    learner = Learner(network, config)
    learner.optimiser.param_groups[0]["weight_decay"] = 0
    learner.learn(experience(network, instance, 1))
    assert log_probs(network, instance, starts(instance, 1)) == pytest.approx(before)


def test_the_expected_reward_is_learned(network: PolicyNetwork, instance: Instance) -> None:
    seen = experience(network, instance, 1)
    learner = Learner(network, LearnConfig(learning_rate=1e-2, epochs=60, reward_weight=0.0))
    learner.learn(seen)
    again = Sampler(network, instance).draw(starts(instance, 1), np.random.default_rng(0), passes=1)
    assert again.passes[0].value[0] == pytest.approx(seen.reward[0].mean(), abs=0.05)


def test_held_groups_teach_nothing(network: PolicyNetwork, instance: Instance) -> None:
    free = np.zeros((32, instance.coarsening.n_groups), dtype=np.bool_)
    drawn = Sampler(network, instance).draw(starts(instance, 32), np.random.default_rng(0), passes=1, free=free)
    reward = np.linspace(0, 1, 32)
    config = LearnConfig(value_weight=0.0, entropy_weight=0.0)
    before = log_probs(network, instance, starts(instance, 1))
    learner = Learner(network, config)
    learner.optimiser.param_groups[0]["weight_decay"] = 0
    learner.learn(Experience(instance, drawn.passes, (reward,), (np.full_like(drawn.hint, -1),)))
    assert log_probs(network, instance, starts(instance, 1)) == pytest.approx(before)


def test_a_partition_that_is_shown_is_imitated(network: PolicyNetwork, instance: Instance) -> None:
    target = np.array([[2, 2, 1, 1, 0, 0, 0][: instance.coarsening.n_groups]])
    learner = Learner(network, LearnConfig(learning_rate=1e-2))
    candidates = candidates_of(instance, starts(instance, 1))
    losses = [learner.imitate(instance, candidates, target) for _ in range(60)]
    assert losses[-1] < 0.1 < losses[0]


def test_learning_goes_on_from_a_saved_state(network: PolicyNetwork, instance: Instance) -> None:
    candidates, target = candidates_of(instance, starts(instance, 1)), instance.greedy[None]
    ours = Learner(network)
    ours.imitate(instance, candidates, target)
    theirs = Learner(type(network)(network.config))
    theirs.restore(ours.state())
    assert ours.imitate(instance, candidates, target) == theirs.imitate(instance, candidates, target)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), theirs.network.parameters(), strict=True))


def test_samples_that_refine_keep_most_groups_and_have_no_target(network: PolicyNetwork, instance: Instance) -> None:
    archive = Archive()
    archive.add(instance.name, instance.greedy[None], np.array([1.0]))
    explorer = Explorer(network, archive, instance, refine_share=1.0)
    proposal = explorer.propose(40, np.random.default_rng(0))
    assert proposal.fresh is None
    assert proposal.refined is not None
    busiest = instance.model.evaluate(instance.coarsening.expand(instance.greedy)).chip_us[0].argmax()
    moves = proposal.refined.passes[0].free
    assert (moves[:, instance.greedy == busiest].all(axis=1)).mean() > 0.6
    seen = explorer.observe(proposal, proposal.wishes("fix"), np.full(40, 0.5), 1.0)
    assert (seen.target[0] == -1).all()
    assert seen.reward[0].tolist() == [2.0] * 40
