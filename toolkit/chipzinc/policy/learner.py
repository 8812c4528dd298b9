"""`Learner`: a network and its optimiser, taught by rewards (PPO) and by the best partitions known (imitation).

PPO is that of Schulman et al., arXiv 1707.06347, eq. 7, with one ratio a group and one advantage a sample, since all
groups draw at once. Imitation of what was found before is that of Oh et al., ICML 2018, with the best partitions in
place of the best returns. Knows no solver.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.policy.candidate import Candidates
from chipzinc.policy.draws import Pass, chosen
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import CandidateTensors, PolicyNetwork, candidate_tensors, graph_tensors

_LEAST_SPREAD = 1e-3  # of rewards, below which differences are noise


@dataclass(frozen=True)
class LearnConfig:
    """How a learner learns.

    Attributes:
        learning_rate: Adam's.
        epochs: passes over one batch of experience.
        clip: PPO's epsilon.
        reward_weight: of PPO's objective; 0 turns it off.
        value_weight: of the squared error of the expected reward.
        entropy_weight: of the mean entropy of a group.
        imitation_weight: of the cross-entropy to the nearest of the best partitions known; 0 turns it off.
        max_gradient: its norm is cut to this.
    """

    learning_rate: float = 3e-4
    epochs: int = 3
    clip: float = 0.2
    reward_weight: float = 1.0
    value_weight: float = 0.5
    entropy_weight: float = 0.003
    imitation_weight: float = 0.3
    max_gradient: float = 1.0

    def as_dict(self) -> dict[str, float]:
        """Plain data, for a checkpoint."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Experience:
    """Samples of one instance and what came of them, pass by pass.

    Attributes:
        instance: what they are of.
        passes: every pass of every sample.
        reward: of the samples of each pass, each of shape [sample].
        target: what the draws of each pass should rather have been, each of shape [sample, group]; -1 for no matter.
    """

    instance: Instance
    passes: tuple[Pass, ...]
    reward: tuple[FloatArray, ...]
    target: tuple[IntArray, ...]


@dataclass(frozen=True)
class Lesson:
    """What one update said of itself; means over its epochs.

    Attributes:
        policy_loss: PPO's, lower is better.
        value_loss: squared error of the expected reward.
        entropy: of a group, in nats.
        imitation: cross-entropy to the best known, in nats a group; 0 where none was known.
        moved: share of the ratios that were clipped.
    """

    policy_loss: float = 0.0
    value_loss: float = 0.0
    entropy: float = 0.0
    imitation: float = 0.0
    moved: float = 0.0


class Learner:
    """Trains a network.

    Args:
        network: what is trained, in place.
        config: how.
        device: where it is.
    """

    def __init__(
        self, network: PolicyNetwork, config: LearnConfig | None = None, device: torch.device | str = "cpu"
    ) -> None:
        self.network, self.config, self.device = network.to(device), config or LearnConfig(), device
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=self.config.learning_rate, foreach=True)

    def learn(self, experience: Experience) -> Lesson:
        """One update by PPO and imitation on a batch of samples."""
        passes = experience.passes
        graph = graph_tensors(experience.instance.features, self.device)
        seen = _joined([p.tensors(self.device) for p in passes])
        drawn = self._tensor(np.concatenate([each.chip for each in passes]), torch.int64)
        log_prob = self._tensor(np.concatenate([each.log_prob for each in passes]))
        free = seen.free.float()
        share = free / free.sum().clamp(min=1)
        reward = self._tensor(np.concatenate(experience.reward))
        advantage = _advantages(reward, self._tensor(np.concatenate([each.value for each in passes])))
        target = self._tensor(np.concatenate(experience.target), torch.int64)
        lessons = []
        for _ in range(self.config.epochs):
            scores = self.network(graph, self.network.encode(graph), seen)
            log_probs = torch.log_softmax(scores.logits, dim=2)
            ratio = torch.exp(chosen(log_probs, drawn) - log_prob)
            clipped = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
            policy = -(torch.minimum(ratio * advantage[:, None], clipped * advantage[:, None]) * share).sum()
            value = (scores.value - reward).square().mean()
            entropy = -((log_probs.exp() * log_probs).sum(dim=2) * share).sum()
            imitation = _cross_entropy(log_probs, target)
            self._step(
                self.config.reward_weight * policy
                + self.config.value_weight * value
                - self.config.entropy_weight * entropy
                + self.config.imitation_weight * imitation
            )
            moved = ((ratio != clipped) * share).sum()
            lessons.append([each.item() for each in (policy, value, entropy, imitation, moved)])
        return Lesson(*np.mean(lessons, axis=0).tolist())

    def imitate(
        self, instance: Instance, candidates: Candidates, target: IntArray, free: BoolArray | None = None
    ) -> float:
        """One step towards targets, -1 for no matter; returns the cross-entropy in nats a group.

        Args:
            instance: what they are of.
            candidates: what is refined.
            target: shape [sample, group].
            free: which groups may move, shape [sample, group]; None: all.
        """
        graph = graph_tensors(instance.features, self.device)
        scores = self.network(graph, self.network.encode(graph), candidate_tensors(candidates, self.device, free=free))
        log_probs = torch.log_softmax(scores.logits, dim=2)
        loss = _cross_entropy(log_probs, self._tensor(target, torch.int64))
        self._step(loss)
        return float(loss.item())

    def state(self) -> dict[str, Any]:
        """Everything that learning goes on from."""
        return copy.deepcopy({"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()})

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from `state`."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _step(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.config.max_gradient)
        self.optimiser.step()

    def _tensor(self, array: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.as_tensor(array, dtype=dtype, device=self.device)


def _advantages(reward: Float[Tensor, " sample"], value: Float[Tensor, " sample"]) -> Float[Tensor, " sample"]:
    """Rewards above what was expected, scaled to a spread of 1 over the batch."""
    above = reward - value
    return (above - above.mean()) / above.std(correction=0).clamp(min=_LEAST_SPREAD)


def _cross_entropy(
    log_probs: Float[Tensor, "sample group chip"], target: Int[Tensor, "sample group"]
) -> Float[Tensor, ""]:
    """Mean over the groups that have a target, in nats; 0 where none has."""
    known = target >= 0
    missed = -chosen(log_probs, target.clamp(min=0)) * known
    return missed.sum() / known.sum().clamp(min=1)


def _joined(batches: list[CandidateTensors]) -> CandidateTensors:
    """The candidates of several passes as one batch."""
    return CandidateTensors(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
