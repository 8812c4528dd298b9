"""The search finds what listing every valid partition finds, and says truly what it has proven."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.optimise.neighbourhood import Task, terms_by_solver
from chipzinc.optimise.score import Scorer
from chipzinc.optimise.search import Incumbent, Limits, Outcome, Search
from chipzinc.render.objective import parse_objective
from chipzinc.rules.catalogue import select
from chipzinc.solve import Session
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import SEED_RULES, assignments, random_graph
from tests.throughput.small import OFFCHIP, package

PACKAGES = {
    "one-way ring": package(chips=3, sram="14 B"),
    "two-way ring": package("kind: ring-two-way", chips=3, sram="14 B", more="communication: overlapped"),
    "mesh": package("kind: mesh, rows: 2, columns: 2", chips=4, sram="20 B"),
    "streamed": package("kind: chain", chips=3, sram="8 B", chip=OFFCHIP, more="weights: streamed"),
    "host": package(chips=3, sram="14 B", chip=OFFCHIP, more="communication: host"),
}


def valid_partitions(
    session: Session, graph: OpGraph, package: Package, rules: tuple[str, ...] = SEED_RULES
) -> IntArray:
    """Every assignment that the rules confirm, memory over time included."""
    every = assignments(graph.n_ops, package.n_chips)
    verdicts = verify(session, graph, package, select([RuleUse(name) for name in rules], None), every)
    return every[[verdict.valid for verdict in verdicts]]


def interval_us(graph: OpGraph, package: Package, chips: IntArray) -> float:
    """The interval of one partition."""
    return float(ThroughputModel(graph, package).evaluate(chips).interval_us[0])


def searched(
    session: Session,
    graph: OpGraph,
    package: Package,
    start: IntArray,
    *,
    objective: str = "interval",
    solvers: tuple[str, ...] = ("chuffed",),
    iterations: int = 12,
    coarsening: Coarsening | None = None,
    found: Callable[[Incumbent], None] = lambda incumbent: None,
    value_rank: IntArray | None = None,
) -> Outcome:
    """The outcome of a search from a partition, with one worker."""
    rules = select([RuleUse(name) for name in SEED_RULES], None)
    task = Task(graph, package, rules, parse_objective(objective), start, np.ones(graph.n_ops), value_rank)
    scorer = Scorer(
        graph, package, task.objective, start, lambda chips: terms_by_solver(session, task, chips, "chuffed")
    )
    groups = coarsening or Coarsening.identity(graph)
    worker = [Session(session.toolchain)]
    search = Search(task, scorer, groups, session, worker, solvers=solvers, seed=3, found=found)
    return search.run(scorer.standing(start), Limits(iterations=iterations))


@pytest.mark.parametrize("solver", ["chuffed", "gecode"])
def test_the_order_in_which_chips_are_tried_does_not_change_the_optimum(solver: str, session: Session) -> None:
    package = PACKAGES["one-way ring"]
    rng = np.random.default_rng(5)
    graph = random_graph(rng, 5)
    valid = valid_partitions(session, graph, package)
    shortest = min(interval_us(graph, package, chips) for chips in valid)
    rank = np.argsort(rng.random((graph.n_ops, package.n_chips)), axis=1)
    outcome = searched(session, graph, package, valid[-1], solvers=(solver,), value_rank=rank)
    assert outcome.best.interval_us == pytest.approx(shortest, rel=2e-4)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_search_finds_the_shortest_interval_and_proves_it(name: str, session: Session) -> None:
    package = PACKAGES[name]
    graph = random_graph(np.random.default_rng(len(name)), 5)
    valid = valid_partitions(session, graph, package)
    worst_first = sorted(valid, key=lambda chips: -interval_us(graph, package, chips))
    outcome = searched(session, graph, package, worst_first[0])
    shortest = interval_us(graph, package, worst_first[-1])
    assert outcome.best.interval_us == pytest.approx(shortest, rel=2e-4)
    assert outcome.best.chips.tolist() in valid.tolist()
    assert outcome.bound_us <= shortest
    if package.weights == "resident":
        assert outcome.proven
        assert outcome.bound_us >= 0.99 * shortest


def test_gecode_and_chuffed_in_turn_find_the_same(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(9), 5), PACKAGES["one-way ring"]
    valid = valid_partitions(session, graph, package)
    both = searched(session, graph, package, valid[0], solvers=("gecode", "chuffed"))
    assert both.best.interval_us == pytest.approx(min(interval_us(graph, package, chips) for chips in valid), rel=2e-4)


def test_the_same_seed_and_work_give_the_same_result(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(10), 7), PACKAGES["mesh"]
    start = np.zeros(7, dtype=np.int64)
    roomy = Package(**{**vars(package), "sram_bytes": np.full(4, 100)})
    first, second = (searched(session, graph, roomy, start, iterations=3) for _ in range(2))
    assert first.best.chips.tolist() == second.best.chips.tolist()
    assert first.iterations == second.iterations


def test_groups_that_hide_the_best_partition_are_searched_op_by_op(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(11), 5), PACKAGES["one-way ring"]
    valid = valid_partitions(session, graph, package)
    coarsening = Coarsening(np.array([0, 0, 1, 1, 1]), np.array([[0, 1]]), np.ones(5))
    outcome = searched(session, graph, package, valid[0], coarsening=coarsening)
    shortest = min(interval_us(graph, package, chips) for chips in valid)
    assert outcome.best.interval_us == pytest.approx(shortest, rel=2e-4)


def test_of_the_shortest_intervals_a_lexicographic_search_finds_the_one_on_fewest_chips(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(12), 5), PACKAGES["one-way ring"]
    valid = valid_partitions(session, graph, package)
    best = min((round(interval_us(graph, package, chips), 6), len(set(chips.tolist()))) for chips in valid)
    outcome = searched(session, graph, package, valid[-1], objective="interval > chips_used", iterations=30)
    assert outcome.best.values[0] == pytest.approx(best[0], rel=2e-4)
    assert outcome.best.values[1] == best[1]


def test_a_weighted_search_finds_the_least_sum(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(13), 5), PACKAGES["one-way ring"]
    valid = valid_partitions(session, graph, package)
    least = min(2 * interval_us(graph, package, chips) + 5 * len(set(chips.tolist())) for chips in valid)
    outcome = searched(session, graph, package, valid[-1], objective="2 interval + 5 chips_used")
    assert 2 * outcome.best.values[0] + 5 * outcome.best.values[1] == pytest.approx(least, rel=0.05)


def test_ctrl_c_keeps_the_best_so_far(session: Session) -> None:
    graph, package = random_graph(np.random.default_rng(14), 5), PACKAGES["one-way ring"]
    valid = valid_partitions(session, graph, package)
    worst = max(valid, key=lambda chips: interval_us(graph, package, chips))
    seen: list[Incumbent] = []

    def press(incumbent: Incumbent) -> None:
        seen.append(incumbent)
        if len(seen) == 2:
            raise KeyboardInterrupt

    outcome = searched(session, graph, package, worst, found=press)
    assert outcome.interrupted
    assert outcome.best.interval_us == seen[-1].interval_us < seen[0].interval_us


def test_a_search_never_repeats_what_overflowed_over_time(session: Session) -> None:
    graph, tight = random_graph(np.random.default_rng(15), 6), package(chips=3, sram="13 B")
    valid = valid_partitions(session, graph, tight)
    for start in valid[:: max(1, len(valid) // 2)]:
        outcome = searched(session, graph, tight, start)
        assert outcome.best.chips.tolist() in valid.tolist()
