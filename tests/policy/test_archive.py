"""The archive keeps the best distinct partitions, and what disturbs them stays within the package."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.hints.sources import STARTS, Start
from chipzinc.policy.archive import Archive
from chipzinc.policy.disturb import _WAYS, Disturbance, _recut, disturbed, windows, within
from chipzinc.policy.instance import Instance


def test_the_best_distinct_partitions_are_kept_the_shortest_first() -> None:
    archive = Archive(kept=2)
    chips = np.array([[0, 0], [0, 1], [0, 1], [1, 1]])
    assert archive.add("g", chips, np.array([3.0, 1.0, 1.0, 2.0]))
    assert [(us, row.tolist()) for us, row in archive.best["g"]] == [(1.0, [0, 1]), (2.0, [1, 1])]
    assert archive.shortest_us("g") == 1.0


def test_what_was_not_corrected_is_not_kept() -> None:
    archive = Archive()
    assert not archive.add("g", np.array([[-1, -1]]), np.array([np.inf]))
    assert archive.partition("g") is None
    assert archive.nearest("g", np.array([[0, 0]])) is None


def test_of_equals_the_latest_comes_first_and_is_no_improvement() -> None:
    archive = Archive(kept=2)
    archive.add("g", np.array([[0, 0]]), np.array([1.0]))
    assert not archive.add("g", np.array([[0, 1]]), np.array([1.0]))
    assert archive.partition("g").tolist() == [0, 1]  # type: ignore[union-attr]


def test_the_nearest_partition_is_found_for_each_candidate() -> None:
    archive = Archive()
    archive.add("g", np.array([[0, 0, 0], [3, 3, 3]]), np.array([1.0, 2.0]))
    nearest = archive.nearest("g", np.array([[0, 1, 0], [2, 3, 3]]))
    assert nearest is not None
    assert nearest.tolist() == [[0, 0, 0], [3, 3, 3]]


@given(st.lists(st.lists(st.tuples(st.integers(0, 15), st.integers(1, 6)), max_size=6), max_size=6), st.integers(1, 4))
def test_what_is_kept_is_what_sorting_everything_leaves(offers: list[list[tuple[int, int]]], kept: int) -> None:
    """A partition is four bits, and its interval is that of its first offer."""
    archive, first, best = Archive(kept=kept), dict[int, int](), np.inf
    for offer in offers:
        offer = [(code, first.setdefault(code, us)) for code, us in offer]
        chips = np.array([[code >> bit & 1 for bit in range(4)] for code, _ in offer], dtype=np.int64).reshape(-1, 4)
        better = archive.add("g", chips, np.array([us for _, us in offer], dtype=np.float64))
        assert better == (min((us for _, us in offer), default=np.inf) < best)
        best = min([best, *(us for _, us in offer)])
        known = archive.best["g"]
        assert [us for us, _ in known] == sorted(first.values())[:kept]
        assert len({row.tobytes() for _, row in known}) == len(known)
        assert archive.shortest_us("g") == best


@pytest.mark.parametrize("way", dict.fromkeys(_WAYS), ids=lambda way: way.__name__.strip("_"))
def test_each_way_of_disturbing_keeps_the_shape_and_strays_a_little(instance: Instance, way: Disturbance) -> None:
    target = np.arange(instance.coarsening.n_groups) * 3 // instance.coarsening.n_groups
    rng = np.random.default_rng(0)
    found = np.stack([way(instance, target, rng) for _ in range(100)])
    assert found.shape == (100, len(target))
    assert found.dtype == target.dtype
    assert np.abs(found - target).max() <= 4
    assert (found != target).any(axis=1).mean() > 0.3


def test_a_target_that_is_cut_elsewhere_keeps_its_order(instance: Instance) -> None:
    target = np.arange(instance.coarsening.n_groups) * 3 // instance.coarsening.n_groups
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = _recut(instance, target, rng)
        assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("start", STARTS)
def test_where_the_first_pass_begins_is_among_the_disturbed(instance: Instance, start: Start) -> None:
    target = np.tile(np.arange(instance.coarsening.n_groups) * 3 // instance.coarsening.n_groups, (60, 1))
    found = disturbed(instance, target, np.random.default_rng(0), start).chip
    assert (found == instance.start(start)).all(axis=1).any()


def test_disturbed_partitions_stay_within_the_package_and_differ(instance: Instance) -> None:
    target = np.tile(np.arange(instance.coarsening.n_groups) * 3 // instance.coarsening.n_groups, (60, 1))
    found = disturbed(instance, target, np.random.default_rng(0)).chip
    assert found.shape == target.shape
    assert 0 <= found.min() <= found.max() < instance.package.n_chips
    assert len(np.unique(found, axis=0)) > len(_WAYS)


def test_within_a_window_only_its_groups_are_disturbed_and_keep_to_its_chips(instance: Instance) -> None:
    rng = np.random.default_rng(0)
    target = np.tile(instance.greedy, (200, 1))
    free = windows(target, rng)
    found = within(free, rng.integers(-9, 99, target.shape), target)
    assert 0 < free.mean() < 1
    assert (found[~free] == target[~free]).all()
    for row, may, was in zip(found, free, target, strict=True):
        if may.any():
            assert was[may].min() <= row[may].min() <= row[may].max() <= was[may].max()
            assert may[(was >= was[may].min()) & (was <= was[may].max())].all()  # a window is whole chips
