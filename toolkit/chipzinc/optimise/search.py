"""The search: neighbourhoods of the best partition so far, several at a time, until the time or the work is over.

Where a number of iterations is given, results are taken in the order in which their neighbourhoods were proposed, so
that the seed fixes the outcome as long as no solve runs into its time limit.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event

import numpy as np

from chipzinc.correct.overflow import DYNAMIC_MEMORY_RULE, live_set
from chipzinc.errors import SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.shifts import Shifts, may_shift
from chipzinc.optimise.neighbourhood import Answer, Task, solve
from chipzinc.optimise.regions import Proposal, Regions
from chipzinc.optimise.score import Scorer, Standing
from chipzinc.priority import yield_more
from chipzinc.render.data import LiveSet
from chipzinc.solve import Session
from chipzinc.verify import verify

_LONGEST_SOLVE_S = 15.0
_WHOLE_SHARE = 0.4  # of the time left
_PATIENCE_S = 3.0  # for the next improvement inside a neighbourhood
_FREE_EVERY = 4  # of so many neighbourhoods one is searched as the solver likes, the others in the model's order
_SHORTEST_SOLVE_S = 0.5
_LONGEST_COUNTED_SOLVE_S = 300.0
_SHIFTING_S, _SHIFTING_SHARE = 4.0, 0.5  # at a time, or as much of the time left
_VAIN_SOLVES = 1  # in a row, after a partition bettered by shifting, that have all workers shift
_SOLVE_EVERY = 4  # of so many neighbourhoods one is solved then
_COUNTED_SHIFTS = 200_000  # moves at a time, where the number of iterations counts
_MOST_FAILURES = 5
_GRACE_S = 1.0  # for a solve that ends with the search


@dataclass(frozen=True)
class Incumbent:
    """A best partition so far.

    Attributes:
        seconds: since the search's own beginning.
        interval_us: its interval.
        values: values of the objective's terms.
    """

    seconds: float
    interval_us: float
    values: tuple[float, ...]


@dataclass
class Limits:
    """When to stop.

    Attributes:
        deadline: `time.monotonic()` at which to stop; None: never.
        iterations: neighbourhoods to search; None: as many as there is time for.
        bound_us: no interval is below this; another thread may raise it.
    """

    deadline: float | None = None
    iterations: int | None = None
    bound_us: float = 0.0

    def left_s(self) -> float:
        """Seconds left."""
        return math.inf if self.deadline is None else self.deadline - time.monotonic()

    def solve_s(self, *, whole: bool) -> float:
        """Seconds that one solve may take; where the number of iterations counts, the clock must not decide.

        Args:
            whole: whether everything may move.
        """
        if self.iterations is not None:
            return max(_SHORTEST_SOLVE_S, min(_LONGEST_COUNTED_SOLVE_S, self.left_s()))
        longest = max(_LONGEST_SOLVE_S, _WHOLE_SHARE * self.left_s()) if whole else _LONGEST_SOLVE_S
        return max(_SHORTEST_SOLVE_S, min(longest, self.left_s()))


@dataclass
class Outcome:
    """What a search came to.

    Attributes:
        best: the best partition.
        incumbents: each best so far, in order.
        iterations: neighbourhoods searched.
        improvements: how many of them held something better.
        memory_rounds: overflows of memory over time that became constraints.
        proven: whether no partition of the ops is better, by more than is worth a solve.
        bound_us: what the solver has proven no interval to be below; 0 for nothing.
        interrupted: whether Ctrl-C ended it.
        failure: what solvers said, if they failed one after another and so ended it.
    """

    best: Standing
    incumbents: list[Incumbent] = field(default_factory=list)
    iterations: int = 0
    improvements: int = 0
    memory_rounds: int = 0
    proven: bool = False
    bound_us: float = 0.0
    interrupted: bool = False
    failure: str | None = None


@dataclass(frozen=True, eq=False)
class _Job:
    proposal: Proposal | None  # None where items are shifted one by one
    start: Standing
    stage: int
    answer: Future[Answer]


class Search:
    """Large-neighbourhood search.

    Args:
        task: graph, package, rules and objective.
        scorer: values partitions.
        coarsening: groups that move together in most neighbourhoods.
        session: where partitions are re-checked.
        workers: one session a worker; they are closed when the search ends, which ends what they still solve.
        solvers: solvers to use in turn.
        seed: seed of all choices.
        found: called with each new best partition.
        nicer: steps of niceness by which workers yield to other threads.
    """

    def __init__(
        self,
        task: Task,
        scorer: Scorer,
        coarsening: Coarsening,
        session: Session,
        workers: Sequence[Session],
        *,
        solvers: Sequence[str],
        seed: int = 0,
        found: Callable[[Incumbent], None] = lambda incumbent: None,
        nicer: int = 0,
    ) -> None:
        self.task, self.scorer, self.session, self.workers, self.solvers = task, scorer, session, workers, solvers
        self.regions = Regions(task.graph, task.package, coarsening, seed)
        self.shifts = Shifts(task.graph, task.package, coarsening) if may_shift(task.package) else None
        self._idle: SimpleQueue[Session] = SimpleQueue()
        self._live_sets: list[LiveSet] = []
        self._memory = scorer.model.memory if _keeps_memory(task) else None
        self._seed, self._found, self._nicer = seed, found, nicer
        self._begin = time.monotonic()
        self._stage = self._failures = self._turns = 0
        self._stop = Event()
        self._vain: int | None = None  # solves since the last improvement, if that came of shifting

    def run(self, start: Standing, limits: Limits) -> Outcome:
        """Improves a valid partition until a limit is reached. Ctrl-C ends it, with the best so far.

        Raises:
            InputError: if a rule or an objective is wrong.
        """
        self._begin = time.monotonic()
        outcome = Outcome(start)
        self._note(outcome)
        for session in self.workers:
            self._idle.put(session)
        jobs: deque[_Job] = deque()
        with ThreadPoolExecutor(len(self.workers), initializer=yield_more, initargs=(self._nicer,)) as pool:
            try:
                while self._stage < self.scorer.stages:
                    self._fill(jobs, pool, outcome, limits)
                    if jobs:
                        self._take(_next(jobs, limits), outcome, limits)
                    else:
                        self._stage += 1
            except KeyboardInterrupt:
                outcome.interrupted = True
            finally:
                self._stop.set()
                for job in jobs:
                    job.answer.cancel()
                for session in self.workers:
                    session.close()
        return outcome

    def _fill(self, jobs: deque[_Job], pool: ThreadPoolExecutor, outcome: Outcome, limits: Limits) -> None:
        """Keeps every worker busy, if there are neighbourhoods and work is left to do."""
        waiting = 0 if limits.iterations is None else 1  # results taken in order must not leave a worker idle
        while len(jobs) < len(self.workers) + waiting and not self._done(outcome, limits, len(jobs)):
            number = outcome.iterations + len(jobs)
            if self._shifts_next(jobs, number):
                answer = pool.submit(self._shift, outcome.best, number, self._turns, limits)
                self._turns += 1
                jobs.append(_Job(None, outcome.best, self._stage, answer))
                continue
            busy = [job.proposal for job in jobs if job.proposal is not None]
            proposal = self.regions.propose(outcome.best, busy, self._stage)
            if proposal is None:
                return
            answer = pool.submit(
                self._solve, proposal, outcome.best, self._stage, tuple(self._live_sets), number, limits
            )
            jobs.append(_Job(proposal, outcome.best, self._stage, answer))

    def _done(self, outcome: Outcome, limits: Limits, running: int) -> bool:
        worked = limits.iterations is not None and outcome.iterations + running >= limits.iterations
        ended = worked or outcome.proven or outcome.failure is not None
        return ended or self.scorer.reaches(outcome.best, limits.bound_us) or limits.left_s() <= _SHORTEST_SOLVE_S

    def _shifts_next(self, jobs: Sequence[_Job], number: int) -> bool:
        """Whether to shift items rather than solve: beside solves, in turn with them, or mostly, if that alone pays."""
        if self.shifts is None or not self.scorer.judges_loads(self._stage):
            return False
        if self._vain is not None and self._vain >= _VAIN_SOLVES:
            return number % _SOLVE_EVERY != 0
        if len(self.workers) == 1:
            return number % 2 == 1
        return bool(jobs) and all(job.proposal is not None for job in jobs)

    def _shift(self, start: Standing, number: int, turn: int, limits: Limits) -> Answer:
        """Moves items of a partition from chip to chip; runs in a worker's thread."""
        assert self.shifts is not None
        begin = time.monotonic()
        counted = limits.iterations is not None
        left = limits.left_s() - _SHORTEST_SOLVE_S
        longest = max(_SHIFTING_S, _SHIFTING_SHARE * left) if math.isfinite(left) else _LONGEST_SOLVE_S
        seconds = math.inf if counted else max(0.0, min(longest, left))
        moves = _COUNTED_SHIFTS if counted else None
        chips = self.shifts.find(start.chips, seconds, self._seed + number, turn, moves, self._stop.is_set)
        return Answer(chips, proven=False, seconds=time.monotonic() - begin)

    def _solve(
        self,
        proposal: Proposal,
        start: Standing,
        stage: int,
        live_sets: tuple[LiveSet, ...],
        number: int,
        limits: Limits,
    ) -> Answer:
        """Solves a neighbourhood; runs in a worker's thread."""
        session = self._idle.get()
        try:
            return solve(
                session,
                self.task,
                proposal.hood,
                start,
                self.scorer,
                stage=stage,
                solver=self.solvers[number % len(self.solvers)],
                live_sets=live_sets,
                time_limit_s=limits.solve_s(whole=proposal.whole),
                patience_s=None if proposal.whole or limits.iterations is not None else _PATIENCE_S,
                free_search=not proposal.whole and number % _FREE_EVERY == _FREE_EVERY - 1,
                seed=self._seed + number + 1,
            )
        finally:
            self._idle.put(session)

    def _take(self, job: _Job, outcome: Outcome, limits: Limits) -> None:
        """Waits for the oldest neighbourhood and takes in what it found."""
        answer = self._answer(job, outcome, limits)
        outcome.iterations += 1
        before = outcome.improvements
        about = self._accepted(job, answer, outcome)
        if outcome.improvements > before:
            self._vain = 0 if job.proposal is None else None
        if job.proposal is None:
            return
        if self._vain is not None:
            self._vain += 1
        self.regions.learn(job.proposal, about or job.start, proven=answer.proven and about is not None)
        if answer.proven and job.proposal.whole and job.proposal.finest:
            outcome.proven |= about is not None and self._stage == self.scorer.stages - 1
            outcome.bound_us = max(outcome.bound_us, answer.bound or 0.0)

    def _accepted(self, job: _Job, answer: Answer, outcome: Outcome) -> Standing | None:
        """Makes what was found the best, if it is.

        Returns:
            The best of the neighbourhood: what was found, or what it was about; None where what was found does not
            hold, so that nothing is known of the others.
        """
        if answer.chips is None:
            return job.start
        chips = answer.chips
        if job.proposal is not None and job.start is not outcome.best:  # another was faster: both changes together
            chips = np.where(job.proposal.hood.free, answer.chips, outcome.best.chips)
        standing = self.scorer.standing(chips)
        if not self._fits(chips, outcome):
            return None
        if not self.scorer.better(standing, outcome.best, job.stage):
            return standing
        if (job.proposal is None or (chips != answer.chips).any()) and not self._holds(chips):
            return None
        outcome.best = standing
        outcome.improvements += 1
        self._note(outcome)
        return standing

    def _answer(self, job: _Job, outcome: Outcome, limits: Limits) -> Answer:
        """What a job found; nothing if it failed, as single solves may."""
        try:
            answer = job.answer.result(None if limits.deadline is None else max(0.0, limits.left_s()) + _GRACE_S)
        except TimeoutError:
            return Answer(None, proven=False, seconds=0.0)
        except SolverError as error:
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                outcome.failure = str(error)
            return Answer(None, proven=False, seconds=0.0)
        self._failures = 0
        return answer

    def _fits(self, chips: IntArray, outcome: Outcome) -> bool:
        """Whether memory holds over time; if not, what overflowed becomes a constraint of all further solves."""
        overflows = [] if self._memory is None else self._memory.overflows(chips)
        known = set(self._live_sets)
        self._live_sets += sorted({live_set(overflow) for overflow in overflows} - known, key=lambda live: live.holders)
        outcome.memory_rounds += bool(overflows)
        return not overflows

    def _holds(self, chips: IntArray) -> bool:
        """Whether the rules confirm a partition that no solver has seen whole."""
        with contextlib.suppress(SolverError):
            task = self.task
            (verdict,) = verify(self.session, task.graph, task.package, task.rules, chips[None])
            return verdict.valid
        return False

    def _note(self, outcome: Outcome) -> None:
        """Writes the best down, unless it only has shorter loads behind the largest."""
        best = outcome.best
        if outcome.incumbents and np.allclose(best.values, outcome.incumbents[-1].values, rtol=1e-9, atol=0):
            return
        incumbent = Incumbent(time.monotonic() - self._begin, best.interval_us, tuple(best.values.tolist()))
        outcome.incumbents.append(incumbent)
        self._found(incumbent)


def _next(jobs: deque[_Job], limits: Limits) -> _Job:
    """The job to take in: where a number of iterations counts the oldest, else the first that is done."""
    chosen = 0
    if limits.iterations is None:
        left = None if limits.deadline is None else max(0.0, limits.left_s()) + _GRACE_S
        done = wait([job.answer for job in jobs], timeout=left, return_when=FIRST_COMPLETED).done
        chosen = next((place for place, job in enumerate(jobs) if job.answer in done), 0)
    job = jobs[chosen]
    del jobs[chosen]
    return job


def _keeps_memory(task: Task) -> bool:
    return any(selected.name == DYNAMIC_MEMORY_RULE and selected.hard for selected in task.rules)
