"""Rollouts: the solver corrects a batch of hints, in whatever process or thread an executor puts it.

`correct_batch` and its job can be pickled, so any `concurrent.futures.Executor` runs it; compiled models are kept in
the process that solved, for the batches that come after. Knows no network.
"""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from chipzinc.baselines.driver import NOT_CORRECTED, Corrected, Corrector, Proposal
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.solve import Session

_MOST_PROBLEMS = 300
"""Problems whose compiled models a process keeps."""


@dataclass(frozen=True, eq=False)
class Job:
    """A batch of hints to correct and to score.

    Attributes:
        name: which problem this is: the same name, the same graph, package and groups.
        graph: the graph.
        package: the package, whose rules bind.
        proposal: the hints.
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit of the batch.
    """

    name: str
    graph: OpGraph
    package: Package
    proposal: Proposal
    solver: str
    time_limit_s: float


class _Process:
    """What a process keeps between jobs."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sessions: dict[str, Session] = {}
        self.correctors: dict[tuple[str, str], Corrector] = {}

    def corrector(self, job: Job) -> Corrector:
        """The job's corrector, with all that was compiled and learned of its memory."""
        with self.lock:
            if job.solver not in self.sessions:
                self.sessions[job.solver] = Session(solver=job.solver)
                atexit.register(self.sessions[job.solver].close)
            key = (job.name, job.solver)
            if key not in self.correctors:
                while len(self.correctors) >= _MOST_PROBLEMS:
                    self.correctors.pop(next(iter(self.correctors)))
                self.correctors[key] = Corrector(job.graph, job.package, self.sessions[job.solver], job.solver)
            return self.correctors[key]


_KEPT = _Process()


def correct_batch(job: Job) -> Corrected:
    """Corrects and scores a batch; a solver that fails costs the batch, not the run.

    Raises:
        InfeasibleError: if the rules leave no partition of the groups.
        InputError: if a rule or a parameter is wrong.
    """
    try:
        corrected = _KEPT.corrector(job)(job.proposal, job.time_limit_s)
    except SolverError:
        n_samples, n_groups = job.proposal.rankings.shape[:2]
        return Corrected(np.full((n_samples, n_groups), NOT_CORRECTED), np.full(n_samples, np.inf))
    if corrected.interrupted:
        raise KeyboardInterrupt
    return corrected


def threads(workers: int) -> Executor:
    """The executor used unless another is given: threads that wait for solver processes."""
    return ThreadPoolExecutor(workers, thread_name_prefix="chipzinc-rollout")
