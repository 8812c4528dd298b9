"""`optimise_robust()`: the partition with the best worst case or quantile of its interval, when op times are ranges.

The worst case is the interval with every op at its longest, so that its search and its bound are those of certain
times. A quantile is approached: see `_quantile`. Knows no file and no command line.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from chipzinc.bounds.simple import Bound, simple_bound
from chipzinc.errors import InputError
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.uncertain import TimeRange, with_times
from chipzinc.hints.sources import HintSource
from chipzinc.improve import Optimised, optimise
from chipzinc.recipe import Progress
from chipzinc.render.objective import parse_objective
from chipzinc.solve import Session
from chipzinc.throughput.uncertain import Distribution, UncertainModel

WORST_CASE, QUANTILE = "worst_case", "quantile"

_SCENARIOS = 10_000  # by which partitions are chosen; as many others are told
_SHARES = (0.3, 0.3, 0.5, 1.0)  # of the time left: mean times, longest times, and twice what lies between them
_LEAST_S = 1.0  # that a search is worth


@dataclass(frozen=True)
class RobustObjective:
    """What is minimised when op times are ranges.

    Attributes:
        quantile: share of all cases whose interval is no longer; None for the worst case.
    """

    quantile: float | None = None

    def __str__(self) -> str:
        return WORST_CASE if self.quantile is None else f"{QUANTILE}:{self.quantile:g}"


@dataclass(frozen=True, eq=False)
class RobustOptimised(Optimised):
    """As `Optimised`, whose interval and bound are those of the model's own times.

    Attributes:
        robust_us: the objective's value: exact for the worst case, over the distribution's scenarios for a quantile.
        robust_bound: no valid partition has less of it.
        distribution: of the partition's interval.
    """

    robust_us: float = np.inf
    robust_bound: Bound | None = None
    distribution: Distribution | None = None


def parse_robust(text: str) -> RobustObjective | None:
    """Reads ``worst_case`` or ``quantile:0.95``; None for another objective.

    Raises:
        InputError: if it begins like one of these, and is none.
    """
    if not re.match(rf"\s*({WORST_CASE}|{QUANTILE})\b", text):
        return None
    match = re.fullmatch(rf"\s*(?:{WORST_CASE}|{QUANTILE}\s*:\s*(0?\.\d+))\s*", text)
    if match is None or (match.group(1) and not 0 < float(match.group(1)) < 1):
        expected = f"'{WORST_CASE}' or '{QUANTILE}:0.95', a share between 0 and 1, alone"
        raise InputError(f"expected {expected}, got {text.strip()!r}", field="objective")
    return RobustObjective(float(match.group(1)) if match.group(1) else None)


def optimise_robust(
    graph: OpGraph,
    package: Package,
    times: TimeRange,
    objective: RobustObjective,
    *,
    session: Session,
    worker: Callable[[], Session],
    hints: HintSource,
    solvers: Sequence[str] = ("chuffed",),
    samples: int = 1,
    workers: int = 2,
    time_limit_s: float | None = 60.0,
    iterations: int | None = None,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> RobustOptimised:
    """Searches for the partition with the least worst case or quantile.

    Args:
        graph: the graph.
        package: the package, whose rules bind.
        times: the range of each op's time.
        objective: what is minimised.
        session: as for `optimise`, and so are all that follow.
        worker: opens a further session.
        hints: where to start.
        solvers: solvers to use in turn.
        samples: hints to choose a start from.
        workers: neighbourhoods searched at a time.
        time_limit_s: wall-clock limit of the whole.
        iterations: neighbourhoods to search in all.
        seed: of all draws, the scenarios among them.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if the rules are proven to leave no partition.
        NoAnswerError: if none was found in time.
        InputError: if transfers go through the host without being measured.
    """
    interval = parse_objective("interval", package.source)
    judge = UncertainModel(graph, package, times)
    deadline = np.inf if time_limit_s is None else time.monotonic() + time_limit_s

    searches = 1 if objective.quantile is None else len(_SHARES)

    def left_s() -> float:
        return deadline - time.monotonic()

    def search(time_us: FloatArray, share: float) -> Optimised:
        return optimise(
            with_times(graph, package, time_us),
            package,
            session=session,
            worker=worker,
            hints=hints,
            objective=interval,
            solvers=solvers,
            samples=samples,
            workers=workers,
            time_limit_s=None if time_limit_s is None else max(_LEAST_S, left_s() * share),
            iterations=None if iterations is None else max(1, iterations // searches),
            seed=seed,
            progress=progress,
        )

    if objective.quantile is None:
        found = search(times.high_us, 1.0)
        bound = found.bound
    else:
        found, bound = _quantile(judge, objective.quantile, search, left_s, seed, progress)
    progress("drawing scenarios")
    distribution = judge.distribution(found.chips, _SCENARIOS, seed + 1)
    if objective.quantile is None:
        value_us = distribution.worst_us
    else:
        value_us = float(np.quantile(judge.scenarios_us(found.chips, _SCENARIOS, seed + 1), objective.quantile))
    known = {each.name: getattr(found, each.name) for each in fields(Optimised)} | {
        "interval_us": distribution.nominal_us,
        "bound": simple_bound(graph, package),
        "objective": str(objective),
        "values": (value_us,),
        "proven": objective.quantile is None and found.proven,
    }
    return RobustOptimised(**known, robust_us=value_us, robust_bound=bound, distribution=distribution)


Search = Callable[[FloatArray, float], Optimised]


def _quantile(
    judge: UncertainModel,
    quantile: float,
    search: Search,
    left_s: Callable[[], float],
    seed: int,
    progress: Progress,
) -> tuple[Optimised, Bound | None]:
    """The best found by the quantile over scenarios, and a bound on the quantile.

    The load of a chip has the quantile mean + z * deviation or nearly so, z being the normal quantile of the share
    that each of the chips has to keep for all of them to keep the one asked for. The deviation is no sum over ops,
    but the tangent at the deviation of the heaviest chip is, and lies above it: so searches with the op times
    mean + z * variance / (2 * deviation) find candidates beside the optima of the mean and of the longest times; the
    best of them over the same scenarios is taken.

    A quantile above the median is no less than the interval with mean times, which is convex in the times, while these
    lie symmetrically about their means; one below is no less than the interval with the shortest times.
    """
    times = judge.times

    def valued(found: Optimised) -> float:
        value_us = float(np.quantile(judge.scenarios_us(found.chips, _SCENARIOS, seed), quantile))
        progress(f"quantile {quantile:g} is {value_us:.2f} µs")
        return value_us

    first = found = best = search(times.mean_us, _SHARES[0])
    best_us = valued(first)
    for place, share in enumerate(_SHARES[1:]):
        time_us = times.high_us if place == 0 else _longer_times(judge, quantile, best.chips)
        if found.interrupted or time_us is None or left_s() < _LEAST_S:
            break
        found = search(time_us, share)
        if (value_us := valued(found)) < best_us:
            best, best_us = found, value_us
    best = replace(best, interrupted=found.interrupted)
    if quantile > 0.5:
        return best, first.bound
    return best, simple_bound(with_times(judge.model.graph, judge.model.package, times.low_us), judge.model.package)


def _longer_times(judge: UncertainModel, quantile: float, chips: IntArray) -> FloatArray | None:
    """Times that stand for the quantile about a partition, shape [op, chip]; None where nothing varies."""
    from scipy.stats import norm

    op, n_chips = np.arange(len(chips)), judge.model.package.n_chips
    mean, variance = judge.times.mean_us, judge.times.variance_us2
    load = np.bincount(chips, weights=mean[op, chips], minlength=n_chips)
    deviation = np.sqrt(np.bincount(chips, weights=variance[op, chips], minlength=n_chips))
    z = max(0.0, float(norm.ppf(quantile ** (1 / len(np.unique(chips))))))
    at = int(np.argmax(load + z * deviation))
    if z == 0 or not deviation[at] > 0:
        return None
    return np.asarray(mean + z * variance / (2 * deviation[at]))
