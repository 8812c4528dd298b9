"""Methods to compare, each by a name with settings: `annealing:temperature=0.02,batch=10`.

To add one: write a frozen dataclass whose fields are its settings, with the attributes and the one method of `Method`,
and name it in `BUILT_IN`; a package of one's own names it as an entry point of the group `chipzinc.methods`. What a
method returns is re-checked and scored by whoever runs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib import metadata
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from chipzinc.baselines.annealing import Annealing
from chipzinc.baselines.driver import Budget, Corrector, Point, Trajectory, run_samples
from chipzinc.baselines.random import Drawn
from chipzinc.correct.problem import Mode
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.explain import did_you_mean
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import (
    Greedy,
    HintContext,
    HintSource,
    Noisy,
    Slice,
    Start,
    Uniform,
    hint_source,
    slice_hint,
    start_hint,
)
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel

ENTRY_POINTS = "chipzinc.methods"
WORKERS = 2

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
AtLeastOne = Annotated[float, Field(ge=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


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
        start: whose hint it begins with.
        batch: hints proposed at a time.
    """

    temperature: Positive = 0.01
    final: Positive = 0.001
    moves: AtLeastOne = 8.0
    depth: AtLeastOne = 2.0
    start: Start = "greedy"
    batch: Count = 10
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        begin = time.monotonic()
        corrector = case.corrector()
        proposer = Annealing(
            corrector.context,
            np.random.default_rng(seed),
            temperature=self.temperature,
            final=self.final,
            moves=self.moves,
            depth=self.depth,
            start=start_hint(corrector.context, self.start),
            carry=corrector.flows_forward,
        )
        return run_samples(corrector, proposer, budget, batch=self.batch, begin=begin, progress=case.progress)


@dataclass(frozen=True)
class SliceSearch:
    """The best pipelines of consecutive slices: the quick one, then those that the rest of the time finds.

    A pipeline that breaks a rule is corrected. Under a budget of samples the quick one is its one sample.
    """

    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        """See `Method`."""
        from chipzinc.hints.search import best_slices

        begin = time.monotonic()
        context = case.corrector().context
        first = self._quick(case, context, budget, seed, begin)
        if budget.seconds is None or first.interrupted:
            return first
        check_s = time.monotonic() - begin  # more than what judging the others takes in the end
        left = budget.seconds - 2 * check_s
        found = best_slices(context, left, seed)[:_JUDGED] if left > 0 else []
        best = _first_valid(case, [chips for interval, chips in found if interval < first.interval_us])
        seconds = time.monotonic() - begin
        if best is None or seconds > budget.seconds:
            return first
        return Trajectory((*first.points, Point(1, seconds, case.score_us(best))), best, samples=1, seconds=seconds)

    def _quick(self, case: Case, context: HintContext, budget: Budget, seed: int, begin: float) -> Trajectory:
        """The quick pipeline as it is, or corrected."""
        quick = context.coarsening.expand(slice_hint(context))
        if _first_valid(case, [quick]) is None:
            return _drawn(case, Slice(), "fix", Budget(1, budget.seconds), seed, 1, begin)
        interval_us = float(ThroughputModel(case.graph, case.package).evaluate(quick).interval_us[0])
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


def optimised(
    case: Case,
    hints: HintSource,
    budget: Budget,
    seed: int,
    workers: int,
    *,
    value_order: HintSource | None = None,
) -> Trajectory:
    """What `chipzinc.improve.optimise` comes to within a budget of time."""
    from chipzinc.improve import optimise
    from chipzinc.render.objective import parse_objective

    found = optimise(
        case.graph,
        case.package,
        session=case.session,
        worker=lambda: Session(case.session.toolchain),
        hints=hints,
        objective=parse_objective("interval", case.package.source),
        solvers=(case.solver,),
        workers=workers,
        time_limit_s=budget.seconds,
        seed=seed,
        value_order=value_order,
        progress=case.progress,
    )
    return Trajectory(
        _falling([(each.seconds, each.interval_us) for each in found.incumbents]),
        found.chips,
        seconds=found.seconds["total"],
        bound_us=None if found.bound is None else found.bound.value_us,
        proven=found.proven,
        interrupted=found.interrupted,
    )


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
            interval_us = float(ThroughputModel(case.graph, case.package).evaluate(first).interval_us[0])
            known = [(spent, interval_us, first), *known]
        return Trajectory(
            _falling([(seconds, interval_us) for seconds, interval_us, _ in known]),
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


def method_names() -> tuple[str, ...]:
    """Every method there is, those of other packages last."""
    return (*BUILT_IN, *(entry.name for entry in _others() if entry.name not in BUILT_IN))


def parse_method(text: str) -> Method:
    """A method by its name and settings, such as ``annealing:temperature=0.02,batch=10``.

    Raises:
        InputError: if there is no such method or setting, or a setting's value is wrong.
    """
    name, _, written = text.partition(":")
    method = _method_class(name)
    given = dict(part.partition("=")[::2] for part in written.split(",") if part)
    known = {setting.name for setting in fields(method)}  # type: ignore[arg-type]
    for key, value in given.items():
        if key not in known:
            allowed = f"expected {', '.join(sorted(known))}" if known else "it has none"
            raise InputError(f"'{name}' has no setting '{key}': {allowed}", field="--method")
        if not value:
            raise InputError(f"the setting '{key}' of '{name}' needs a value: {key}=...", field="--method")
    try:
        return TypeAdapter(method).validate_python(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise InputError(
            f"{name}: {wrong['loc'][0]}={given[str(wrong['loc'][0])]}: {wrong['msg']}", field="--method"
        ) from None


def _method_class(name: str) -> type[Method]:
    if name in BUILT_IN:
        return BUILT_IN[name]
    for entry in _others():
        if entry.name == name:
            try:
                loaded: Any = entry.load()
            except ImportError as error:
                raise InputError(f"the method '{name}' cannot be loaded: {error}", field="--method") from error
            return loaded  # type: ignore[no-any-return]
    raise InputError(f"no method '{name}'{did_you_mean(name, method_names())}", field="--method")


def _others() -> tuple[metadata.EntryPoint, ...]:
    return tuple(metadata.entry_points(group=ENTRY_POINTS))


def _drawn(
    case: Case, source: HintSource, mode: Mode, budget: Budget, seed: int, batch: int, begin: float | None = None
) -> Trajectory:
    begin = time.monotonic() if begin is None else begin
    corrector = case.corrector()
    proposer = Drawn(source, corrector.context, mode, np.random.default_rng(seed))
    return run_samples(corrector, proposer, budget, batch=batch, begin=begin, progress=case.progress)


def _first_valid(case: Case, partitions: list[IntArray]) -> IntArray | None:
    """The first partition that the rules confirm."""
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.verify import verify

    if not partitions:
        return None
    rules = selected_rules(case.package)
    verdicts = verify(case.session, case.graph, case.package, rules, np.stack(partitions), solver=case.solver)
    return next((chips for chips, verdict in zip(partitions, verdicts, strict=True) if verdict.valid), None)


def _falling(incumbents: list[tuple[float, float]]) -> tuple[Point, ...]:
    """The points at which the interval fell."""
    points: list[Point] = []
    for seconds, interval_us in incumbents:
        if not points or interval_us < points[-1].interval_us:
            points.append(Point(0, seconds, interval_us))
    return tuple(points)
