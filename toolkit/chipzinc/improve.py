"""`optimise()`: the recipe from a graph and a package to a partition as good as the time allows, with a bound.

Starts from hints that hold, or from their correction; everything it uses stands in a module of its own. Nothing here
knows files, MiniZinc or the command line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial

import numpy as np

from chipzinc.bounds.apart import Apart
from chipzinc.bounds.memory import check_fit
from chipzinc.bounds.prove import may_gain, prove
from chipzinc.bounds.simple import Bound
from chipzinc.errors import InfeasibleError, SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.grouping import group_ops
from chipzinc.hardware.package import Package
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import Given, HintContext, HintSource, Slice
from chipzinc.optimise.neighbourhood import Task, terms_by_solver
from chipzinc.optimise.score import Scorer, Standing
from chipzinc.optimise.search import Incumbent, Limits, Outcome, Search
from chipzinc.recipe import Partitioned, Progress, partition
from chipzinc.render.objective import Objective, parse_objective
from chipzinc.rules.catalogue import SelectedRule, selected_rules
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import Evaluator
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import Verdict, verify

SOLVER_BOUND = "search"
"""Name of the bound that a search proves when it comes to its end."""

_START_SHARE = 0.7  # of the time, for pipelines to start from
_LONGEST_START_S = 45.0
_STARTS = 4
_CHEAP_PROOF_S = 0.3
_END_S = 0.2  # for a proof that is not apart
_NEIGHBOURHOODS_YIELD = 6  # to proofs, as long as these gain
_LONGEST_PROOFS_S = 60.0
_PROOFS_SHARE = 0.92  # of the time, since a proof that is not at its end with the search is lost
_LEAST_CHECK_S = 1.0
_CORRECTION_SHARE = 0.8  # of the time left, where no hint holds as it is


@dataclass(frozen=True, eq=False)
class Optimised(Partitioned):
    """The best partition found, and how the search went.

    Attributes:
        incumbents: each best partition in its turn, by seconds since the command's beginning.
        iterations: neighbourhoods searched.
        improvements: how many of them held something better.
        objective: what was minimised.
        values: values of the objective's terms.
        proven: whether no partition of the ops is better, by more than is worth a solve; never under a foreign judge.
        failure: what ended the search before its time, if solvers kept failing.
    """

    incumbents: tuple[Incumbent, ...] = ()
    iterations: int = 0
    improvements: int = 0
    objective: str = "interval"
    values: tuple[float, ...] = ()
    proven: bool = False
    failure: str | None = None


@dataclass(frozen=True, eq=False)
class _Start:
    """A valid partition, the hint it comes from, how long the rules took to judge hints, and solvers in all."""

    chips: IntArray
    hint: IntArray
    verdict: Verdict
    check_s: float
    solve_s: float
    render_s: float = 0.0
    samples: int = 0
    timed_out: int = 0
    memory_rounds: int = 0
    interrupted: bool = False


def optimise(
    graph: OpGraph,
    package: Package,
    *,
    session: Session,
    worker: Callable[[], Session],
    hints: HintSource,
    objective: Objective | None = None,
    solvers: Sequence[str] = ("chuffed",),
    samples: int = 1,
    workers: int = 2,
    time_limit_s: float | None = 60.0,
    iterations: int | None = None,
    seed: int = 0,
    evaluator: Evaluator | None = None,
    value_order: HintSource | None = None,
    progress: Progress = lambda step: None,
) -> Optimised:
    """Starts from hints, searches neighbourhoods, re-checks. Ctrl-C ends the search, and the best so far is returned.

    Args:
        graph: the graph.
        package: the package, whose rules bind.
        session: where to solve.
        worker: opens a further session for a worker.
        hints: where to start.
        objective: what to minimise; None for what the package says, which is the interval unless it says otherwise.
        solvers: solvers to use in turn; the first one corrects the hints and searches all there is.
        samples: hints to choose a start from, where hints are drawn.
        workers: neighbourhoods searched at a time.
        time_limit_s: wall-clock limit of the whole; None for none.
        iterations: neighbourhoods to search; None: as many as there is time for.
        seed: seed of all draws.
        evaluator: a judge of the result; None for the throughput model, which also guides the search.
        value_order: whose ranking neighbourhoods try chips by; None: by their numbers.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if the rules are proven to leave no partition.
        NoAnswerError: if none was found in time.
        InputError: if a rule, an objective or a parameter is wrong.
    """
    begin = time.monotonic()
    limits = Limits(None if time_limit_s is None else begin + time_limit_s, iterations)
    wanted = objective or parse_objective(package.objective, package.source)
    rules = selected_rules(package)
    coarsening = group_ops(graph, package, partition=hints.chips if isinstance(hints, Given) else None)
    problem = _Problem(graph, package, rules, coarsening, session, solvers[0], seed, limits, progress)
    check_fit(graph, package)
    with closing(_Proof(graph, package, limits)) as proof:
        start = _start(problem, hints, samples, workers)
        started = time.monotonic()
        if limits.deadline is not None:
            limits.deadline -= start.check_s  # the result is checked once more
        value_rank = None if value_order is None else _value_rank(problem, value_order)
        task = Task(graph, package, rules, wanted, start.hint, coarsening.op_work, value_rank)
        by_solver = partial(terms_by_solver, session, task, solver=solvers[0])
        scorer = Scorer(graph, package, wanted, start.hint, by_solver)
        standing = scorer.standing(start.chips)
        proof.wait()
        if start.interrupted or scorer.reaches(standing, limits.bound_us):
            outcome = Outcome(standing, [Incumbent(0.0, standing.interval_us, tuple(standing.values.tolist()))])
            outcome.interrupted = start.interrupted
        else:
            sessions = [worker() for _ in range(workers)]
            told = problem.tell
            nicer = _NEIGHBOURHOODS_YIELD if proof.gains else 0
            search = Search(
                task, scorer, coarsening, session, sessions, solvers=solvers, seed=seed, found=told, nicer=nicer
            )
            outcome = search.run(standing, limits)
        progress("re-checking the rules")
        chips, verdict = _confirmed(session, task, outcome.best, start, solvers[0])
    bound = None if evaluator else _best(proof.found(), outcome)
    ended = time.monotonic()
    interval = float(scorer.model.evaluate(chips).interval_us[0]) if evaluator is None else _judged(evaluator, chips)
    seconds = {
        "render": start.render_s,
        "start": started - begin,
        "solve": start.solve_s + ended - started,
        "score": time.monotonic() - ended,
        "total": time.monotonic() - begin,
    }
    return _summed_up(problem, start, outcome, scorer, chips, interval, bound, verdict, seconds)


@dataclass(frozen=True, eq=False)
class _Problem:
    """What to partition, and how."""

    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    coarsening: Coarsening
    session: Session
    solver: str
    seed: int
    limits: Limits
    progress: Progress

    @property
    def context(self) -> HintContext:
        """What hints are made from."""
        no_jumps = any(rule.name == "triangle_dependency" and rule.hard for rule in self.rules)
        return HintContext(self.graph, self.package, self.coarsening, no_jumps=no_jumps)

    def tell(self, incumbent: Incumbent) -> None:
        """Says how far the search has come."""
        self.progress(f"interval {incumbent.interval_us:.2f} µs, bound {self.limits.bound_us:.2f} µs")


def _summed_up(
    problem: _Problem,
    start: _Start,
    outcome: Outcome,
    scorer: Scorer,
    chips: IntArray,
    interval_us: float,
    bound: Bound | None,
    verdict: Verdict,
    seconds: dict[str, float],
) -> Optimised:
    """The answer."""
    moved = chips != start.hint
    groups = np.unique(problem.coarsening.group_of[moved])
    return Optimised(
        chips=chips,
        interval_us=interval_us,
        bound=bound,
        verdict=verdict,
        coarsening=problem.coarsening,
        moved=int(moved.sum()),
        moved_share=len(groups) / problem.coarsening.n_groups,
        samples=start.samples + outcome.iterations,
        timed_out=start.timed_out,
        memory_rounds=start.memory_rounds + outcome.memory_rounds,
        seconds=seconds,
        interrupted=outcome.interrupted,
        incumbents=tuple(
            Incumbent(each.seconds + seconds["start"], each.interval_us, each.values) for each in outcome.incumbents
        ),
        iterations=outcome.iterations,
        improvements=outcome.improvements,
        objective=str(scorer.objective),
        values=tuple(scorer.standing(chips).values.tolist()),
        proven=bound is not None
        and np.array_equal(chips, outcome.best.chips)
        and (outcome.proven or scorer.reaches(outcome.best, bound.value_us)),
        failure=outcome.failure,
    )


class _Proof:
    """Proves bounds beside the search, and tells the search, which ends when it reaches one."""

    def __init__(self, graph: OpGraph, package: Package, limits: Limits) -> None:
        self._slack = True
        self._apart = Apart()
        self._found: list[Bound] = []
        self._error: InfeasibleError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._prove, args=(graph, package, limits), name="chipzinc-bounds", daemon=True
        )
        self._thread.start()

    @property
    def gains(self) -> bool:
        """Whether it is at a proof that may gain the more the more time it has."""
        return self._thread.is_alive() and not self._slack

    def wait(self) -> None:
        """Waits a moment, in which cheap proofs come to their end."""
        self._thread.join(timeout=_CHEAP_PROOF_S)

    def close(self) -> None:
        """Ends the long proofs, and waits a moment for those of here."""
        self._stop.set()
        self._apart.end()
        self._thread.join(timeout=_END_S)

    def found(self) -> list[Bound]:
        """What is proven.

        Raises:
            InfeasibleError: if a proof found that no partition keeps the rules.
        """
        if self._error is not None:
            raise self._error
        return list(self._found)

    def _long(
        self, graph: OpGraph, package: Package, known_us: float, chained: bool, time_limit_s: float
    ) -> Iterator[Bound]:
        self._slack = not may_gain(graph, package, chained)
        yield from self._apart.prove(graph, package, known_us, chained, time_limit_s, self._slacken)

    def _slacken(self) -> None:
        self._slack = True

    def _prove(self, graph: OpGraph, package: Package, limits: Limits) -> None:
        left = min(limits.left_s(), _LONGEST_PROOFS_S) * _PROOFS_SHARE
        try:
            for bound in prove(graph, package, time_limit_s=left, long=self._long):
                self._found.append(bound)
                limits.bound_us = max(limits.bound_us, bound.value_us)
                if self._stop.is_set():
                    return
        except InfeasibleError as error:
            self._error = error


def _start(problem: _Problem, hints: HintSource, samples: int, workers: int) -> _Start:
    """A valid partition: the best hint that holds as it is, else the best correction."""
    graph, package, session, limits = problem.graph, problem.package, problem.session, problem.limits
    problem.progress(f"looking for pipelines of {problem.coarsening.n_groups} groups to start from")
    ctrl_c = threading.Event()
    hinted = _hints(problem, hints, samples, workers, ctrl_c.set)
    problem.progress("checking them")
    begin = time.monotonic()
    left = None if limits.deadline is None else max(_LEAST_CHECK_S, limits.left_s())
    verdicts = verify(session, graph, package, problem.rules, hinted, solver=problem.solver, time_limit_s=left)
    check_s = time.monotonic() - begin
    for chips, verdict in zip(hinted, verdicts, strict=True):
        if verdict.valid:
            return _Start(chips, chips, verdict, check_s, check_s, interrupted=ctrl_c.is_set())
    found = partition(
        graph,
        package,
        session=session,
        hints=Given(hinted[0]),
        solver=problem.solver,
        time_limit_s=None if limits.deadline is None else max(1.0, limits.left_s() * _CORRECTION_SHARE),
        seed=problem.seed,
        progress=problem.progress,
    )
    return _Start(
        found.chips,
        hinted[0],
        found.verdict,
        check_s,
        check_s + found.seconds["solve"],
        found.seconds["render"],
        found.samples,
        found.timed_out,
        found.memory_rounds,
        found.interrupted or ctrl_c.is_set(),
    )


def _value_rank(problem: _Problem, source: HintSource) -> IntArray:
    """Place of each chip in the source's first ranking, shape [op, chip]."""
    (ranking,) = source.rankings(problem.context, 1, np.random.default_rng(problem.seed))
    return np.argsort(ranking, axis=1)[problem.coarsening.group_of]


def _hints(
    problem: _Problem, hints: HintSource, samples: int, workers: int, interrupted: Callable[[], None]
) -> IntArray:
    """The most promising hints, the best first, shape [hint, op]; on Ctrl-C those found so far."""
    context, limits = problem.context, problem.limits
    if isinstance(hints, Given):
        return hints.chips[None]
    if isinstance(hints, Slice):
        counted = limits.iterations is not None and limits.deadline is None
        spend = 0.0 if counted else min(_LONGEST_START_S, _START_SHARE * limits.left_s())
        found = best_slices(context, spend, problem.seed, lambda: limits.bound_us, workers, interrupted)
        if found:
            return np.stack([chips for _, chips in found[:_STARTS]])
    rankings = hints.rankings(context, samples, np.random.default_rng(problem.seed))
    drawn = problem.coarsening.expand(np.unique(rankings[..., 0], axis=0))
    intervals = ThroughputModel(problem.graph, problem.package).evaluate(drawn).interval_us
    return drawn[np.argsort(intervals, kind="stable")[:_STARTS]]


def _confirmed(session: Session, task: Task, best: Standing, start: _Start, solver: str) -> tuple[IntArray, Verdict]:
    """The best partition, if the rules confirm it; else the start, which they have confirmed."""
    if np.array_equal(best.chips, start.chips):
        return start.chips, start.verdict
    with suppress(SolverError):
        (verdict,) = verify(session, task.graph, task.package, task.rules, best.chips[None], solver=solver)
        if verdict.valid:
            return best.chips, verdict
    return start.chips, start.verdict


def _best(proven: list[Bound], outcome: Outcome) -> Bound:
    """The strongest bound, the search's own among them."""
    if outcome.bound_us > 0:
        proven = [*proven, Bound(SOLVER_BOUND, outcome.bound_us, outcome.incumbents[-1].seconds)]
    return max(proven, key=lambda bound: bound.value_us)


def _judged(evaluator: Evaluator, chips: IntArray) -> float:
    (score,) = evaluator.score(chips[None])
    return score.interval_us
