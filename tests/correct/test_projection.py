"""Projection of hints onto forward flow, against a linear program."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from chipzinc.correct.projection import project_monotone
from chipzinc.graph.opgraph import FloatArray, IntArray


def least_distance(hint: IntArray, edges: IntArray, n_chips: int, weights: FloatArray) -> float:
    """Weighted L1 distance to the nearest monotone assignment: min w.t with -t <= x - hint <= t and x_u <= x_v."""
    n = len(hint)
    eye, order = np.eye(n), np.zeros((len(edges), n))
    order[np.arange(len(edges)), edges[:, 0]] = 1
    order[np.arange(len(edges)), edges[:, 1]] = -1
    matrix = np.block([[eye, -eye], [-eye, -eye], [order, np.zeros_like(order)]])
    limit = np.concatenate([hint, -hint, np.zeros(len(edges))])
    cost = np.concatenate([np.zeros(n), weights])
    bounds = [(0, n_chips - 1)] * n + [(0, None)] * n
    return float(linprog(cost, A_ub=matrix, b_ub=limit, bounds=bounds).fun)


@st.composite
def cases(draw: st.DrawFn) -> tuple[IntArray, IntArray, int, FloatArray]:
    n, n_chips = draw(st.integers(1, 8)), draw(st.integers(1, 9))
    hint = np.array(draw(st.lists(st.integers(0, n_chips - 1), min_size=n, max_size=n)))
    pairs = [(u, v) for v in range(n) for u in range(v) if draw(st.booleans())]
    weights = np.array(draw(st.lists(st.sampled_from([0.1, 0.5, 1.0]), min_size=n, max_size=n)))
    return hint, np.array(pairs, dtype=np.int64).reshape(-1, 2), n_chips, weights


@given(cases())
def test_the_projection_is_monotone_and_nearest(case: tuple[IntArray, IntArray, int, FloatArray]) -> None:
    hint, edges, n_chips, weights = case
    (projected,) = project_monotone(hint[None], edges, n_chips, weights)
    assert (projected[edges[:, 0]] <= projected[edges[:, 1]]).all()
    assert ((projected >= 0) & (projected < n_chips)).all()
    distance = float((weights * np.abs(projected - hint)).sum())
    assert distance <= least_distance(hint, edges, n_chips, weights) + 0.01 * len(hint)


@given(cases())
def test_a_monotone_hint_comes_back_as_it_is(case: tuple[IntArray, IntArray, int, FloatArray]) -> None:
    hint, edges, n_chips, weights = case
    (once,) = project_monotone(hint[None], edges, n_chips, weights)
    (twice,) = project_monotone(once[None], edges, n_chips, weights)
    np.testing.assert_array_equal(once, twice)


def test_no_hints_project_to_no_hints() -> None:
    assert project_monotone(np.zeros((0, 3), dtype=int), np.zeros((0, 2), dtype=int), 4).shape == (0, 3)
