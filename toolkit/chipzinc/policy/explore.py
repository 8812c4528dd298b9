"""`Explorer`: proposes hints for one instance, and turns what came of them into experience.

Some samples begin at the hint that the policy was trained to start from and take all passes; once something valid is
known, others refine a few chips of that by one pass, so that the policy searches around the best as well as afresh.
Knows no solver: whoever calls has the hints corrected and judged in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from chipzinc.correct.problem import Mode
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.policy.archive import Archive
from chipzinc.policy.draws import PASSES, Draws, Sampler
from chipzinc.policy.instance import Instance
from chipzinc.policy.learner import Experience
from chipzinc.policy.network import PolicyNetwork

REFINE_SHARE = 0.5
"""Share of the samples that refine a partition known to hold."""

_BUSIEST_SHARE = 0.7  # of the refined samples move groups around the busiest chip, the others anywhere
_LARGEST_REWARD = 1e3  # for what takes no time at all
_NARROW = 0.4  # a window reaches so many chips to either side as it takes to draw this


@dataclass(frozen=True, eq=False)
class Proposal:
    """A batch of hints, with what it takes to learn from them.

    Attributes:
        fresh: samples from the policy's start.
        refined: samples from partitions known; None where none was.
        known_us: intervals of these partitions, shape [refined sample].
    """

    fresh: Draws | None
    refined: Draws | None
    known_us: FloatArray = field(default_factory=lambda: np.zeros(0))

    @property
    def parts(self) -> tuple[Draws, ...]:
        """Those there are, fresh ones first."""
        return tuple(part for part in (self.fresh, self.refined) if part is not None)

    def wishes(self, mode: Mode) -> IntArray:
        """What the solver is asked for: hints [sample, group], or rankings [sample, group, chip]."""
        return np.concatenate([part.hint if mode == "fix" else part.ranking for part in self.parts])


class Explorer:
    """See the head of this file.

    Args:
        network: the policy.
        archive: the best partitions known, which observing adds to.
        instance: what to partition.
        refine_share: share of the samples that refine one of these.
        passes: of a fresh sample.
        device: where the network is.
    """

    def __init__(
        self,
        network: PolicyNetwork,
        archive: Archive,
        instance: Instance,
        *,
        refine_share: float = REFINE_SHARE,
        passes: int = PASSES,
        device: torch.device | str = "cpu",
    ) -> None:
        self.network, self.archive, self.instance = network, archive, instance
        self.refine_share, self.passes, self.device = refine_share, passes, device

    def propose(
        self, n_samples: int, rng: np.random.Generator, *, temperature: float = 1.0, most_likely: int = 0
    ) -> Proposal:
        """Draws hints from the policy as it is now; `most_likely` of the fresh ones take the likeliest chips."""
        sampler = Sampler(self.network, self.instance, self.device)
        known = self.archive.best.get(self.instance.name, [])
        n_refined = round(self.refine_share * n_samples) if known else 0
        fresh = refined = None
        known_us = np.zeros(0)
        if n_samples > n_refined:
            start = np.tile(self.instance.start(self.network.config.start), (n_samples - n_refined, 1))
            fresh = sampler.draw(start, rng, passes=self.passes, temperature=temperature, most_likely=most_likely)
        if n_refined:
            # the best one half of the time, the others as often together
            place = np.minimum(rng.geometric(0.5, n_refined) - 1, len(known) - 1)
            start = np.stack([known[at][1] for at in place.tolist()])
            known_us = np.array([known[at][0] for at in place.tolist()])
            free = self._windows(start, rng)
            refined = sampler.draw(start, rng, passes=1, temperature=temperature, free=free)
        return Proposal(fresh, refined, known_us)

    def _windows(self, start: IntArray, rng: np.random.Generator) -> BoolArray:
        """Which groups of partitions may move: those on a few chips, mostly around the busiest; [sample, group]."""
        n_samples, n_chips = len(start), self.instance.package.n_chips
        load = self.instance.model.evaluate(self.instance.coarsening.expand(start)).chip_us
        middle = np.where(
            rng.random(n_samples) < _BUSIEST_SHARE, load.argmax(axis=1), rng.integers(0, n_chips, n_samples)
        )
        low = middle - np.minimum(rng.geometric(_NARROW, n_samples), n_chips)
        high = middle + np.minimum(rng.geometric(_NARROW, n_samples), n_chips)
        return (start >= low[:, None]) & (start <= high[:, None])

    def observe(self, proposal: Proposal, chip: IntArray, interval_us: FloatArray, unit_us: float) -> Experience:
        """Remembers what was found and makes experience of it.

        A refinement that is no better than what it refines counts as that, so that the policy learns what betters a
        partition and not to leave it alone.

        Args:
            proposal: what was proposed.
            chip: the corrections, shape [sample, group].
            interval_us: as judged, infinite for what was not corrected, shape [sample].
            unit_us: the interval whose reward is 1.
        """
        self.archive.add(self.instance.name, chip, interval_us)
        reward = unit_us / np.maximum(interval_us, unit_us / _LARGEST_REWARD)
        n_fresh = len(reward) - len(proposal.known_us)
        least = np.where(reward[n_fresh:] > 0, unit_us / np.maximum(proposal.known_us, unit_us / _LARGEST_REWARD), 0.0)
        reward[n_fresh:] = np.maximum(reward[n_fresh:], least)
        passes, rewards, targets, at = [], [], [], 0
        for part in proposal.parts:
            n = len(part.hint)
            for each in part.passes:
                passes.append(each)
                rewards.append(reward[at : at + n])
                targets.append(self._targets(each.candidates.chip, fresh=part is proposal.fresh))
            at += n
        return Experience(self.instance, tuple(passes), tuple(rewards), tuple(targets))

    def _targets(self, chip: IntArray, *, fresh: bool) -> IntArray:
        nearest = self.archive.nearest(self.instance.name, chip) if fresh else None
        return np.full_like(chip, -1) if nearest is None else nearest
