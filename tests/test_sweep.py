"""A sweep finds what listing every partition finds, value by value, and its bounds hold."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from chipzinc.hardware.sweep import Sweep
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session, embedded, find_toolchain
from chipzinc.sweep import SweptPoint, fewest, run_sweep, settled
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import assignments, random_graph
from tests.throughput.small import package

RULES = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
GRAPH = random_graph(np.random.default_rng(8), 5)
PACKAGES = {chips: package(chips=chips, sram="11 B", more=RULES) for chips in (2, 3)}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


@pytest.fixture(scope="module")
def points(session: Session) -> list[SweptPoint]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "package", lambda self, package, value: PACKAGES[value])
        found = run_sweep(
            GRAPH,
            PACKAGES[3],
            Sweep("chips", tuple(PACKAGES)),
            session=session,
            worker=lambda: Session(session.toolchain),
            workers=1,
            iterations=2,
            time_limit_s=None,
        )
        return settled(list(found))


def shortest(session: Session, chips: int) -> float:
    """By listing every assignment."""
    every = assignments(GRAPH.n_ops, chips)
    verdicts = verify(session, GRAPH, PACKAGES[chips], selected_rules(PACKAGES[chips]), every)
    valid = every[[verdict.valid for verdict in verdicts]]
    return float(ThroughputModel(GRAPH, PACKAGES[chips]).evaluate(valid).interval_us.min())


def test_every_point_has_the_shortest_interval_and_a_bound_below_it(points: list[SweptPoint], session: Session) -> None:
    for point, chips in zip(points, PACKAGES, strict=True):
        best = shortest(session, chips)
        assert point.interval_us == pytest.approx(best, rel=2e-4)
        assert point.bound_us is not None
        assert point.bound_us <= best * (1 + 1e-9)


def test_more_chips_are_never_slower(points: list[SweptPoint]) -> None:
    intervals = [point.interval_us for point in points if point.interval_us is not None]
    assert intervals == sorted(intervals, reverse=True)


def known(chips: int, interval_us: float | None, bound_us: float | None, **said: bool) -> SweptPoint:
    partition = None if interval_us is None else np.zeros(GRAPH.n_ops, dtype=np.int64)
    return SweptPoint(chips, PACKAGES[chips], partition, interval_us, bound_us, **said)


def test_a_bound_with_more_chips_holds_with_fewer() -> None:
    fewer, more = settled([known(2, 10.0, 4.0), known(3, 9.0, 6.0)])
    assert (fewer.bound_us, more.bound_us) == (6.0, 6.0)


def test_what_cannot_be_with_more_chips_cannot_be_with_fewer() -> None:
    fewer, _ = settled([known(2, None, 4.0), known(3, None, None, infeasible=True)])
    assert (fewer.infeasible, fewer.bound_us) == (True, None)


def test_the_first_value_that_is_near_the_best_is_told() -> None:
    points = [known(2, None, None), known(2, 10.0, 1.0), known(3, 8.05, 1.0), known(3, 8.0, 1.0)]
    assert [fewest(points, within).interval_us for within in (0.0, 0.01, 0.5)] == [8.0, 8.05, 10.0]  # type: ignore[union-attr]
    assert fewest(points[:1]) is None
