"""Hints drawn from the policy: a few passes, each refining what the one before it drew.

Within a pass all groups draw at once (non-autoregressive), given how the sample is stretched and at which temperature,
which the policy has no say in; the log-probability of a sample is the sum over passes and groups. Knows the network, no
solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.policy.candidate import Candidates, candidates_of
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import (
    CandidateTensors,
    Encoded,
    GraphTensors,
    PolicyNetwork,
    candidate_tensors,
    graph_tensors,
)

PASSES = 4
"""Passes of one sample: the first refines greedy's partition or the best one known."""

_STRETCH = 0.4
"""Largest spread of the factors on what groups take up, in nats; each sample draws its own below it.

Draws of single groups cancel out along a pipeline; these move its cuts together.
"""

_COOLEST = 0.2
"""Lowest temperature of a sample; each draws its own between this and 1, by its logarithm.

Cool samples differ by little but how they are stretched; warm ones find what the policy does not know. Warm ones come
first, since their corrections are found sooner where rules tie much together.
"""


@dataclass(frozen=True, eq=False)
class Pass:
    """One pass of a batch of samples.

    Attributes:
        candidates: what was refined.
        chip: what was drawn, shape [sample, group].
        log_prob: of each draw when it was made, shape [sample, group].
        free: which groups drew; the others stayed where they were, shape [sample, group].
        stretch: logarithm of a factor on what each group takes up, drawn before, shape [sample, group].
        temperature: that divided the logits, drawn before, shape [sample].
        value: reward expected then, shape [sample].
    """

    candidates: Candidates
    chip: IntArray
    log_prob: FloatArray
    free: BoolArray
    stretch: FloatArray
    temperature: FloatArray
    value: FloatArray

    def tensors(self, device: torch.device | str = "cpu") -> CandidateTensors:
        """What the network saw."""
        return candidate_tensors(
            self.candidates, device, free=self.free, stretch=self.stretch, temperature=self.temperature
        )


@dataclass(frozen=True, eq=False)
class Draws:
    """A batch of samples of one instance.

    Attributes:
        passes: in order.
        ranking: chips of each group from the most to the least wanted in the last pass, by Gumbel top-k, shape
            [sample, group, chip]; the first of each is that pass's draw.
    """

    passes: tuple[Pass, ...]
    ranking: IntArray

    @property
    def hint(self) -> IntArray:
        """The chips drawn last, shape [sample, group]."""
        return self.ranking[..., 0]


class Sampler:
    """Draws from a network for one instance; the graph is embedded once.

    Args:
        network: the policy, not trained meanwhile.
        instance: what to partition.
        device: where the network is.
    """

    def __init__(self, network: PolicyNetwork, instance: Instance, device: torch.device | str = "cpu") -> None:
        self.network, self.instance, self.device = network, instance, device
        with torch.no_grad():
            self.graph: GraphTensors = graph_tensors(instance.features, device)
            self.encoded: Encoded = network.encode(self.graph)

    def draw(
        self,
        start: IntArray,
        rng: np.random.Generator,
        *,
        passes: int = PASSES,
        temperature: float = 1.0,
        most_likely: int = 0,
        free: BoolArray | None = None,
    ) -> Draws:
        """Draws one sample from each start.

        Args:
            start: the partitions that the first pass refines, shape [sample, group].
            rng: of the draws.
            passes: how many.
            temperature: scales those that samples draw, and how far they are stretched.
            most_likely: so many of the first samples take the likeliest chips, unstretched, instead of drawing.
            free: which groups draw, the others stay where they start, shape [sample, group]; None: all.
        """
        done, chip, ranking = [], start, start[..., None]
        may = np.ones(start.shape, dtype=np.bool_) if free is None else free
        spread = rng.uniform(0, temperature * _STRETCH, (len(start), 1))
        spread[:most_likely] = 0.0
        stretch = spread * rng.standard_normal(start.shape)
        heat = temperature * _COOLEST ** np.sort(rng.random(len(start)))
        for _ in range(passes):
            candidates = candidates_of(self.instance, chip)
            with torch.no_grad():
                seen = candidate_tensors(candidates, self.device, free=may, stretch=stretch, temperature=heat)
                scores = self.network(self.graph, self.encoded, seen)
                log_probs = torch.log_softmax(scores.logits, dim=2).cpu()
            noise = rng.gumbel(size=log_probs.shape)
            noise[:most_likely] = 0.0
            wish = log_probs.numpy() + noise
            sample, group = np.nonzero(~may)
            wish[sample, group, chip[sample, group]] = np.inf
            ranking = np.argsort(-wish, axis=2, kind="stable")
            chip = ranking[..., 0]
            drawn = chosen(log_probs, torch.as_tensor(chip))
            value = scores.value.cpu().double().numpy()
            done.append(Pass(candidates, chip, drawn.double().numpy(), may, stretch, heat, value))
        return Draws(tuple(done), ranking)


def chosen(
    log_probs: Float[Tensor, "sample group chip"], chip: Int[Tensor, "sample group"]
) -> Float[Tensor, "sample group"]:
    """The log-probability of each group's chip."""
    return log_probs.gather(2, chip[..., None]).squeeze(2)
