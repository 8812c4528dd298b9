"""The archive keeps the best distinct partitions, and what disturbs them stays within the package."""

from __future__ import annotations

import numpy as np

from chipzinc.policy.archive import Archive
from chipzinc.policy.disturb import _WAYS, disturbed
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


def test_disturbed_partitions_stay_within_the_package_and_differ(instance: Instance) -> None:
    target = np.tile(np.arange(instance.coarsening.n_groups) * 3 // instance.coarsening.n_groups, (60, 1))
    found = disturbed(instance, target, np.random.default_rng(0)).chip
    assert found.shape == target.shape
    assert 0 <= found.min() <= found.max() < instance.package.n_chips
    assert len(np.unique(found, axis=0)) > len(_WAYS)
