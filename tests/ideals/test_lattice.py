"""Ideals and orders against their definitions, on small orders of items."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.graph.opgraph import IntArray
from chipzinc.ideals.lattice import Lattice, all_ideals, prefixes
from chipzinc.ideals.orders import by_priority, depth_first, levels


@st.composite
def partial_orders(draw: st.DrawFn) -> tuple[int, IntArray]:
    """Items numbered in a topological order, and (earlier, later) pairs."""
    n = draw(st.integers(1, 7))
    pairs = [pair for pair in itertools.combinations(range(n), 2) if draw(st.booleans())]
    return n, np.array(pairs, dtype=np.int64).reshape(-1, 2)


def is_ideal(items: int, pairs: IntArray) -> bool:
    return all(items >> earlier & 1 or not items >> later & 1 for earlier, later in pairs.tolist())


@given(partial_orders())
def test_every_set_closed_under_what_precedes_it_is_listed_once(order: tuple[int, IntArray]) -> None:
    n, pairs = order
    found = all_ideals(n, pairs, 2**n)
    assert found is not None
    assert sorted(found) == [items for items in range(2**n) if is_ideal(items, pairs)]


def test_more_ideals_than_asked_for_are_not_listed() -> None:
    none = np.zeros((0, 2), dtype=np.int64)
    assert all_ideals(10, none, 1023) is None
    assert len(all_ideals(10, none, 1024) or []) == 1024


def test_listing_ends_when_the_time_is_over() -> None:
    assert all_ideals(30, np.zeros((0, 2), dtype=np.int64), 2**30, deadline=0.0) is None


@given(partial_orders())
def test_a_lattice_knows_which_ideal_lies_in_which(order: tuple[int, IntArray]) -> None:
    n, pairs = order
    ideals = all_ideals(n, pairs, 2**n) or []
    lattice = Lattice.of(ideals, n)
    assert (len(lattice), lattice.has[0].any(), lattice.has[-1].all()) == (len(ideals), False, True)
    every = slice(0, len(lattice))
    sets = [set(np.flatnonzero(row)) for row in lattice.has]
    assert lattice.nested(every, every).tolist() == [[inner < outer for outer in sets] for inner in sets]


def test_ideals_of_more_items_than_a_word_has_bits_are_compared_in_full() -> None:
    lattice = Lattice.of(prefixes(range(150)), 150)
    every = slice(0, 151)
    assert np.array_equal(lattice.nested(every, every), np.triu(np.ones((151, 151), dtype=bool), 1))


@given(partial_orders(), st.integers(0, 2**32 - 1))
def test_orders_keep_what_precedes_first(order: tuple[int, IntArray], seed: int) -> None:
    n, pairs = order
    above, below = levels(pairs, n)
    keys = np.random.default_rng(seed).random(n)
    for found in (by_priority(pairs, keys), depth_first(pairs, n), depth_first(pairs, n, below)):
        place = np.argsort(found)
        assert sorted(found.tolist()) == list(range(n))
        assert (place[pairs[:, 0]] < place[pairs[:, 1]]).all()
    assert (above[pairs[:, 0]] < above[pairs[:, 1]]).all()
    assert (below[pairs[:, 0]] > below[pairs[:, 1]]).all()


@pytest.mark.parametrize("width", [1, 3, 5])
def test_parallel_chains_have_the_product_of_their_ideals(width: int) -> None:
    pairs = np.array([(chain * 3 + at, chain * 3 + at + 1) for chain in range(width) for at in range(2)])
    assert len(all_ideals(3 * width, pairs, 5000) or []) == math.prod([4] * width)
