"""The methods to compare that come with the toolkit.

To add one: write a frozen dataclass whose fields are its settings, with the attributes and the one method of
`chipzinc.compare.case.Method`, and name it in `BUILT_IN`; a package of one's own names it as an entry point of the
group `chipzinc.methods`. What a method returns is re-checked and scored by whoever runs it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from chipzinc.baselines.annealing import Annealing
from chipzinc.baselines.driver import Budget, Point, Trajectory, run_samples
from chipzinc.baselines.random import Drawn
from chipzinc.compare.beginnings import LEAD_S, Beginning, begin_at
from chipzinc.compare.case import Case, Method
from chipzinc.compare.optimised import WORKERS, falling, optimised
from chipzinc.correct.problem import Mode
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.sources import (
    Greedy,
    HintContext,
    HintSource,
    Noisy,
    Slice,
    Uniform,
    hint_source,
    slice_hint,
)
from chipzinc.throughput.model import ThroughputModel

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
AtLeastOne = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class GreedyOnce:
    """The greedy hint, corrected."""

    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = False

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        return _drawn(case, Greedy(), "fix", Budget(1, budget.seconds), seed, 1)


@dataclass(frozen=True)
class RandomSearch:
    """Uniform SAMPLE: every order of every group's chips is as likely.

    Attributes:
        batch: samples a solver process.
    """

    batch: Count = 20
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    source: ClassVar[HintSource] = Uniform()
    mode: ClassVar[Mode] = "sample"

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        return _drawn(case, self.source, self.mode, budget, seed, self.batch)


@dataclass(frozen=True)
class NoisySlices(RandomSearch):
    """Slices with some groups moved, corrected.

    Attributes:
        batch: samples a solver process.
    """

    source: ClassVar[HintSource] = Noisy()
    mode: ClassVar[Mode] = "fix"


@dataclass(frozen=True)
class SimulatedAnnealing:
    """`chipzinc.baselines.annealing`.

    Attributes:
        temperature: in the beginning, a share of the interval.
        final: in the end.
        moves: mean moves of a hint.
        depth: mean place from a chip's border at which a move takes a group.
        start: what it begins with.
        lead: seconds for that, where it takes any.
        batch: hints proposed at a time.
    """

    temperature: Positive = 0.01
    final: Positive = 0.001
    moves: AtLeastOne = 8.0
    depth: AtLeastOne = 2.0
    start: Beginning = "greedy"
    lead: Positive = LEAD_S
    batch: Count = 10
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        begin = time.monotonic()
        corrector, first = begin_at(case, self.start, self.lead, budget, seed)
        proposer = Annealing(
            corrector.context,
            np.random.default_rng(seed),
            temperature=self.temperature,
            final=self.final,
            moves=self.moves,
            depth=self.depth,
            start=first,
            carry=corrector.flows_forward,
        )
        return run_samples(corrector, proposer, budget, batch=self.batch, begin=begin, progress=case.progress)


@dataclass(frozen=True)
class SliceSearch:
    """The best pipelines of consecutive slices: the quick one, then those that the rest of the time finds.

    A pipeline that breaks a rule is corrected. Under a budget of samples alone the quick one is its one sample, unless
    it is told to take its time.

    Attributes:
        seconds: time to spend, about, also where samples alone are limited; 0 for what the budget says.
    """

    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        from chipzinc.hints.search import best_slices

        begin = time.monotonic()
        context = case.corrector().context
        first = self._quick(case, context, budget, seed, begin)
        limit_s = min((limit for limit in (budget.seconds, self.seconds) if limit), default=0.0)
        if not limit_s or first.interrupted:
            return first
        check_s = time.monotonic() - begin  # more than what judging the others takes in the end
        left = limit_s - 2 * check_s
        found = best_slices(context, left, seed)[:_JUDGED] if left > 0 else []
        quick_us = np.inf if first.chips is None else _modelled_us(case, first.chips)
        best = _first_valid(case, [chips for interval, chips in found if interval < quick_us])
        seconds = time.monotonic() - begin
        late = budget.seconds is not None and seconds > budget.seconds
        if best is None or late or (best_us := case.score_us(best)) >= first.interval_us:
            return first
        return Trajectory((*first.points, Point(1, seconds, best_us)), best, samples=1, seconds=seconds)

    def _quick(self, case: Case, context: HintContext, budget: Budget, seed: int, begin: float) -> Trajectory:
        """The quick pipeline as it is, or corrected."""
        quick = context.coarsening.expand(slice_hint(context))
        if _first_valid(case, [quick]) is None:
            return _drawn(case, Slice(), "fix", Budget(1, budget.seconds), seed, 1, begin)
        interval_us = case.score_us(quick)
        seconds = time.monotonic() - begin
        return Trajectory((Point(1, seconds, interval_us),), quick, samples=1, seconds=seconds)


@dataclass(frozen=True)
class Optimise:
    """`chipzinc partition --mode optimise`.

    Attributes:
        hints: where it starts.
        workers: neighbourhoods searched at a time.
    """

    hints: Literal["greedy", "slice", "noisy", "random"] = "slice"
    workers: Count = WORKERS
    samples: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        return optimised(case, hint_source(self.hints), budget, seed, self.workers)


@dataclass(frozen=True)
class DirectCpSat:
    """CP-SAT on a model written for it by hand: what an engineer would use instead of this toolkit.

    Its bound holds for partitions of the groups, so that it is not told as one on all partitions.

    Attributes:
        workers: CP-SAT's own.
        slice_hint: whether it is given the quick slice to begin with, which counts as found if it keeps the rules.
    """

    workers: Count = WORKERS
    slice_hint: bool = True
    samples: ClassVar[bool] = False
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        if find_spec("ortools") is None:
            raise InputError("cp-sat needs OR-Tools: pip install 'chipzinc[cpsat]'", field="--method")
        from chipzinc.baselines.direct_cpsat import solve

        begin = time.monotonic()
        context = case.corrector().context
        hint = context.coarsening.expand(slice_hint(context)) if self.slice_hint else None
        first = None if hint is None else _first_valid(case, [hint])
        spent = time.monotonic() - begin
        limit_s = max(1e-3, (budget.seconds or 0.0) - spent)
        found = solve(case.graph, case.package, time_limit_s=limit_s, workers=self.workers, seed=seed, hint=hint)
        known = [(each.seconds + spent, each.interval_us, each.chips) for each in found.incumbents]
        if first is not None:
            interval_us = _modelled_us(case, first)
            known = [(spent, interval_us, first), *known]
        return Trajectory(
            falling([(seconds, interval_us) for seconds, interval_us, _ in known]),
            min(known, key=lambda each: each[1])[2] if known else None,
            seconds=time.monotonic() - begin,
        )


BUILT_IN: Mapping[str, type[Method]] = {
    "greedy": GreedyOnce,
    "random": RandomSearch,
    "noisy": NoisySlices,
    "annealing": SimulatedAnnealing,
    "slice": SliceSearch,
    "optimise": Optimise,
    "cp-sat": DirectCpSat,
}

_JUDGED = 4  # pipelines that the rules are asked about


def _drawn(
    case: Case, source: HintSource, mode: Mode, budget: Budget, seed: int, batch: int, begin: float | None = None
) -> Trajectory:
    begin = time.monotonic() if begin is None else begin
    corrector = case.corrector()
    proposer = Drawn(source, corrector.context, mode, np.random.default_rng(seed))
    return run_samples(corrector, proposer, budget, batch=batch, begin=begin, progress=case.progress)


def _modelled_us(case: Case, chips: IntArray) -> float:
    """The throughput model's interval of a partition of shape [op], whoever judges."""
    return float(ThroughputModel(case.graph, case.package).evaluate(chips).interval_us[0])


def _first_valid(case: Case, partitions: list[IntArray]) -> IntArray | None:
    """The first partition that the rules confirm."""
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.verify import verify

    if not partitions:
        return None
    rules = selected_rules(case.package)
    verdicts = verify(case.session, case.graph, case.package, rules, np.stack(partitions), solver=case.solver)
    return next((chips for chips, verdict in zip(partitions, verdicts, strict=True) if verdict.valid), None)
