"""What the search of `chipzinc.improve` comes to, as a method to compare tells it."""

from __future__ import annotations

from chipzinc.baselines.driver import Budget, Point, Trajectory
from chipzinc.compare.case import Case
from chipzinc.hints.sources import HintSource
from chipzinc.solve import Session

WORKERS = 2
"""Neighbourhoods searched at a time, unless told otherwise."""


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
        falling([(each.seconds, each.interval_us) for each in found.incumbents]),
        found.chips,
        seconds=found.seconds["total"],
        bound_us=None if found.bound is None else found.bound.value_us,
        proven=found.proven,
        interrupted=found.interrupted,
    )


def falling(incumbents: list[tuple[float, float]]) -> tuple[Point, ...]:
    """The points at which the interval fell."""
    points: list[Point] = []
    for seconds, interval_us in incumbents:
        if not points or interval_us < points[-1].interval_us:
            points.append(Point(0, seconds, interval_us))
    return tuple(points)
