"""`repair()`: the valid partition nearest to a design, with a proven bound on how near one can come."""

from __future__ import annotations

import time
from dataclasses import dataclass

from chipzinc.designs.part import Task
from chipzinc.designs.search import Progress, Search
from chipzinc.errors import NoAnswerError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import BoolArray, IntArray
from chipzinc.solve import Session
from chipzinc.verify import Verdict


@dataclass(frozen=True, eq=False)
class Repaired:
    """A valid partition near a design.

    Attributes:
        chips: chip of each op, shape [op].
        cost: what the change costs.
        bound: proven: no valid partition that keeps the pins costs less.
        moved: ops that the design gave another chip, shape [op].
        verdict: what the rules said of it.
        task: the design, with every overflow of memory that was found.
        parts: parts that were solved.
        part_ops: ops of the last part.
        seconds: wall time.
    """

    chips: IntArray
    cost: int
    bound: int
    moved: BoolArray
    verdict: Verdict
    task: Task
    parts: int
    part_ops: int
    seconds: float

    @property
    def proven(self) -> bool:
        """Whether no valid partition is nearer."""
        return self.cost <= self.bound


def repair(
    session: Session,
    task: Task,
    groups: Coarsening,
    *,
    solver: str = "chuffed",
    time_limit_s: float | None = None,
    progress: Progress = lambda step: None,
) -> Repaired:
    """Finds the valid partition that changes a design least.

    Args:
        session: where to solve.
        task: the design, what moving each op costs, and the pins.
        groups: groups that ops which the design leaves open may be searched in.
        solver: a solver.
        time_limit_s: wall-clock limit.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if no valid partition keeps the pins.
        NoAnswerError: if none was found in time.
        InputError: if a rule or its parameters are wrong.
    """
    search = Search(session, task, groups, solver, time_limit_s, progress)
    search.run()
    best = search.best
    if best is None:
        raise NoAnswerError(
            f"no valid partition was found in time; every one changes at least {search.least} ops' worth: allow more "
            "with --time-limit"
        )
    chips, verdict = best
    cost = task.cost(chips)
    return Repaired(
        chips=chips,
        cost=cost,
        bound=min(search.least, cost),
        moved=task.moved(chips),
        verdict=verdict,
        task=search.task,
        parts=search.parts,
        part_ops=int(search.inside.sum()),
        seconds=time.monotonic() - search.begin,
    )
