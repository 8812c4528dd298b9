"""The policy as a hint source: `--hints policy`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import HintContext, nearest_first
from chipzinc.policy.draws import PASSES, Sampler
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork


@dataclass(frozen=True, eq=False)
class PolicyHints:
    """Draws of a trained policy, zero-shot.

    The first sample is the hint that the policy starts from, the second takes the likeliest chips; a single one does.

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
        start = instance.start(self.network.config.start)[None]
        tried = nearest_first(start[: int(n_samples > 1)], context.package.n_chips)
        begin = np.tile(start, (n_samples - len(tried), 1))
        drawn = Sampler(self.network, instance).draw(begin, rng, passes=self.passes, most_likely=1)
        return np.concatenate([tried, drawn.ranking])
