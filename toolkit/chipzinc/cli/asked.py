"""`Asked`: how the command line wants a graph partitioned, checked, and what of the library does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipzinc.cli.inputs import Inputs, parse_time_limit
from chipzinc.cli.output import Progress
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.hints.sources import HintSource
    from chipzinc.recipe import Partitioned
    from chipzinc.robust import RobustObjective
    from chipzinc.solve import Session
    from chipzinc.throughput.evaluator import Evaluator

OPTIMISE = "optimise"
MODES = (OPTIMISE, "fix", "sample")
DEFAULT_LIMITS = {OPTIMISE: "30s", "fix": "5min", "sample": "5min"}
WORKERS = 2


@dataclass(frozen=True)
class Asked:
    """How the command line wants the graph partitioned."""

    mode: str
    solvers: tuple[str, ...]
    samples: int
    objective: str | None
    iterations: int | None
    time_limit: str | None
    seed: int
    op_times: Path | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise InputError(f"expected {', '.join(MODES[:-1])} or {MODES[-1]}, got {self.mode!r}", field="--mode")
        if self.mode != OPTIMISE:
            ignored = {
                "--objective": self.objective,
                "--iterations": self.iterations,
                "--op-times": self.op_times,
            }
            for name, given in ignored.items():
                if given is not None:
                    raise InputError(f"{self.mode} does not heed it: give --mode {OPTIMISE}", field=name)
            if len(self.solvers) > 1:
                raise InputError(f"{self.mode} takes one solver, got {','.join(self.solvers)}", field="--solver")
        parse_time_limit(self.time_limit or DEFAULT_LIMITS[self.mode])

    @property
    def limit_s(self) -> float | None:
        """Wall-clock limit; None where a number of iterations is the limit."""
        if self.time_limit is None and self.iterations is not None:
            return None
        return parse_time_limit(self.time_limit or DEFAULT_LIMITS[self.mode])

    def hurried(self) -> Asked:
        """The same without a search: hints are corrected and that is all."""
        return Asked("fix", self.solvers[:1], 1, None, None, self.time_limit, self.seed)

    def _optimise_robust(
        self,
        objective: RobustObjective,
        inputs: Inputs,
        session: Session,
        hints: HintSource,
        judge: Evaluator | None,
        progress: Progress,
    ) -> Partitioned:
        from chipzinc.hardware.uncertain import time_range
        from chipzinc.robust import optimise_robust

        if judge is not None:
            raise InputError(f"'{objective}' is the throughput model's: leave it out", field="--evaluate-with")
        times = time_range(inputs.graph, inputs.package, self.op_times)
        if times is None:
            raise InputError(
                f"'{objective}' needs op times that are ranges: time_spread in the spec, or --op-times",
                field="--objective",
            )
        return optimise_robust(
            inputs.graph,
            inputs.package,
            times,
            objective,
            hints=hints,
            **self._search(session, progress),
        )

    def _search(self, session: Session, progress: Progress) -> dict[str, Any]:
        """How every search is to go."""
        from chipzinc.solve import Session

        return {
            "session": session,
            "worker": lambda: Session(session.toolchain),
            "solvers": self.solvers,
            "samples": self.samples,
            "workers": WORKERS,
            "time_limit_s": self.limit_s,
            "iterations": self.iterations,
            "seed": self.seed,
            "progress": progress,
        }

    def check_sweeps(self, hints: str, evaluator: str | None) -> None:
        """Refuses what a sweep does not heed.

        Raises:
            InputError: for the first of these options that was given.
        """
        ignored = {
            "--mode": self.mode != OPTIMISE,
            "--hints": hints != "slice",
            "--samples": self.samples != 1,
            "--objective": self.objective is not None,
            "--op-times": self.op_times is not None,
            "--evaluate-with": evaluator is not None,
        }
        for name in (name for name, given in ignored.items() if given):
            raise InputError("a sweep does not heed it: it optimises the interval from slices", field=name)

    def provenance(self) -> dict[str, Any]:
        """What a plan says of how it was made."""
        said = {name: value for name, value in vars(self).items() if name != "solvers" and value is not None}
        return said | {"time_limit": self.time_limit or (None if self.limit_s is None else DEFAULT_LIMITS[self.mode])}

    def run(
        self,
        inputs: Inputs,
        session: Session,
        hints: HintSource,
        judge: Evaluator | None,
        progress: Progress,
        value_order: HintSource | None = None,
    ) -> Partitioned:
        """Partitions; `value_order` says in which order a search tries chips."""
        if self.mode == OPTIMISE:
            return self._optimise(inputs, session, hints, judge, progress, value_order)
        from chipzinc.recipe import partition

        return partition(
            inputs.graph,
            inputs.package,
            session=session,
            hints=hints,
            mode="fix" if self.mode == "fix" else "sample",
            solver=self.solvers[0],
            samples=self.samples,
            time_limit_s=self.limit_s,
            seed=self.seed,
            evaluator=judge,
            progress=progress,
        )

    def _optimise(
        self,
        inputs: Inputs,
        session: Session,
        hints: HintSource,
        judge: Evaluator | None,
        progress: Progress,
        value_order: HintSource | None,
    ) -> Partitioned:
        from chipzinc.improve import optimise
        from chipzinc.render.objective import parse_objective
        from chipzinc.robust import parse_robust

        robust = parse_robust(self.objective or inputs.package.objective)
        if robust is not None:
            return self._optimise_robust(robust, inputs, session, hints, judge, progress)
        if self.op_times is not None:
            raise InputError("the objective does not heed it: give --objective worst_case", field="--op-times")
        objective = None if self.objective is None else parse_objective(self.objective, inputs.package.source)
        return optimise(
            inputs.graph,
            inputs.package,
            hints=hints,
            objective=objective,
            evaluator=judge,
            value_order=value_order,
            **self._search(session, progress),
        )
