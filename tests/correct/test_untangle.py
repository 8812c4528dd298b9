"""Hints without triangles of chips, against walks counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given

from chipzinc.baselines.driver import Corrector, Proposal
from chipzinc.correct.projection import project, project_monotone
from chipzinc.correct.untangle import close_up, triangle_edges, untangle, untangle_wholly
from chipzinc.graph.opgraph import FloatArray, IntArray
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import Noisy
from chipzinc.solve import Session
from tests.correct.test_projection import cases

RULES = frozenset({"acyclic_dataflow", "triangle_dependency"})


def triangles(chips: IntArray, edges: IntArray) -> set[tuple[int, int]]:
    """Pairs of chips that an edge joins and a walk over another chip does too, by looking at every walk."""
    feeds = {(int(chips[u]), int(chips[v])) for u, v in edges if chips[u] != chips[v]}
    walks = feeds
    while True:
        longer = {(a, d) for (a, b), (c, d) in itertools.product(walks, feeds) if b == c}
        if longer <= walks:
            break
        walks = walks | longer
    return {(a, d) for (a, b), (c, d) in itertools.product(feeds, walks) if b == c} & feeds


@given(cases())
def test_an_edge_is_in_a_triangle_exactly_where_a_longer_walk_joins_its_chips(
    case: tuple[IntArray, IntArray, int, FloatArray],
) -> None:
    hint, edges, n_chips, _ = case
    (chips,) = project_monotone(hint[None], edges, n_chips)
    found = {tuple(ends) for ends in chips[edges[triangle_edges(chips, edges, n_chips)]].tolist()}
    assert found == triangles(chips, edges)


@given(cases())
def test_what_is_untangled_flows_forward_without_triangles_or_is_as_it_was(
    case: tuple[IntArray, IntArray, int, FloatArray],
) -> None:
    hint, edges, n_chips, _ = case
    forward = project_monotone(hint[None], edges, n_chips)
    (chips,) = untangle(hint[None], forward, edges, n_chips)
    assert (chips[edges[:, 0]] <= chips[edges[:, 1]]).all()
    assert ((chips >= 0) & (chips < n_chips)).all()
    assert not triangles(chips, edges) or (chips == forward[0]).all()
    if not triangles(forward[0], edges):
        np.testing.assert_array_equal(chips, forward[0])


@given(cases())
def test_what_is_untangled_however_far_has_no_triangles_closed_up_or_not(
    case: tuple[IntArray, IntArray, int, FloatArray],
) -> None:
    hint, edges, n_chips, _ = case
    forward = project_monotone(hint[None], edges, n_chips)
    untangled = untangle_wholly(forward, edges, n_chips)
    for chips in (untangled[0], close_up(untangled)[0]):
        assert (chips[edges[:, 0]] <= chips[edges[:, 1]]).all()
        assert not triangles(chips, edges)
    assert np.unique(close_up(untangled)).tolist() == list(range(len(np.unique(untangled))))


def test_one_skip_is_drawn_in_and_nothing_else_moves() -> None:
    chain = np.arange(12) // 2
    edges = np.array([*itertools.pairwise(range(12)), (12, 11)])
    hint = np.append(chain, 1)  # a source on chip 1 that feeds chip 5
    (asked,) = project(hint[None], edges, 6, RULES)
    np.testing.assert_array_equal(asked, np.append(chain, 4))


def test_without_the_rules_a_hint_is_asked_for_as_it_is() -> None:
    edges, hint = np.array([(0, 1), (1, 2), (0, 2)]), np.array([[2, 1, 0]])
    np.testing.assert_array_equal(project(hint, edges, 3, frozenset()), hint)
    assert (np.diff(project(hint, edges, 3, RULES)) >= 0).all()


def test_noisy_hints_of_an_unrolled_recurrent_network_are_all_corrected_in_seconds(session: Session) -> None:
    corrector = Corrector(load_zoo_graph("elman-lm"), load_spec("mcm16-ring"), session)
    hints = Noisy().rankings(corrector.context, 8, np.random.default_rng(0))[..., 0]
    assert np.isfinite(corrector(Proposal("fix", hints), 30.0).interval_us).all()
