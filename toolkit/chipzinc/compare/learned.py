"""The learned policy as methods to compare: zero-shot, fine-tuned, and learned from scratch, at equal samples.

Named by entry points of the group `chipzinc.methods`, as anybody's methods are; torch is loaded by a run alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from chipzinc.baselines.checker import Checker
from chipzinc.baselines.driver import Budget, Corrector, Trajectory
from chipzinc.compare.beginnings import LEAD_S, Beginning, begin_at
from chipzinc.compare.case import Case
from chipzinc.compare.methods import AtLeastOne, Count, Positive
from chipzinc.compare.optimised import WORKERS, optimised
from chipzinc.correct.problem import Mode
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import Slice

if TYPE_CHECKING:
    from chipzinc.policy.network import PolicyNetwork
    from chipzinc.policy.tune import TuneConfig

SHIPPED = "sliced"
"""Name of the policy that comes with the toolkit."""

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class ZeroShot:
    """Draws of a trained policy, which learns nothing more; the hint that it starts from is tried first.

    Attributes:
        policy: a checkpoint's folder, or a shipped one.
        start: what is tried first, and refined where it is a partition of single ops; None for the hint that the
            policy was trained to refine.
        lead: seconds for the start, where it takes any.
        mode: how hints are corrected.
        temperature: of the draws.
        batch: hints proposed at a time.
    """

    policy: str = SHIPPED
    start: Beginning | None = None
    lead: Positive = LEAD_S
    mode: Mode = "fix"
    temperature: Positive = 1.0
    batch: Count = 20
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `chipzinc.compare.case.Method`."""
        _need_torch()
        from chipzinc.policy.checkpoint import load_policy
        from chipzinc.policy.tune import TuneConfig

        config = TuneConfig(mode=self.mode, learning=False, temperature=self.temperature)
        network = load_policy(self.policy)
        begin = time.monotonic()
        corrector, first = begin_at(case, self.start or network.config.start, self.lead, budget, seed)
        return _spent(network, corrector, case, budget, config, first, self.batch, seed, begin)

    def policy_sha256(self) -> str:
        """See `chipzinc.compare.runs.Trained`."""
        return _sha256(self.policy)


@dataclass(frozen=True)
class FineTuned:
    """A trained policy that learns on.

    Attributes:
        policy: a checkpoint's folder, or a shipped one.
        start: what is tried before any of the policy's hints; a fresh policy refines that, and any policy does where
            it is a partition of single ops.
        lead: seconds for the start, where it takes any.
        mode: how hints are corrected.
        rate: of learning.
        epochs: passes over a batch.
        reward: weight of PPO's objective.
        imitation: weight of the cross-entropy to the best found.
        entropy: weight of the entropy.
        refine: share of the samples that refine the best found.
        solver: whether a solver corrects the hints; otherwise those that break a rule are lost.
        coarse: whether ops move in groups.
        batch: hints proposed at a time.
    """

    policy: str = SHIPPED
    start: Beginning = "greedy"
    lead: Positive = LEAD_S
    mode: Mode = "fix"
    rate: Positive = 1e-3
    epochs: AtLeastOne = 4
    reward: Weight = 1.0
    imitation: Weight = 0.3
    entropy: Weight = 0.003
    refine: Share = 0.5
    solver: bool = True
    coarse: bool = True
    batch: Count = 20
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `chipzinc.compare.case.Method`."""
        _need_torch()
        from chipzinc.policy.learner import LearnConfig
        from chipzinc.policy.tune import TuneConfig

        learn = LearnConfig(
            learning_rate=self.rate,
            epochs=int(self.epochs),
            reward_weight=self.reward,
            imitation_weight=self.imitation,
            entropy_weight=self.entropy,
        )
        config = TuneConfig(mode=self.mode, refine_share=self.refine, learn=learn)
        kind = Corrector if self.solver else Checker
        begin = time.monotonic()
        corrector, first = begin_at(case, self.start, self.lead, budget, seed, kind, self.coarse)
        return _spent(self.network(seed), corrector, case, budget, config, first, self.batch, seed, begin)

    def network(self, seed: int) -> PolicyNetwork:
        """Where learning begins."""
        from chipzinc.policy.checkpoint import load_policy

        return load_policy(self.policy)

    def policy_sha256(self) -> str:
        """See `chipzinc.compare.runs.Trained`."""
        return _sha256(self.policy)


@dataclass(frozen=True)
class Scratch(FineTuned):
    """A fresh policy that learns; its settings are those of `FineTuned`, but for the checkpoint."""

    def network(self, seed: int) -> PolicyNetwork:
        """Weights that the seed fixes."""
        from chipzinc.policy.network import build

        return build({"start": "greedy" if self.start == "greedy" else "slice"}, seed)

    def policy_sha256(self) -> str:
        """Nothing was learned before."""
        return ""


@dataclass(frozen=True)
class Ordered:
    """`optimise`, whose neighbourhoods try chips in a trained policy's order.

    Attributes:
        policy: a checkpoint's folder, or a shipped one.
        start: where it starts: slice's hint, or the policy's draws.
        workers: neighbourhoods searched at a time.
    """

    policy: str = SHIPPED
    start: Literal["slice", "policy"] = "slice"
    workers: Count = WORKERS
    samples: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `chipzinc.compare.case.Method`."""
        _need_torch()
        from chipzinc.policy.checkpoint import load_policy
        from chipzinc.policy.device import prepare
        from chipzinc.policy.source import PolicyHints

        prepare()
        order = PolicyHints(load_policy(self.policy))
        hints = Slice() if self.start == "slice" else order
        return optimised(case, hints, budget, seed, self.workers, value_order=order)

    def policy_sha256(self) -> str:
        """See `chipzinc.compare.runs.Trained`."""
        return _sha256(self.policy)


def _spent(
    network: PolicyNetwork,
    corrector: Corrector,
    case: Case,
    budget: Budget,
    config: TuneConfig,
    first: IntArray,
    batch: int,
    seed: int,
    begin: float,
) -> Trajectory:
    from chipzinc.policy.device import prepare
    from chipzinc.policy.tune import tune

    prepare()
    return tune(
        network,
        corrector,
        budget,
        config,
        first=first[None],
        batch=batch,
        seed=seed,
        begin=begin,
        progress=case.progress,
    )


def _sha256(policy: str) -> str:
    _need_torch()
    from chipzinc.policy.checkpoint import policy_sha256

    return policy_sha256(policy)


def _need_torch() -> None:
    """Checks that the extra `policy` is there.

    Raises:
        InputError: if it is not.
    """
    try:
        import chipzinc.policy.network  # noqa: F401
    except ImportError as error:
        raise InputError(f"the policy needs the extra 'policy': {error}", field="--method") from None
