"""`run_sweep()`: the best partition and a bound for every value of a spec's field: what does more hardware bring?

A partition found for one value is tried on the next; a bound proven where there is more of everything holds where there
is less. Knows no file and no command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chipzinc.errors import InfeasibleError, NoAnswerError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.dominance import dominates
from chipzinc.hardware.package import Package
from chipzinc.hardware.sweep import Sweep, Value
from chipzinc.hints.sources import Given, HintSource, Slice
from chipzinc.improve import Optimised, optimise
from chipzinc.optimise.score import LEAST_GAIN
from chipzinc.recipe import Progress
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify

_TRIED = 3  # partitions of other values that the rules are asked about


@dataclass(frozen=True, eq=False)
class SweptPoint:
    """What is known for one value.

    Attributes:
        value: the value.
        package: the package it makes.
        chips: the best valid partition, chip of each op, shape [op]; None if none is known.
        interval_us: its interval; None without a partition.
        bound_us: no valid partition has a shorter interval; None where nothing is proven.
        infeasible: whether it is proven that no partition is valid.
        seconds: wall time.
        error: why there is no partition.
    """

    value: Value
    package: Package
    chips: IntArray | None = None
    interval_us: float | None = None
    bound_us: float | None = None
    infeasible: bool = False
    seconds: float = 0.0
    error: str | None = None

    @property
    def gap(self) -> float | None:
        """Interval / bound - 1."""
        return self.interval_us / self.bound_us - 1 if self.interval_us and self.bound_us else None

    @property
    def proven(self) -> bool:
        """Whether nothing better, by more than is worth a solve, or nothing at all, is proven to exist."""
        return self.infeasible or (self.gap is not None and self.gap <= LEAST_GAIN)

    @property
    def chips_used(self) -> int | None:
        """Chips that have ops."""
        return None if self.chips is None else len(set(self.chips.tolist()))


def run_sweep(
    graph: OpGraph,
    package: Package,
    sweep: Sweep,
    *,
    session: Session,
    worker: Callable[[], Session],
    solvers: Sequence[str] = ("chuffed",),
    workers: int = 2,
    time_limit_s: float | None = 30.0,
    iterations: int | None = None,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> Iterator[SweptPoint]:
    """Optimises the interval for every value in turn, each from the better of its own slices and what is known.

    Args:
        graph: the graph.
        package: the package, whose spec has the field.
        sweep: the field and its values.
        session: where to solve.
        worker: opens a further session for a worker.
        solvers: as for `optimise`.
        workers: as for `optimise`.
        time_limit_s: wall-clock limit of each value.
        iterations: neighbourhoods to search for each value.
        seed: seed of all draws.
        progress: called with what is being done.

    Yields:
        A point a value, in their order. `settled` tells what all of them together say of each.

    Raises:
        InputError: if the field or one of its values is wrong, before anything is solved.
    """
    packages = [replace(sweep.package(package, value), objective="interval") for value in sweep.values]
    known: list[SweptPoint] = []
    for value, variant in zip(sweep.values, packages, strict=True):
        name = f"{sweep.field}={value}"

        def told(step: str, name: str = name) -> None:
            progress(f"{name}: {step}")

        begin = time.monotonic()
        neighbour = _from_known(graph, variant, known, session, solvers[0])
        point = SweptPoint(value, variant)
        try:
            found = optimise(
                graph,
                variant,
                session=session,
                worker=worker,
                hints=_start(graph, variant, neighbour),
                solvers=solvers,
                workers=workers,
                time_limit_s=time_limit_s,
                iterations=iterations,
                seed=seed,
                progress=told,
            )
            point = _found(point, found, neighbour)
            if found.interrupted:
                yield replace(point, seconds=time.monotonic() - begin)
                raise KeyboardInterrupt
        except InfeasibleError as error:
            point = replace(point, infeasible=True, error=str(error))
        except NoAnswerError as error:
            point = replace(point, error=str(error))
        point = replace(point, seconds=time.monotonic() - begin)
        known.append(point)
        yield point


def settled(points: Sequence[SweptPoint]) -> list[SweptPoint]:
    """The points with what the others prove for them: where there is less of everything, no interval is shorter."""
    result = []
    for point in points:
        for other in points:
            if other is not point and dominates(other.package, point.package):
                if other.infeasible and point.chips is None:
                    point = replace(point, infeasible=True, error=other.error)
                elif other.bound_us is not None:
                    point = replace(point, bound_us=max(point.bound_us or 0.0, other.bound_us))
        result.append(replace(point, bound_us=None) if point.infeasible else point)
    return result


def fewest(points: Sequence[SweptPoint], within: float = 0.0) -> SweptPoint | None:
    """The first point whose interval comes within a share of the shortest one; None where no point has any."""
    intervals = [point.interval_us for point in points if point.interval_us is not None]
    if not intervals:
        return None
    enough = min(intervals) * (1 + within)
    return next(point for point in points if point.interval_us is not None and point.interval_us <= enough)


def _from_known(
    graph: OpGraph, package: Package, known: Sequence[SweptPoint], session: Session, solver: str
) -> tuple[float, IntArray] | None:
    """The best of the partitions found for other values that is valid on this package, with its interval in µs."""
    fitting = [p.chips for p in known if p.chips is not None and p.chips.max(initial=0) < package.n_chips]
    if not fitting:
        return None
    model = ThroughputModel(graph, package)
    intervals = model.evaluate(np.stack(fitting)).interval_us
    best = np.argsort(intervals, kind="stable")[:_TRIED]
    candidates = np.stack(fitting)[best]
    verdicts = verify(session, graph, package, selected_rules(package), candidates, solver=solver)
    valid = [place for place, verdict in enumerate(verdicts) if verdict.valid]
    return (float(intervals[best[valid[0]]]), candidates[valid[0]]) if valid else None


def _start(graph: OpGraph, package: Package, neighbour: tuple[float, IntArray] | None) -> HintSource:
    """Slices, unless a neighbour's partition is better than the quick one of them."""
    from chipzinc.grouping import group_ops
    from chipzinc.hints.search import quick_slice
    from chipzinc.hints.sources import HintContext

    if neighbour is None:
        return Slice()
    hard = {selected.name for selected in selected_rules(package) if selected.hard}
    context = HintContext(graph, package, group_ops(graph, package), no_jumps="triangle_dependency" in hard)
    quick = quick_slice(context)
    if quick is None or float(ThroughputModel(graph, package).evaluate(quick).interval_us[0]) > neighbour[0]:
        return Given(neighbour[1])
    return Slice()


def _found(point: SweptPoint, found: Optimised, neighbour: tuple[float, IntArray] | None) -> SweptPoint:
    """The point with the better of what was found and what was known."""
    bound_us = None if found.bound is None else found.bound.value_us
    if neighbour is not None and neighbour[0] < found.interval_us:
        return replace(point, chips=neighbour[1], interval_us=neighbour[0], bound_us=bound_us)
    return replace(point, chips=found.chips, interval_us=found.interval_us, bound_us=bound_us)
