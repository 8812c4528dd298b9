"""Links and routes of every topology."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chipzinc.hardware.topology import Topology, chain, explicit, mesh, ring_one_way, ring_two_way, snake_order


def places(topology: Topology, source: int, target: int) -> list[int] | None:
    route = topology.route(source, target)
    return None if route is None else [source, *(entered for _, entered in route)]


TOPOLOGIES = [ring_one_way(5), ring_two_way(2), ring_two_way(5), ring_two_way(6), chain(5), mesh(3, 4), mesh(1, 1)]


@pytest.mark.parametrize("topology", TOPOLOGIES, ids=range(len(TOPOLOGIES)))
def test_every_route_goes_over_links_and_arrives(topology: Topology) -> None:
    for source in range(topology.n_places):
        for target in range(topology.n_places):
            route = topology.route(source, target)
            assert route is not None
            assert set(route) <= set(topology.links)
            assert len(route) == len(set(route))
            assert (places(topology, source, target) or [])[-1] == target
    assert len(topology.links) == len(set(topology.links))


def test_a_one_way_ring_goes_all_the_way_round() -> None:
    assert places(ring_one_way(4), 2, 1) == [2, 3, 0, 1]
    assert ring_one_way(1).links == ()


def test_a_two_way_ring_takes_the_shorter_way_and_upwards_where_both_are_equal() -> None:
    assert places(ring_two_way(6), 0, 4) == [0, 5, 4]
    assert places(ring_two_way(6), 0, 3) == [0, 1, 2, 3]
    assert ring_two_way(2).links == ((0, 1), (1, 0))


def test_a_chain_has_no_link_between_its_ends() -> None:
    assert chain(3).links == ((0, 1), (1, 0), (1, 2), (2, 1))
    assert places(chain(4), 3, 1) == [3, 2, 1]


def test_a_mesh_routes_along_the_row_first() -> None:
    assert places(mesh(3, 3), 0, 8) == [0, 1, 2, 5, 8]
    assert places(mesh(3, 3), 8, 0) == [8, 7, 6, 3, 0]
    assert len(mesh(6, 6).links) == 2 * (6 * 5 + 5 * 6)


def test_listed_links_are_routed_by_the_fewest_links_and_the_lowest_place() -> None:
    diamond = explicit(5, [(0, 2), (0, 1), (2, 3), (1, 3), (3, 0)])
    assert places(diamond, 0, 3) == [0, 1, 3]
    assert diamond.route(0, 4) is None
    assert diamond.route(4, 4) == []


def test_neighbours_in_the_snake_are_neighbours_on_the_mesh() -> None:
    order = snake_order(3, 4)
    assert sorted(order) == list(range(12))
    assert set(pairwise(order)) <= set(mesh(3, 4).links)
