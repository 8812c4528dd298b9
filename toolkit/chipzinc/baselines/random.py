"""Hints drawn from a source, whatever became of those before: random search, or any hint source over and over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.baselines.driver import Corrected, Proposal
from chipzinc.correct.problem import Mode
from chipzinc.hints.sources import HintContext, HintSource


@dataclass(eq=False)
class Drawn:
    """Independent draws of a hint source; `Uniform` under SAMPLE is random search.

    Attributes:
        source: where hints are drawn.
        context: what the source may look at.
        mode: how its hints are corrected.
        rng: of the draws.
    """

    source: HintSource
    context: HintContext
    mode: Mode
    rng: np.random.Generator

    def propose(self, n_samples: int, spent: float) -> Proposal:
        """See `Proposer`."""
        return Proposal(self.mode, self.source.rankings(self.context, n_samples, self.rng))

    def observe(self, corrected: Corrected) -> None:
        """Learns nothing."""
