"""Runs of methods on graphs with seeds, kept one a line as they end, so that a comparison goes on where it stopped.

What a method returned is re-checked by the rules and scored by the throughput model here, whatever the method says.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

import chipzinc
from chipzinc.baselines.driver import Budget, Trajectory
from chipzinc.compare.case import Case, Method
from chipzinc.errors import InfeasibleError, InputError, NoAnswerError
from chipzinc.graph.io import graph_sha256
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import selected_rules
from chipzinc.verify import verify

Key = tuple[str, str, str, str, int, int | None, float | None, str, str]


@runtime_checkable
class Trained(Protocol):
    """A method that begins with what was learned before, which its settings only name."""

    def policy_sha256(self) -> str:
        """A checksum of what it begins with.

        Raises:
            InputError: if it is missing.
        """
        ...


@dataclass(frozen=True)
class Run:
    """One method on one graph with one seed.

    Attributes:
        graph: name of the graph.
        sha256: the graph's checksum.
        package: name of the package.
        package_sha256: of all that the package says, its rules included.
        method: the method with its settings, as asked for.
        solver: the solver that corrected.
        seed: the seed.
        budget_samples: samples it might take, None: without limit.
        budget_seconds: seconds it might take, None: without limit.
        interval_us: of the valid partition it found; None if it found none.
        bound_us: a lower bound, if the method proved one.
        proven: whether it proved its partition the best.
        samples: samples it took; 0 for a method that takes none.
        timed_out: samples that were not corrected in time.
        seconds: wall time.
        curve: (samples, seconds, interval in µs) of each best so far.
        error: why it found none.
        judge: who scored, empty for the throughput model.
        policy_sha256: of the policy that the method began with, empty for one that begins with none.
        version: of the toolkit.
    """

    graph: str
    sha256: str
    package: str
    package_sha256: str
    method: str
    solver: str
    seed: int
    budget_samples: int | None
    budget_seconds: float | None
    interval_us: float | None = None
    bound_us: float | None = None
    proven: bool = False
    samples: int = 0
    timed_out: int = 0
    seconds: float = 0.0
    curve: tuple[tuple[int, float, float], ...] = field(default=(), repr=False)
    error: str | None = None
    judge: str = ""
    policy_sha256: str = ""
    version: str = chipzinc.__version__

    @property
    def key(self) -> Key:
        """What tells one run from another."""
        asked = (self.method, self.solver, self.seed, self.budget_samples, self.budget_seconds, self.judge)
        return (self.sha256, self.package_sha256, *asked, self.policy_sha256)

    def after(self, *, samples: float = math.inf, seconds: float = math.inf) -> float:
        """The best interval after so many samples and seconds, infinite where nothing valid was found by then."""
        if self.interval_us is None:
            return math.inf
        return min((us for taken, at, us in self.curve if taken <= samples and at <= seconds), default=math.inf)


class RunFile:
    """A file of runs, one JSON object a line; without a path, runs are kept in memory alone.

    Raises:
        InputError: if a line of it is no run.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._runs: dict[Key, Run] = {}
        if path is not None and path.exists():
            whole, end, cut = path.read_bytes().rpartition(b"\n")
            if cut:  # whoever wrote it was ended in the middle of a line
                path.write_bytes(whole + end)
            for number, line in enumerate(whole.decode(errors="replace").splitlines(), start=1):
                run = _read(line, path, number)
                self._runs[run.key] = run

    def get(self, key: Key) -> Run | None:
        """The run of a key, None if there is none yet."""
        return self._runs.get(key)

    def all(self) -> list[Run]:
        """Every run, in the order in which they came."""
        return list(self._runs.values())

    def add(self, run: Run) -> None:
        """Keeps a run, on disk before anything else happens."""
        self._runs[run.key] = run
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(run), allow_nan=False) + "\n")


def _read(line: str, path: Path, number: int) -> Run:
    try:
        found: Any = json.loads(line)
        known = {each.name for each in fields(Run)}
        if not isinstance(found, dict) or not {"graph", "method", "curve"} <= found.keys() <= known:
            raise ValueError("its fields are not those of a run")
        return Run(**found | {"curve": tuple((int(n), float(s), float(us)) for n, s, us in found["curve"])})
    except (ValueError, TypeError) as error:
        raise InputError(f"expected a run of 'compare', one JSON object: {error}", file=path, line=number) from error


def run_all(
    cases: Sequence[Case],
    methods: Mapping[str, Method],
    seeds: Sequence[int],
    budget: Budget,
    runs: RunFile,
    progress: Callable[[str], None] = lambda step: None,
) -> Iterator[Run]:
    """Runs every method on every case with every seed, those that are kept already not again.

    A method that draws nothing is run once a case, with the first seed.

    Yields:
        Each run; one that Ctrl-C ended is neither yielded nor kept, and ends it.

    Raises:
        InputError: if something that a method needs is missing.
        KeyboardInterrupt: on Ctrl-C.
    """
    for case in cases:
        blank = {
            "graph": case.graph.name,
            "sha256": graph_sha256(case.graph),
            "package": case.package.name,
            "package_sha256": package_sha256(case.package),
            "solver": case.solver,
            "budget_seconds": budget.seconds,
            "judge": case.judge_name,
        }
        for name, method in methods.items():
            limit = budget.samples if method.samples else None
            learned = method.policy_sha256() if isinstance(method, Trained) else ""
            for seed in seeds if method.draws else seeds[:1]:
                asked = {"method": name, "seed": seed, "budget_samples": limit, "policy_sha256": learned}
                empty = Run(**blank | asked)  # type: ignore[arg-type]
                known = runs.get(empty.key)
                if known is None:
                    progress(f"{case.graph.name}: {name}, seed {seed}")
                    known = _run(empty, case, method, budget, seed)
                    runs.add(known)
                yield known


def _run(empty: Run, case: Case, method: Method, budget: Budget, seed: int) -> Run:
    """Runs a method and judges what it found."""
    described = asdict(empty)
    try:
        went = method.run(case, budget, seed)
    except (InfeasibleError, NoAnswerError) as error:
        return Run(**described | {"error": str(error)})
    if went.interrupted:
        raise KeyboardInterrupt
    described |= {
        "bound_us": went.bound_us,
        "proven": went.proven,
        "samples": went.samples,
        "timed_out": went.timed_out,
        "seconds": went.seconds,
    }
    if went.chips is None:
        return Run(**described | {"error": "found no partition"})
    rules = selected_rules(case.package)
    (verdict,) = verify(case.session, case.graph, case.package, rules, went.chips[None], solver=case.solver)
    if not verdict.valid:
        broken = ", ".join(sorted({each.rule for each in verdict.violations if each.soft_weight is None}))
        return Run(**described | {"error": f"its partition violates {broken}"})
    interval_us = case.score_us(went.chips)
    return Run(**described | {"interval_us": interval_us, "curve": _curve(went, interval_us)})


def _curve(went: Trajectory, interval_us: float) -> tuple[tuple[int, float, float], ...]:
    """The curve, whose end is what the throughput model says of the partition; none before claims to be better."""
    points = [each for each in went.points if each.interval_us > interval_us]
    last = next((each for each in went.points if each.interval_us <= interval_us), None)
    samples, seconds = (went.samples, went.seconds) if last is None else (last.samples, last.seconds)
    return (*((each.samples, each.seconds, each.interval_us) for each in points), (samples, seconds, interval_us))


def package_sha256(package: Package) -> str:
    """A checksum of all that bears on partitions: the package's arrays and settings, and the text of its rules."""
    digest = hashlib.sha256()
    for each in fields(Package):
        value = getattr(package, each.name)
        if each.name not in ("source", "rules"):
            digest.update(f"{each.name}={_said(value)};".encode())
    for selected in selected_rules(package):
        use = selected.use
        digest.update(f"{use.name} {sorted(use.parameters.items())} {use.soft_weight}\n{selected.rule.text}".encode())
    return digest.hexdigest()


def _said(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if hasattr(value, "ids"):
        return repr((value.starts.tolist(), value.ids.tolist()))
    return repr(value)
