"""`run_samples()`: a proposer's hints, corrected and scored batch after batch until a budget is spent.

To add a proposer: write a class with the two methods of `Proposer`. Here it is seen what a sample cost and which was
the best; nothing here knows how hints come about.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from chipzinc.correct.problem import Mode, Problem
from chipzinc.correct.projection import project
from chipzinc.errors import InputError, SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.grouping import group_ops
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import HintContext
from chipzinc.rules.catalogue import selected_rules
from chipzinc.settle import settle
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel

NOT_CORRECTED = -1
"""Stands for the chip of every group of a sample that was not corrected in time."""

_BATCH_LIMIT_S = 30.0  # where nothing else limits a batch, for compiling it
_SAMPLE_LIMIT_S = 5.0  # and for each of its samples: a stuck one must not hold up the others
_END_S = 0.3  # before the end of its time a batch has to be done, so that it can be scored


@dataclass(frozen=True)
class Budget:
    """What a method may spend; at least one of the two is given.

    Attributes:
        samples: hints to correct.
        seconds: wall time, all included.
    """

    samples: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.samples is None and self.seconds is None:
            raise InputError("expected a number of samples, a time, or both")

    def spent(self, samples: int, seconds: float) -> float:
        """Share that is spent, 1 where nothing is left."""
        by_samples = 0.0 if self.samples is None else samples / self.samples
        by_time = 0.0 if self.seconds is None else seconds / self.seconds
        return min(1.0, max(by_samples, by_time))

    def left_s(self, seconds: float) -> float:
        """Seconds left after so many, 0 where none are, infinite where time is not limited."""
        return math.inf if self.seconds is None else max(0.0, self.seconds - seconds)


@dataclass(frozen=True)
class Point:
    """A best partition so far.

    Attributes:
        samples: samples taken until then, this one included; 0 for a method that takes none.
        seconds: since the method's beginning.
        interval_us: the interval.
    """

    samples: int
    seconds: float
    interval_us: float


@dataclass(frozen=True, eq=False)
class Trajectory:
    """How a method went.

    Attributes:
        points: each best so far in its turn.
        chips: the best partition, chip of each op, shape [op]; None if none was found.
        samples: samples taken, those not corrected in time included; 0 for a method that takes none.
        timed_out: samples that were not corrected in time.
        seconds: wall time.
        bound_us: a lower bound on the interval of every partition, if the method proved one.
        proven: whether the method proved its partition the best.
        interrupted: whether Ctrl-C ended it early.
    """

    points: tuple[Point, ...]
    chips: IntArray | None
    samples: int = 0
    timed_out: int = 0
    seconds: float = 0.0
    bound_us: float | None = None
    proven: bool = False
    interrupted: bool = False

    @property
    def interval_us(self) -> float:
        """The best interval, infinite where nothing was found."""
        return self.points[-1].interval_us if self.points else math.inf

    def after(self, *, samples: float = math.inf, seconds: float = math.inf) -> float:
        """The best interval after so many samples and seconds, infinite where nothing was found by then."""
        seen = [each.interval_us for each in self.points if each.samples <= samples and each.seconds <= seconds]
        return min(seen, default=math.inf)


@dataclass(frozen=True, eq=False)
class Proposal:
    """A batch of hints.

    Attributes:
        mode: how they are to be corrected.
        rankings: chips of each group from the most to the least wanted, shape [sample, group, chip]; for FIX also the
            chips hinted alone, shape [sample, group].
    """

    mode: Mode
    rankings: IntArray


@dataclass(frozen=True, eq=False)
class Corrected:
    """What became of a batch of hints.

    Attributes:
        group_chip: chip of each group, -1 throughout a sample not corrected in time, shape [sample, group].
        interval_us: as the judge scored it, infinite for a sample not corrected, shape [sample].
        interrupted: whether Ctrl-C ended the correcting.
    """

    group_chip: IntArray
    interval_us: FloatArray
    interrupted: bool = False


class Proposer(Protocol):
    """Proposes hints, and may learn from what became of them."""

    def propose(self, n_samples: int, spent: float) -> Proposal:
        """A batch of hints.

        Args:
            n_samples: hints in the batch.
            spent: share of the budget that is spent, 0 in the beginning.
        """
        ...

    def observe(self, corrected: Corrected) -> None:
        """Sees what became of the hints proposed last, in their order."""
        ...


@dataclass(eq=False)
class Corrector:
    """Corrects and scores batches of hints for one graph; what was compiled for one batch serves the next.

    Attributes:
        graph: the graph.
        package: the package, whose rules bind.
        session: where to solve.
        solver: a solver that honours search annotations.
        judge: scores corrected partitions; None for the throughput model.
        coarse: whether ops move in groups; otherwise each op is a group of its own.
        partition: a partition that hints are to be able to say, chip of each op, shape [op]: groups that it splits are
            split; None for the usual groups.
    """

    graph: OpGraph
    package: Package
    session: Session
    solver: str = "chuffed"
    judge: Evaluator | None = None
    coarse: bool = True
    partition: IntArray | None = None
    coarsening: Coarsening = field(init=False)
    context: HintContext = field(init=False)

    def __post_init__(self) -> None:
        rules = selected_rules(self.package)
        groups = group_ops(self.graph, self.package, partition=self.partition) if self.coarse else None
        self.coarsening = groups or Coarsening.identity(self.graph)
        self._hard = {selected.name for selected in rules if selected.hard}
        self.flows_forward = "acyclic_dataflow" in self._hard
        no_jumps = "triangle_dependency" in self._hard
        self.context = HintContext(self.graph, self.package, self.coarsening, no_jumps=no_jumps)
        self._judge = self.judge or ModelEvaluator(ThroughputModel(self.graph, self.package))
        self._problem = Problem(self.graph, self.package, rules, self.coarsening.group_of)

    def __call__(self, proposal: Proposal, time_limit_s: float | None = None) -> Corrected:
        """Corrects and scores a batch.

        Raises:
            InfeasibleError: if no valid partition of the groups exists.
            SolverError: if the solver fails before it has corrected anything.
        """
        batch = settle(
            self.session,
            self._problem,
            self._asked(proposal),
            mode=proposal.mode,
            solver=self.solver,
            time_limit_s=time_limit_s,
        )
        self._problem = batch.problem  # what overflowed once stays forbidden
        group_chip = np.full((len(batch.corrections), self.coarsening.n_groups), NOT_CORRECTED)
        for correction in batch.corrections:
            if correction.group_chip is not None:
                group_chip[correction.sample] = correction.group_chip
        return Corrected(group_chip, self.intervals(group_chip), batch.interrupted)

    def first_hints(self, proposal: Proposal) -> IntArray:
        """The chips hinted, or those wanted most, shape [sample, group]."""
        return proposal.rankings[..., 0] if proposal.rankings.ndim == 3 else proposal.rankings

    def _asked(self, proposal: Proposal) -> IntArray:
        """What to ask the solver for: FIX hints are projected first where that is sound, as `partition` does."""
        if proposal.mode == "sample":
            return proposal.rankings
        return project(self.first_hints(proposal), self.coarsening.edges, self.package.n_chips, self._hard)

    def intervals(self, group_chip: IntArray) -> FloatArray:
        """Interval of each sample in µs, shape [sample]; equal partitions are scored once."""
        found = (group_chip >= 0).all(axis=1)
        intervals = np.full(len(group_chip), np.inf)
        if found.any():
            distinct, which = np.unique(group_chip[found], axis=0, return_inverse=True)
            scores = self._judge.score(self.coarsening.expand(distinct))
            intervals[found] = np.array([score.interval_us for score in scores])[which.reshape(-1)]
        return intervals


def run_samples(
    corrector: Corrector,
    proposer: Proposer,
    budget: Budget,
    *,
    batch: int = 20,
    begin: float | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Trajectory:
    """Proposes, corrects, scores and observes until the budget is spent. Ctrl-C ends it, with the best so far.

    Where time is limited, the first hint is a batch of its own, so that there is an answer as soon as may be. What
    comes after the time counts only where there was no answer before.

    Args:
        corrector: corrects and scores.
        proposer: proposes and observes.
        budget: when to stop.
        batch: hints proposed at a time.
        begin: `time.monotonic()` from which seconds count; None: from now on.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if no valid partition of the groups exists.
        SolverError: if the solver fails on a batch, unless it does so at the end of the time and after an answer.
    """
    begin = time.monotonic() if begin is None else begin
    went = Trajectory((), None)
    while (spent := budget.spent(went.samples, time.monotonic() - begin)) < 1 and not went.interrupted:
        most = 1 if budget.seconds is not None and not went.samples else batch
        wanted = most if budget.samples is None else min(most, budget.samples - went.samples)
        try:
            proposal = proposer.propose(wanted, spent)
            left_s = budget.left_s(time.monotonic() - begin) - _END_S
            corrected = corrector(proposal, max(1e-3, min(_BATCH_LIMIT_S + _SAMPLE_LIMIT_S * wanted, left_s)))
            seconds = time.monotonic() - begin
            if went.points and not budget.left_s(seconds):
                break
            went = _noted(went, corrected, corrector.coarsening, seconds)
            proposer.observe(corrected)
        except KeyboardInterrupt:
            went = replace(went, interrupted=True)
        except SolverError:
            if not went.points or budget.left_s(time.monotonic() - begin) > 2 * _END_S:
                raise
            break
        found = f"best {went.interval_us:.6g} µs" if went.points else "none corrected yet"
        progress(f"{went.samples} samples, {found}")
    return replace(went, seconds=time.monotonic() - begin)


def _noted(went: Trajectory, corrected: Corrected, coarsening: Coarsening, seconds: float) -> Trajectory:
    """The trajectory with one more batch."""
    points, chips = list(went.points), went.chips
    best = went.interval_us
    for place, interval_us in enumerate(corrected.interval_us.tolist()):
        if interval_us < best:
            best = interval_us
            points.append(Point(went.samples + place + 1, seconds, interval_us))
            chips = coarsening.expand(corrected.group_chip[place])
    return replace(
        went,
        points=tuple(points),
        chips=chips,
        samples=went.samples + len(corrected.interval_us),
        timed_out=went.timed_out + int((corrected.group_chip < 0).any(axis=1).sum()),
        interrupted=corrected.interrupted,
    )
