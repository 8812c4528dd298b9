"""What is rendered for solving leaves just what brute force allows: rules alone, together, in any subset, on groups."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from chipzinc.exhaustive import every_assignment, solve_all
from chipzinc.render.data import problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, render_text
from chipzinc.solve import Session, Solution, SolveRequest, Text
from tests.rules.oracle import Small, dags, groupings
from tests.rules.problems import (
    EVERY_RULE,
    ONE_OR_ALL,
    SEED_RULES,
    allowed,
    graph_of,
    package_of,
    problem,
    rules_of,
    small_graphs,
    some_graphs_of_five,
    trial,
)

SOLVERS = ["gecode", "chuffed"]
FLOWING = ("acyclic_dataflow", "triangle_dependency")
SUBSETS = [names for size in range(len(SEED_RULES) + 1) for names in itertools.combinations(SEED_RULES, size)]
MORE_SUBSETS = [
    tuple(sorted(np.random.default_rng(seed).choice(EVERY_RULE, 1 + seed % 6, replace=False))) for seed in range(24)
]

Wanted = tuple[Small, Sequence[str], Sequence[int] | None]


EVERYTHING = slice(None)
SHARED = pytest.mark.parametrize(
    ("solver", "part"),
    [
        *(pytest.param(solver, slice(turn, None, 2), id=solver) for turn, solver in enumerate(SOLVERS)),
        *(pytest.param(solver, EVERYTHING, id=f"{solver}-everything", marks=pytest.mark.slow) for solver in SOLVERS),
    ],
)
"""Each solver sees every other one of a test's problems, and all of them in the slow tests."""


def named(names: Sequence[str]) -> str:
    return "seeds" if names == SEED_RULES else "+".join(names) or "none"


def check(session: Session, solver: str, wanted: Iterable[Wanted]) -> None:
    """The solutions of each problem, under some rules and grouping, are what the oracles allow."""
    wanted = list(wanted)
    expected = [allowed(*each) for each in wanted]
    found = solve_all(session, [trial(*each) for each in wanted], expected, solver)
    for each, left, good in zip(wanted, found, expected, strict=True):
        assert np.flatnonzero(left).tolist() == np.flatnonzero(good).tolist(), each


@SHARED
@pytest.mark.parametrize("names", ONE_OR_ALL, ids=named)
def test_a_rule_alone_and_all_together_leave_what_is_allowed(
    session: Session, solver: str, part: slice, names: tuple[str, ...]
) -> None:
    """Graphs of up to three ops on 2, 3 and 4 chips, those of four on one of these in turn, on 4 in the slow tests.

    Of the rules beside the seed rules the fast tests see only half of these.
    """
    fast = part != EVERYTHING
    sizes = [(n_ops, edges, n_chips) for n_ops, edges in small_graphs(3) for n_chips in (2, 3, 4)]
    sizes += [(4, edges, 2 + (number // 2 % 2 if fast else number % 3)) for number, edges in enumerate(dags(4))]
    sizes = sizes[part]
    if fast and not set(names) <= {*SEED_RULES}:
        sizes = sizes[::2]
    check(session, solver, [(problem(*size), names, None) for size in sizes])


@SHARED
@pytest.mark.parametrize("names", [FLOWING, SEED_RULES], ids=named)
def test_the_rules_of_a_pipeline_leave_what_is_allowed_on_every_graph_of_four_ops(
    session: Session, solver: str, part: slice, names: tuple[str, ...]
) -> None:
    n_chips = 4 if part == EVERYTHING and names == SEED_RULES else 3
    check(session, solver, [(problem(4, edges, n_chips), names, None) for edges in dags(4)[part]])


@pytest.mark.parametrize("solver", SOLVERS)
def test_all_rules_leave_what_is_allowed_on_some_graphs_of_five_ops(session: Session, solver: str) -> None:
    check(session, solver, [(problem(n, edges, 3), SEED_RULES, None) for n, edges in some_graphs_of_five(8, seed=2)])


@SHARED
def test_any_subset_of_the_rules_compiles_and_leaves_what_is_allowed(
    session: Session, solver: str, part: slice
) -> None:
    crossed = ((0, 1), (0, 2), (0, 3), (1, 3), (2, 3))
    subsets = (*SUBSETS, *MORE_SUBSETS)[part]
    check(session, solver, [(problem(4, crossed, 3), names, None) for names in subsets])


@SHARED
@pytest.mark.parametrize("names", [FLOWING, SEED_RULES], ids=named)
def test_groups_leave_what_is_allowed_and_the_same_for_all_their_ops(
    session: Session, solver: str, part: slice, names: tuple[str, ...]
) -> None:
    every = [(n_ops, edges, group_of) for n_ops, edges in small_graphs(4) for group_of in groupings(n_ops, edges)]
    every = [each for each in every if max(each[2]) + 1 < each[0]]
    chosen = np.random.default_rng(3).choice(len(every), 40, replace=False)[part]
    check(session, solver, [(problem(*every[n][:2], 3), names, every[n][2]) for n in chosen])


@SHARED
def test_small_sram_leaves_what_fits_even_if_that_is_nothing(session: Session, solver: str, part: slice) -> None:
    tight = [problem(n_ops, edges, 2, roomy=False) for n_ops, edges in small_graphs(4)]
    none = [not allowed(small, ["memory_capacity"]).any() for small in tight]
    assert 5 < sum(none) < len(none) - 5
    some = [small for small, nothing in zip(tight, none, strict=True) if not nothing or small.n_ops == 3]
    check(session, solver, [(small, ["memory_capacity"], None) for small in some[part]])


@pytest.mark.parametrize(
    ("names", "solver"),
    [
        pytest.param(
            names,
            solver,
            id=f"{named(names)}-{solver}",
            marks=() if SOLVERS[number % 2] == solver else pytest.mark.slow,
        )
        for number, names in enumerate(ONE_OR_ALL)
        for solver in SOLVERS
    ],
)
def test_the_model_as_a_user_runs_it_has_the_same_solutions(
    session: Session, names: tuple[str, ...], solver: str
) -> None:
    """As `chipzinc render` writes it, not beside others; auxiliaries may show a solution more than once."""
    small = problem(3, ((0, 1), (1, 2)), 3)
    graph, package, rules = graph_of(small), package_of(small), rules_of(small, names)
    live_sets = trial(small, names).live_sets
    request = SolveRequest(
        solver=solver,
        models=(Text("partition.mzn", render_text(PARTITION_TEMPLATE, graph, package, rules)),),
        data=(Text("partition.json", json.dumps(problem_data(graph, package, rules, live_sets=live_sets))),),
        all_solutions=True,
    )
    found = {tuple(event.values["group_chip"]) for event in session.solve(request) if isinstance(event, Solution)}
    every = every_assignment(3, 3)
    assert found == {tuple(chips) for chips in every[allowed(small, names)].tolist()}


@pytest.mark.parametrize(
    "names", [SEED_RULES, *(pytest.param(names, marks=pytest.mark.slow) for names in ONE_OR_ALL[:-1])], ids=named
)
def test_cp_sat_leaves_what_is_allowed_too(session: Session, names: tuple[str, ...]) -> None:
    pytest.importorskip("ortools")
    check(session, "cp-sat", [(problem(n, edges, 3), names, None) for n, edges in [*small_graphs(3)][-4:]])


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_chips", [2, 3, 4])
@pytest.mark.parametrize("names", [*ONE_OR_ALL, FLOWING], ids=named)
@pytest.mark.parametrize("n_ops", [4, 5])
def test_a_rule_alone_and_all_together_leave_what_is_allowed_on_every_graph(
    session: Session, solver: str, n_chips: int, names: tuple[str, ...], n_ops: int
) -> None:
    check(session, solver, [(problem(n_ops, edges, n_chips), names, None) for edges in dags(n_ops)])


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("names", ONE_OR_ALL, ids=named)
def test_every_grouping_leaves_what_is_allowed(session: Session, solver: str, names: tuple[str, ...]) -> None:
    check(
        session,
        solver,
        [
            (problem(n_ops, edges, 3), names, group_of)
            for n_ops, edges in small_graphs(4)
            for group_of in groupings(n_ops, edges)
        ],
    )
