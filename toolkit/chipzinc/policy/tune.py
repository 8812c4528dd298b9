"""`Tuner`: one graph on one package, learned while its hints are corrected: a proposer like any other.

From a trained policy this is fine-tuning, from a fresh one learning from scratch, without learning zero-shot. The
reward is bound/interval, or under a foreign judge greedy's judged interval over the sample's.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from chipzinc.baselines.driver import Budget, Corrected, Corrector, Trajectory, run_samples
from chipzinc.baselines.driver import Proposal as Hints
from chipzinc.correct.problem import Mode
from chipzinc.errors import NoAnswerError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import nearest_first
from chipzinc.policy.archive import Archive
from chipzinc.policy.draws import PASSES
from chipzinc.policy.explore import REFINE_SHARE, Explorer, Proposal
from chipzinc.policy.instance import Instance
from chipzinc.policy.learner import LearnConfig, Learner
from chipzinc.policy.network import PolicyNetwork
from chipzinc.throughput.evaluator import Evaluator


@dataclass(frozen=True)
class TuneConfig:
    """How one graph is learned.

    Attributes:
        mode: how hints are corrected.
        learning: whether the policy learns; without, it only draws.
        refine_share: share of the samples that refine the best found, once the policy learns.
        passes: of a sample that starts afresh.
        temperature: of the draws.
        learn: PPO's and imitation's.
    """

    mode: Mode = "fix"
    learning: bool = True
    refine_share: float = REFINE_SHARE
    passes: int = PASSES
    temperature: float = 1.0
    learn: LearnConfig = field(default_factory=lambda: LearnConfig(learning_rate=1e-3, epochs=4))


class Tuner:
    """A `Proposer` whose hints come from a policy that learns from what became of them.

    Args:
        network: where to begin; copied.
        instance: what to partition.
        config: how.
        first: hints to try before any of the policy's, shape [hint, group], such as those of slice.
        seed: of the draws.
        unit_us: the interval whose reward is 1; None for the bound.
        device: where to compute.
    """

    def __init__(
        self,
        network: PolicyNetwork,
        instance: Instance,
        config: TuneConfig,
        *,
        first: IntArray | None = None,
        seed: int = 0,
        unit_us: float | None = None,
        device: str = "cpu",
    ) -> None:
        self.network, self.instance, self.config = copy.deepcopy(network), instance, config
        self.first = np.empty((0, instance.coarsening.n_groups), dtype=np.int64) if first is None else first
        self.unit_us = instance.bound_us if unit_us is None else unit_us
        self.archive = Archive()
        self.learner = Learner(self.network, config.learn, device)
        self.rng = np.random.default_rng(seed)
        self.explorer = Explorer(
            self.network,
            self.archive,
            instance,
            refine_share=config.refine_share if config.learning else 0.0,
            passes=config.passes,
            device=device,
        )
        self._begun = False
        self._tried = 0  # of `first` in the batch at hand
        self._drawn = Proposal(None, None)

    def propose(self, n_samples: int, spent: float) -> Hints:
        """See `Proposer`; the policy's very first hint takes the likeliest chips."""
        tried = self.first[:n_samples]
        self.first, self._tried = self.first[n_samples:], len(tried)
        likeliest = int(not self._begun)
        self._begun = True
        self._drawn = self.explorer.propose(
            n_samples - len(tried), self.rng, temperature=self.config.temperature, most_likely=likeliest
        )
        mode = self.config.mode
        wishes = [tried if mode == "fix" else nearest_first(tried, self.instance.package.n_chips)]
        if self._drawn.parts:
            wishes.append(self._drawn.wishes(mode))
        return Hints(mode, np.concatenate(wishes))

    def observe(self, corrected: Corrected) -> None:
        """See `Proposer`; one update."""
        tried, n = self._tried, len(corrected.interval_us)
        self.archive.add(self.instance.name, corrected.group_chip[:tried], corrected.interval_us[:tried])
        if n > tried:
            seen = self.explorer.observe(
                self._drawn, corrected.group_chip[tried:], corrected.interval_us[tried:], self.unit_us
            )
            if self.config.learning:
                self.learner.learn(seen)


def tune(
    network: PolicyNetwork,
    corrector: Corrector,
    budget: Budget,
    config: TuneConfig | None = None,
    *,
    first: IntArray | None = None,
    batch: int = 20,
    seed: int = 0,
    device: str = "cpu",
    begin: float | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Trajectory:
    """Spends a budget of corrections on one graph. Ctrl-C ends it with the best so far.

    Args:
        network: where to begin; left as it is.
        corrector: corrects and judges.
        budget: when to stop.
        config: how.
        first: hints to try before any of the policy's, shape [hint, group].
        batch: hints proposed at a time.
        seed: of the draws.
        device: where to compute.
        begin: `time.monotonic()` from which seconds count; None: from now on.
        progress: called after each batch.

    Raises:
        InfeasibleError: if the rules leave no partition of the groups.
        InputError: if a rule or a parameter is wrong.
        NoAnswerError: if a foreign judge has no interval for greedy's partition.
    """
    instance = Instance.for_corrector(corrector)
    unit_us = None if corrector.judge is None else _greedys(corrector.judge, instance)
    tuner = Tuner(network, instance, config or TuneConfig(), first=first, seed=seed, unit_us=unit_us, device=device)
    return run_samples(corrector, tuner, budget, batch=batch, begin=begin, progress=progress)


def _greedys(judge: Evaluator, instance: Instance) -> float:
    """What a foreign judge says of greedy's partition, valid or not.

    Raises:
        NoAnswerError: if it says that it does not run.
    """
    (score,) = judge.score(instance.coarsening.expand(instance.greedy[None]))
    if not np.isfinite(score.interval_us):
        raise NoAnswerError("the judge gives greedy's partition no interval, so rewards have no unit")
    return score.interval_us
