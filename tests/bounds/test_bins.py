"""The bound of bin packing against every way to give ops to chips."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chipzinc.bounds.bins import bins_bound
from chipzinc.throughput.model import ThroughputModel
from tests.throughput.small import graph, package


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=7), st.integers(1, 4), st.sampled_from([1.0, 1 / 3, 1e-7]))
@example([10, 10, 10, 10, 10], 2, 1 / 3)
def test_no_way_to_give_ops_to_chips_is_shorter(flops: list[int], chips: int, scale: float) -> None:
    model = graph([], len(flops), flops=[each * scale for each in flops])
    on = package(chips=chips)
    every = np.array(list(itertools.product(range(chips), repeat=len(flops))), dtype=np.int64)
    best = float(ThroughputModel(model, on).evaluate(every).interval_us.min())
    assert bins_bound(model, on) <= best


@pytest.mark.parametrize(
    ("flops", "chips", "bound"),
    [
        ([10] * 5, 2, 30),  # three on one of the chips, where the work alone would say 25
        ([10] * 7 + [1] * 20, 3, 30),
        ([12, 12, 12, 7, 7, 7, 7], 4, 19),  # four sevens fit one chip in no less than 28, two beside no twelve
        ([5, 5], 4, 0),  # no more than the largest op says
    ],
)
def test_large_ops_leave_room_that_nothing_fills(flops: list[int], chips: int, bound: float) -> None:
    assert bins_bound(graph([], len(flops), flops=flops), package(chips=chips)) == pytest.approx(bound)
