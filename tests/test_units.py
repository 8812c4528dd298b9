"""Quantities with units, and the scaling of floats to a solver's integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chipzinc.errors import InputError
from chipzinc.units import (
    SOLVER_LIMIT,
    parse_bytes,
    parse_bytes_per_us,
    parse_flops_per_us,
    parse_picojoules,
    parse_us,
    relax_demands,
    scale_demands,
)

AMOUNT = st.one_of(st.integers(0, 2**45).map(float), st.floats(0, 1e12))


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (parse_bytes, "32 MiB", 32 * 2**20),
        (parse_bytes, "8 MB", 8_000_000),
        (parse_bytes, "1.5KiB", 1536),
        (parse_bytes_per_us, "16 GB/s", 16_000.0),
        (parse_bytes_per_us, "5 Gbit/s", 625.0),
        (parse_flops_per_us, "4 TOPS", 4e6),
        (parse_flops_per_us, "4e3 GFLOPS", 4e6),
        (parse_us, "0.2 us", 0.2),
        (parse_us, "30s", 30e6),
        (parse_us, "5 µs", 5.0),
        (parse_picojoules, "1 nJ", 1000.0),
    ],
)
def test_a_quantity_is_its_number_times_its_unit(read, text: str, value: float) -> None:
    assert read(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["32", 32, "MiB", "-1 MiB", "1 MiB 2", "nan MiB", "1,5 MiB", "", None, True])
def test_what_is_no_number_with_a_unit_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(InputError, match="expected a number with a unit such as '32 MiB'"):
        parse_bytes(text)


def test_an_unknown_unit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown unit 'mb' .* kB, MB"):
        parse_bytes("32 mb")


def test_a_quantity_beyond_every_float_is_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        parse_bytes("1e308 GB")


@given(st.lists(AMOUNT, min_size=1, max_size=8), AMOUNT)
def test_what_fits_in_integers_fits_in_truth(demands: list[float], capacity: float) -> None:
    scaled = scale_demands(demands, [capacity])
    if scaled.demands.sum() <= scaled.capacities[0]:
        assert sum(map(int, demands)) <= capacity
        assert sum(demands) <= capacity * (1 + 1e-12)


@given(st.lists(AMOUNT, min_size=1, max_size=8), AMOUNT)
def test_what_fits_in_truth_fits_relaxed_integers(demands: list[float], capacity: float) -> None:
    scaled = relax_demands(demands, [capacity])
    if sum(demands) <= capacity:
        assert scaled.demands.sum() <= scaled.capacities[0]


@given(st.lists(AMOUNT, min_size=1, max_size=8), st.lists(AMOUNT, min_size=1, max_size=3))
def test_sums_and_capacities_stay_within_the_limit(demands: list[float], capacities: list[float]) -> None:
    for scale in (scale_demands, relax_demands):
        scaled = scale(demands, capacities)
        assert scaled.demands.min() >= 0
        assert scaled.capacities.max() <= SOLVER_LIMIT
    within = [demand for demand in demands if demand <= max(capacities)]
    if within:
        assert scale_demands(within, capacities).demands.sum() <= SOLVER_LIMIT


@given(st.lists(AMOUNT, min_size=1, max_size=8), AMOUNT)
@example([5e-324], 1.0)
def test_scaling_costs_less_than_a_unit_per_item_and_capacity(demands: list[float], capacity: float) -> None:
    scaled = scale_demands(demands, [capacity])
    if sum(demands) + (len(demands) + 1) * scaled.unit <= min(capacity, SOLVER_LIMIT * scaled.unit):
        assert scaled.demands.sum() <= scaled.capacities[0]
    lossless = all(min(demand, capacity) % scaled.unit == 0 for demand in demands)
    total = sum(min(demand, capacity) for demand in demands)
    assert lossless or scaled.unit <= max(4 * total / SOLVER_LIMIT, 2**-64)


@given(st.lists(st.integers(0, 4096), min_size=1, max_size=8), st.integers(0, 2**16), st.integers(1, 2**20))
def test_whole_numbers_with_a_small_sum_lose_nothing(demands: list[int], capacity: int, factor: int) -> None:
    scaled = scale_demands([demand * factor for demand in demands], [capacity * factor])
    fits = sum(demands) <= capacity
    assert (scaled.demands.sum() <= scaled.capacities[0]) == fits


def test_gigabytes_on_thousands_of_ops_lose_less_than_a_thousandth() -> None:
    generator = np.random.default_rng(0)
    demands = generator.integers(1, 5_000_001, size=2_000)
    scaled = scale_demands(demands, [2**32])
    assert scaled.demands.sum() <= SOLVER_LIMIT
    assert scaled.demands.sum() * scaled.unit < demands.sum() * 1.001


def test_an_item_no_capacity_holds_fits_nowhere_and_leaves_the_others_their_precision() -> None:
    scaled = scale_demands([3.0, 5.0, 1e15], [8.0])
    assert scaled.unit == 1
    assert scaled.demands.tolist() == [3, 5, 9]
    assert scaled.capacities.tolist() == [8]


def test_of_alternatives_only_the_largest_counts_towards_the_sum() -> None:
    half = SOLVER_LIMIT // 2 - 1
    scaled = scale_demands(np.array([[half, 1], [1, half]]), [SOLVER_LIMIT])
    assert scaled.unit == 1
    assert scaled.demands.tolist() == [[half, 1], [1, half]]


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_a_demand_that_is_no_amount_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="demand has to be a finite number"):
        scale_demands([1.0, bad], [2.0])


@given(
    st.lists(st.integers(0, 2**30), min_size=1, max_size=8),
    st.lists(st.integers(0, 2**34), min_size=1, max_size=8),
    st.integers(0, 2**33),
)
def test_of_further_demands_a_holder_has_but_the_largest(demands: list[int], single: list[int], capacity: int) -> None:
    scaled = scale_demands(demands, [capacity], alternatives=single)
    held, (room,) = scaled.demands[: len(demands)], scaled.capacities
    beside = scaled.demands[len(demands) :]
    assert held.sum() + beside.max() <= SOLVER_LIMIT
    for size, integer in zip(single, beside.tolist(), strict=True):
        if held.sum() + integer <= room:
            assert sum(demands) + size <= capacity


def test_further_demands_of_which_one_counts_do_not_coarsen_the_unit() -> None:
    assert scale_demands([3, 5], [2**27], alternatives=[2**27 - 1] * 10).unit == 1
    assert scale_demands([3, 5, *[2**27 - 1] * 10], [2**27]).unit > 1
    with pytest.raises(InputError, match="one dimension"):
        scale_demands([[1, 2]], [3], alternatives=[1])
