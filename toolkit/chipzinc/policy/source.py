"""The policy as a hint source: `--hints policy`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import HintContext
from chipzinc.policy.draws import PASSES, Sampler
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork


@dataclass(frozen=True, eq=False)
class PolicyHints:
    """Draws of a trained policy, zero-shot; the first sample takes the likeliest chips.

    Attributes:
        network: the policy.
        passes: refinement passes of a sample.
    """

    network: PolicyNetwork
    passes: int = PASSES

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `chipzinc.hints.sources.HintSource`."""
        name = f"{context.graph.name}@{context.package.name}"
        instance = Instance(name, context.graph, context.package, context.coarsening)
        start = np.tile(instance.start(self.network.config.start), (n_samples, 1))
        sampler = Sampler(self.network, instance)
        return sampler.draw(start, rng, passes=self.passes, most_likely=1).ranking
