"""Hitting sets: right by enumeration, bound included."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.designs.hitting import least_hitting_set

CUTS = st.lists(st.sets(st.integers(0, 6), min_size=1, max_size=4).map(lambda ops: tuple(sorted(ops))), max_size=6)


@given(CUTS, st.lists(st.integers(1, 5), min_size=7, max_size=7))
def test_the_set_hits_every_cut_and_none_is_cheaper(cuts: list[tuple[int, ...]], price: list[int]) -> None:
    found = least_hitting_set(cuts, np.array(price), np.zeros(7, dtype=np.int64))
    assert found is not None
    chosen, bound = set(found[0].tolist()), found[1]
    every = (set(ops) for size in range(8) for ops in itertools.combinations(range(7), size))
    least = min(sum(price[op] for op in ops) for ops in every if all(ops & set(cut) for cut in cuts))
    assert all(chosen & set(cut) for cut in cuts)
    assert sum(price[op] for op in chosen) == bound == least


def test_of_sets_of_one_price_the_favoured_ops_are_taken() -> None:
    found = least_hitting_set([(0, 1), (1, 2)], np.array([1, 1, 1]), np.array([0, 5, 0]))
    assert found is not None
    assert found[0].tolist() == [1]


def test_a_cut_of_ops_that_may_not_be_chosen_has_no_answer() -> None:
    assert least_hitting_set([(0, 1)], np.array([0, 0, 1]), np.zeros(3, dtype=np.int64)) is None
