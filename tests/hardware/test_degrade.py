"""Packages some of whose parts died."""

from __future__ import annotations

import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.degrade import degrade
from tests.throughput.small import package


def test_a_one_way_ring_without_a_chip_is_a_pipeline_that_begins_behind_it() -> None:
    left = degrade(package(chips=5), [2], [])
    assert left.kept.tolist() == [3, 4, 0, 1]
    assert left.place.tolist() == [2, 3, -1, 0, 1]
    assert left.package.links.tolist() == [[2, 3], [0, 1], [1, 2]]
    assert left.package.reachable.tolist() == [[a <= b for b in range(4)] for a in range(4)]


def test_routes_that_are_lost_bring_the_rule_that_refuses_them() -> None:
    whole = package("kind: chain", chips=4, more="rules: [no_skipped_chips]")
    left = degrade(whole, [], [(1, 2)])
    assert left.kept.tolist() == [2, 3, 0, 1]  # from chip 2 on, data can still go down to chip 1
    assert [use.name for use in left.package.rules] == ["no_skipped_chips", "max_hops"]
    assert left.package.reachable[0, 3]
    assert not left.package.reachable[3, 0]


def test_nothing_changes_where_nothing_is_down() -> None:
    whole = package(chips=4)
    left = degrade(whole, [], [])
    assert left.kept.tolist() == [0, 1, 2, 3]
    assert left.package.rules == whole.rules
    assert (left.package.routes.ids == whole.routes.ids).all()


@pytest.mark.parametrize(
    ("chips", "links", "told"),
    [([4], [], "has no chip 4"), ([], [(0, 2)], "no link from chip 0 to chip 2"), ([0, 1, 2, 3], [], "all 4 chips")],
)
def test_what_is_not_there_cannot_die(chips: list[int], links: list[tuple[int, int]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        degrade(package(chips=4), chips, links)
