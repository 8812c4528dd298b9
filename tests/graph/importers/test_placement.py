from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.graph.importers.placement import import_placement


def node(identity: int, **fields: Any) -> dict[str, Any]:
    costs = {"cpuLatency": 10.0 * identity, "fpgaLatency": 1.0 * identity, "size": 0.0}
    return {"id": identity, **costs, "isBackwardNode": 0, "supportedOnFpga": 1, **fields}


DOCUMENT: dict[str, Any] = {
    "maxFPGAs": 2,
    "maxCPUs": 1,
    "maxSizePerFPGA": 100.0,
    "nodes": [node(7, size=2.5), node(3, colorClass=40), node(9, colorClass=40, supportedOnFpga=0, isBackwardNode=1)],
    "edges": [
        {"sourceId": 3, "destId": 7, "cost": 2.0},
        {"sourceId": 3, "destId": 9, "cost": 2.0},
        {"sourceId": 7, "destId": 9, "cost": 0.25},
    ],
}


def changed(where: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    spot = document
    for step in where[:-1]:
        spot = spot[step]
    spot[where[-1]] = value
    return document


def test_nodes_become_measured_ops_in_topological_order() -> None:
    graph = import_placement(DOCUMENT, Path("net.json"))
    assert graph.name == "net"
    assert graph.op_names == ("3", "7", "9")
    assert graph.edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert graph.profile is not None
    assert graph.profile.op_time_us["fpga"].tolist() == [3, 7, 9]
    assert graph.profile.op_time_us["cpu"].tolist() == [30, 70, 90]
    assert graph.profile.op_transfer_us.tolist() == [2, 0.25, 0]
    assert graph.profile.op_supported["fpga"].tolist() == [True, True, False]
    assert graph.profile.op_supported["cpu"].all()
    assert graph.profile.op_backward.tolist() == [False, False, True]


def test_ops_of_a_colour_share_it_and_ops_of_none_have_none() -> None:
    profile = import_placement(DOCUMENT, Path("net.json")).profile
    assert profile is not None
    first, without, last = profile.op_colour
    assert without == -1
    assert first == last >= 0


def test_a_size_is_a_weight_of_as_many_bytes_rounded_up() -> None:
    graph = import_placement(DOCUMENT, Path("net.json"))
    assert (graph.weight_elements * graph.weight_bits).tolist() == [3 * 8]
    assert graph.weight_users[0].tolist() == [1]


@pytest.mark.parametrize(
    ("where", "value", "told"),
    [
        (("nodes",), [], "nodes: the graph has no nodes"),
        (("nodes",), 5, "nodes: expected a list of objects"),
        (("nodes", 0, "cpuLatency"), float("nan"), "nodes[0].cpuLatency: expected a number of at least 0, got nan"),
        (("nodes", 1, "fpgaLatency"), -1, "nodes[1].fpgaLatency: expected a number of at least 0, got -1"),
        (("nodes", 1, "size"), "big", "nodes[1].size: expected a number"),
        (("nodes", 2, "id"), 3, "nodes[2].id: id 3 occurs twice"),
        (("nodes", 2, "id"), "c", "nodes[2].id: expected a whole number"),
        (("nodes", 2, "colorClass"), 1.5, "nodes[2].colorClass: expected a whole number"),
        (("edges", 0, "destId"), 99, "edges[0].destId: names node 99, which does not exist"),
        (("edges", 1, "cost"), 3.0, "edges[1].cost: is 3.0 where another edge of node 3 has 2.0"),
        (("edges", 2, "cost"), None, "edges[2].cost: expected a number"),
        (("edges", 2, "destId"), 3, "edges: the edges form a cycle"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(where: tuple[Any, ...], value: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        import_placement(changed(where, value), Path("net.json"))
    assert str(caught.value).startswith(f"net.json: {told}")


PUBLISHED = Path(__file__).parents[4] / "shared" / "data" / "placement"


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published workloads are not here")
@pytest.mark.parametrize(("name", "ops", "edges"), [("bert24_inference", 32, 55), ("resnet50_training", 354, 386)])
def test_published_workloads_are_read(name: str, ops: int, edges: int) -> None:
    import json

    path = PUBLISHED / f"{name}.json"
    graph = import_placement(json.loads(path.read_text()), path)
    assert (graph.n_ops, len(graph.edges)) == (ops, edges)
    assert graph.profile is not None
    assert np.isfinite(graph.profile.op_time_us["fpga"]).all()
