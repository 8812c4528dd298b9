"""What a method of comparing is, and what it is run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from chipzinc.baselines.driver import Budget, Corrector, Trajectory
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel


@dataclass(frozen=True, eq=False)
class Case:
    """What a method is run on.

    Attributes:
        graph: the graph.
        package: the package, whose rules bind.
        session: where to solve.
        solver: the solver that corrects and searches neighbourhoods.
        progress: called with what is being done.
        judge: scores what methods find, and the samples of those that take any; None for the throughput model.
        judge_name: what the judge is called in runs; empty for the throughput model.
    """

    graph: OpGraph
    package: Package
    session: Session
    solver: str = "chuffed"
    progress: Callable[[str], None] = lambda step: None
    judge: Evaluator | None = None
    judge_name: str = ""

    def corrector(self) -> Corrector:
        """A corrector of hints, which every method that samples goes through."""
        return Corrector(self.graph, self.package, self.session, self.solver, self.judge)

    def score_us(self, chips: IntArray) -> float:
        """The judge's interval of a partition of shape [op], in µs."""
        (score,) = (self.judge or ModelEvaluator(ThroughputModel(self.graph, self.package))).score(chips[None])
        return score.interval_us


class Method(Protocol):
    """A way to find a partition.

    Attributes:
        samples: whether it takes samples, so that a budget of samples limits it.
        draws: whether another seed gives another run.
    """

    samples: ClassVar[bool]
    draws: ClassVar[bool]

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """Searches until the budget is spent.

        Raises:
            ChipzincError: if it finds nothing, or something it needs is missing.
        """
        ...
