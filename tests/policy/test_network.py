"""One network for every graph and package; what it says of one sample does not depend on the others."""

from __future__ import annotations

import dataclasses

import beartype.roar
import jaxtyping
import numpy as np
import pytest
import torch

from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.policy import draws, learner
from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.draws import Sampler
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork, Scores, build, candidate_tensors, graph_tensors

WRONG_SHAPE = (jaxtyping.TypeCheckError, beartype.roar.BeartypeCallHintViolation)


def scores(network: PolicyNetwork, instance: Instance, chips: np.ndarray) -> Scores:
    graph = graph_tensors(instance.features)
    with torch.no_grad():
        return network(graph, network.encode(graph), candidate_tensors(candidates_of(instance, chips)))


@pytest.mark.parametrize(
    "package",
    [varied(Variation(4)), varied(Variation(64)), *map(load_spec, ("hetero9-mesh", "simba36", "edgetpu8"))],
    ids=lambda package: package.name,
)
def test_one_network_scores_every_package(package: Package, network: PolicyNetwork) -> None:
    instance = Instance.of(load_zoo_graph("lenet5"), package)
    found = scores(network, instance, instance.greedy[None])
    assert found.logits.shape == (1, instance.coarsening.n_groups, package.n_chips)
    assert torch.isfinite(found.logits).all()
    assert found.value.shape == (1,)


def test_a_sample_is_scored_by_itself(network: PolicyNetwork, instance: Instance) -> None:
    chips = np.random.default_rng(0).integers(0, 3, (4, instance.coarsening.n_groups))
    together, alone = scores(network, instance, chips), scores(network, instance, chips[2:3])
    assert together.logits[2].numpy() == pytest.approx(alone.logits[0].numpy(), abs=1e-5)
    assert together.value[2].item() == pytest.approx(alone.value[0].item(), abs=1e-5)


def test_a_package_that_refuses_kinds_is_never_asked_for_them(network: PolicyNetwork) -> None:
    package = varied(Variation(4, slow_chips=2))
    package = dataclasses.replace(
        package,
        supported_kinds={"slow": frozenset({"conv"})},
        rules=(*package.rules, RuleUse("supported_kinds")),
    )
    instance = Instance.of(load_zoo_graph("lenet5"), package)
    refused = instance.features.refused
    assert refused.any()
    drawn = Sampler(network, instance).draw(np.tile(instance.greedy, (50, 1)), np.random.default_rng(0), passes=1)
    assert not refused[np.arange(instance.coarsening.n_groups), drawn.hint].any()


def test_renaming_ops_and_package_changes_nothing(network: PolicyNetwork, instance: Instance) -> None:
    other = dataclasses.replace(
        instance,
        name="other",
        graph=dataclasses.replace(instance.graph, op_names=tuple(f"x{op}" for op in range(instance.graph.n_ops))),
        package=dataclasses.replace(instance.package, name="other"),
    )
    ours, theirs = (scores(network, each, instance.greedy[None]) for each in (instance, other))
    assert torch.equal(ours.logits, theirs.logits)
    assert torch.equal(ours.value, theirs.value)


def test_an_untrained_policy_wants_chips_near_the_place_by_work() -> None:
    instance = Instance.of(load_zoo_graph("resnet110-cifar"), load_spec("mcm16-ring"))
    likeliest = scores(build(), instance, instance.greedy[None]).logits[0].argmax(dim=1).numpy()
    assert np.abs(likeliest - instance.features.place).max() < 2


def test_a_chip_that_cannot_run_a_group_is_never_wanted(network: PolicyNetwork, instance: Instance) -> None:
    graph = graph_tensors(instance.features)
    refused = torch.zeros_like(graph.refused)
    refused[1, 2] = True
    graph = graph._replace(refused=refused)
    with torch.no_grad():
        seen = candidate_tensors(candidates_of(instance, instance.greedy[None]))
        logits = network(graph, network.encode(graph), seen).logits
    assert torch.softmax(logits, dim=2)[0, 1, 2] == 0


def test_every_weight_is_learned(network: PolicyNetwork, instance: Instance) -> None:
    graph = graph_tensors(instance.features)
    seen = candidate_tensors(candidates_of(instance, instance.greedy[None]))
    found = network(graph, network.encode(graph), seen)
    (found.logits.square().sum() + found.value.sum()).backward()
    idle = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


def test_a_wrong_shape_is_refused(network: PolicyNetwork) -> None:
    """In each module that says shapes: the check is in place whichever test module came first."""
    log_probs, chip = torch.zeros(2, 3, 4), torch.zeros(2, 5, dtype=torch.int64)
    reward = torch.zeros(2)
    with pytest.raises(WRONG_SHAPE):
        network._steps(log_probs, chip, 4)
    with pytest.raises(WRONG_SHAPE):
        draws.chosen(log_probs, chip)
    with pytest.raises(WRONG_SHAPE):
        learner._advantages(reward, torch.zeros(3))
    assert draws.chosen(log_probs, chip[:, :3]).shape == (2, 3)


def test_what_may_move_shares_the_chips_it_is_on() -> None:
    instance = Instance.of(load_zoo_graph("resnet110-cifar"), load_spec("mcm16-ring"))
    place = instance.greedy
    free = (place >= 4) & (place <= 7)
    crowded = np.where(free, np.where(place == 7, 7, 4), place)
    graph, network = graph_tensors(instance.features), build()
    with torch.no_grad():
        seen = candidate_tensors(candidates_of(instance, crowded[None]), free=free[None])
        likeliest = network(graph, network.encode(graph), seen).logits[0].argmax(dim=1).numpy()[free]
    assert set(likeliest.tolist()) == {4, 5, 6, 7}
    assert np.abs(likeliest - place[free]).max() <= 1
