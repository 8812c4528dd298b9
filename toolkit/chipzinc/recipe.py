"""`partition()`: the recipe from a graph and a package to a scored, re-checked partition.

Everything it uses stands in a module of its own; nothing here knows files, MiniZinc or the command line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from chipzinc.bounds.simple import Bound, simple_bound
from chipzinc.correct.overflow import CorrectedBatch
from chipzinc.correct.problem import Mode, Problem
from chipzinc.correct.projection import project
from chipzinc.designs.misfit import find_misfit
from chipzinc.errors import InfeasibleError, NoAnswerError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.grouping import group_ops
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import Given, HintContext, HintSource
from chipzinc.rules.catalogue import SelectedRule, selected_rules
from chipzinc.settle import settle
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import Verdict, verify

Progress = Callable[[str], None]

_GRACE_S = 2.0  # past the limit, to say why nothing can be
_NO_TIME_FOR_OPS = "no partition of the groups holds, and no time is left to try the ops themselves: see --time-limit"


@dataclass
class Stopwatch:
    """Seconds spent in each step of the recipe."""

    seconds: dict[str, float] = field(default_factory=lambda: {"solve": 0.0, "render": 0.0, "score": 0.0})

    def add(self, step: str, since: float) -> None:
        """Books the time since a `time.monotonic()` on a step."""
        self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - since


@dataclass(frozen=True, eq=False)
class Partitioned:
    """The best valid partition found, and how it came about.

    Attributes:
        chips: chip of each op, shape [op].
        interval_us: as the judge scored it.
        bound: proven lower bound on the interval; None under a foreign judge, for whom it need not hold.
        verdict: what the rules said of it when it was re-checked.
        coarsening: the groups that moved together.
        moved: ops whose chip is not the one hinted, of the sample that became the plan.
        moved_share: share of groups moved, mean over the corrected samples.
        samples: corrections the solver returned.
        timed_out: samples that were stuck or never reached.
        memory_rounds: times that overflows of memory went back to the solver.
        seconds: wall time by step.
        interrupted: whether Ctrl-C ended the search early.
    """

    chips: IntArray
    interval_us: float
    bound: Bound | None
    verdict: Verdict
    coarsening: Coarsening
    moved: int
    moved_share: float
    samples: int
    timed_out: int
    memory_rounds: int
    seconds: dict[str, float]
    interrupted: bool = False

    @property
    def gap(self) -> float | None:
        """How far the interval lies above the bound: interval / bound - 1."""
        return self.interval_us / self.bound.value_us - 1 if self.bound and self.bound.value_us > 0 else None


def partition(
    graph: OpGraph,
    package: Package,
    *,
    session: Session,
    hints: HintSource,
    mode: Mode = "fix",
    solver: str = "chuffed",
    samples: int = 1,
    time_limit_s: float | None = None,
    seed: int = 0,
    evaluator: Evaluator | None = None,
    progress: Progress = lambda step: None,
) -> Partitioned:
    """Coarsens, hints, corrects, scores, re-checks. Ctrl-C ends the correcting, and the best so far is returned.

    Args:
        graph: the graph.
        package: the package, whose rules bind.
        session: where to solve.
        hints: where hints come from.
        mode: how hints are corrected.
        solver: a solver that honours search annotations.
        samples: hints to correct; the best valid partition is returned.
        time_limit_s: wall-clock limit of all solver calls together.
        seed: seed of the draws.
        evaluator: the judge; None for the throughput model.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if the rules are proven to leave no partition.
        NoAnswerError: if none was found in time.
        InputError: if a rule or its parameters are wrong.
    """
    watch, begin = Stopwatch(), time.monotonic()
    rules = selected_rules(package)
    coarsening = group_ops(graph, package, partition=hints.chips if isinstance(hints, Given) else None)
    rng = np.random.default_rng(seed)
    while True:
        progress(f"hinting {coarsening.n_groups} groups")
        hinted, asked = _rankings(graph, package, rules, coarsening, hints, samples, mode, rng)
        progress(f"correcting {samples} samples with {solver}")
        try:
            left = None if time_limit_s is None else max(1e-3, time_limit_s - (time.monotonic() - begin))
            batch = settle(
                session,
                Problem(graph, package, rules, coarsening.group_of),
                asked,
                mode=mode,
                solver=solver,
                time_limit_s=left,
                progress=lambda corrected: progress(f"corrected {corrected} of {samples} samples"),
            )
            break
        except InfeasibleError as proof:
            left = math.inf if time_limit_s is None else time_limit_s - (time.monotonic() - begin)
            on_ops = coarsening.n_groups == graph.n_ops
            if on_ops or left <= 0:
                progress("no partition holds; looking for an op that fits no chip")
                limit_s = None if time_limit_s is None else max(_GRACE_S, left)
                misfit = find_misfit(session, graph, package, rules, solver=solver, time_limit_s=limit_s)
                raise misfit or (proof if on_ops else NoAnswerError(_NO_TIME_FOR_OPS)) from None
            progress("no partition of the groups holds; trying the ops themselves")
            coarsening = Coarsening.identity(graph, coarsening.op_work)
    watch.seconds |= {"render": batch.render_s, "solve": batch.solve_s}
    progress("scoring")
    scoring = time.monotonic()
    judge = evaluator or ModelEvaluator(ThroughputModel(graph, package))
    bound = simple_bound(graph, package) if evaluator is None else None
    ranked = _scored(batch, coarsening, judge)
    watch.add("score", scoring)
    progress("re-checking the rules")
    checking = time.monotonic()
    chips, interval_us, verdict, place = _first_valid(session, graph, package, rules, ranked, solver)
    watch.add("solve", checking)
    return Partitioned(
        chips=chips,
        interval_us=interval_us,
        bound=bound,
        verdict=verdict,
        coarsening=coarsening,
        moved=int((coarsening.expand(hinted[place]) != chips).sum()),
        moved_share=_moved_share(batch, hinted),
        samples=sum(correction.group_chip is not None for correction in batch.corrections),
        timed_out=sum(correction.group_chip is None for correction in batch.corrections),
        memory_rounds=batch.rounds,
        seconds=watch.seconds | {"total": time.monotonic() - begin},
        interrupted=batch.interrupted,
    )


def _rankings(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    coarsening: Coarsening,
    hints: HintSource,
    samples: int,
    mode: Mode,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """The chips hinted, [sample, group], and what to ask for: these projected for FIX, else all rankings."""
    hard = {selected.name for selected in rules if selected.hard}
    context = HintContext(graph, package, coarsening, no_jumps="triangle_dependency" in hard)
    wished = hints.rankings(context, samples, rng)
    asked = project(wished[..., 0], coarsening.edges, package.n_chips, hard) if mode == "fix" else wished
    return wished[..., 0], asked


def _scored(batch: CorrectedBatch, coarsening: Coarsening, judge: Evaluator) -> list[tuple[float, int, IntArray]]:
    """(interval, sample, chips) of the distinct corrections, best first.

    Raises:
        KeyboardInterrupt: if Ctrl-C came before the first correction.
        NoAnswerError: if no sample was corrected.
    """
    found = [(each.sample, each.group_chip) for each in batch.corrections if each.group_chip is not None]
    if not found and batch.interrupted:
        raise KeyboardInterrupt
    if not found:
        raise NoAnswerError("no sample was corrected in time: allow more with --time-limit, or another --solver")
    partitions, first = np.unique(np.stack([chips for _, chips in found]), axis=0, return_index=True)
    chips = coarsening.expand(partitions)
    scores = judge.score(chips)
    ranked = [(score.interval_us, found[at][0], row) for score, at, row in zip(scores, first, chips, strict=True)]
    return sorted(ranked, key=lambda each: each[:2])


def _first_valid(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    ranked: list[tuple[float, int, IntArray]],
    solver: str,
) -> tuple[IntArray, float, Verdict, int]:
    """The best partition that the rules confirm.

    Raises:
        NoAnswerError: if they confirm none, which means that a rule's lean predicate and its array disagree.
    """
    for interval_us, place, chips in ranked:
        (verdict,) = verify(session, graph, package, rules, chips[None], solver=solver)
        if verdict.valid:
            return chips, interval_us, verdict, place
    broken = ", ".join(sorted({violation.rule for violation in verdict.violations if violation.soft_weight is None}))
    raise NoAnswerError(f"the solver's partitions violate {broken}: its lean form and its array disagree")


def _moved_share(batch: CorrectedBatch, hinted: IntArray) -> float:
    shares = [
        float((each.group_chip != hinted[each.sample]).mean())
        for each in batch.corrections
        if each.group_chip is not None
    ]
    return float(np.mean(shares))
