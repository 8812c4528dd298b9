"""What a design says about a graph: each op's chip, or where the design is wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import OpGraph, Profile
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.plans.files import load_design
from chipzinc.plans.plan import assignment_of
from tests.graph.graphs import graph_of


def chain(*names: str, replicated: tuple[str, ...] = ()) -> OpGraph:
    """Ops that each read what the one before wrote."""
    readers = [[op + 1] if op + 1 < len(names) else [] for op in range(len(names))]
    return dataclasses.replace(graph_of(readers, name="chain"), op_names=names, replicated=replicated)


@pytest.fixture(scope="module")
def package() -> Package:
    return load_spec("mcm36-ring")


def chips(text: str, graph: OpGraph, package: Package, tmp_path: Path, sha256: str | None = None) -> list[int]:
    """Chips of a graph's ops under a design given as text: JSON, else YAML."""
    file = tmp_path / ("plan.json" if text.startswith("{") else "plan.yaml")
    file.write_text(text)
    return load_design(file).chips(graph, package, sha256).tolist()


def refusal(text: str, graph: OpGraph, package: Package, tmp_path: Path, sha256: str | None = None) -> str:
    with pytest.raises(InputError) as caught:
        chips(text, graph, package, tmp_path, sha256)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_an_assignment_may_leave_ops_out(package: Package, tmp_path: Path) -> None:
    assert chips("assignment: {b: 3}", chain("a", "b", "c"), package, tmp_path) == [-1, 3, -1]


def test_a_pattern_matches_whole_names_and_the_first_one_decides(package: Package, tmp_path: Path) -> None:
    text = "patterns: {'layer.1': 1, 'layer.*': 2}"
    assert chips(text, chain("layer.1", "layer.10", "head"), package, tmp_path) == [1, 2, -1]


def test_an_assignment_overrules_patterns(package: Package, tmp_path: Path) -> None:
    assert chips("assignment: {a: 5}\npatterns: {'.*': 2}", chain("a", "b"), package, tmp_path) == [5, 2]


def test_an_op_that_is_not_in_the_graph_is_named_with_its_line_and_the_nearest_one(
    package: Package, tmp_path: Path
) -> None:
    told = refusal("assignment:\n  encoder.0: 0\n  encodr.1: 0\n", chain("encoder.0", "encoder.1"), package, tmp_path)
    assert told == (
        "plan.yaml:3:3: assignment.encodr.1: the graph 'chain' has no op of this name; did you mean 'encoder.1'?"
    )


def test_a_replicated_op_has_no_chip(package: Package, tmp_path: Path) -> None:
    told = refusal("assignment: {mask: 0}", chain("a", replicated=("mask",)), package, tmp_path)
    assert told == "plan.yaml:1:14: assignment.mask: every chip computes this op for itself: leave it out"


def test_a_chip_that_the_package_lacks_is_refused(package: Package, tmp_path: Path) -> None:
    told = refusal("assignment: {a: 36}", chain("a"), package, tmp_path)
    assert told == "plan.yaml:1:17: assignment.a: 'mcm36-ring' has no chip 36: expected 0..35"


def test_a_pattern_that_matches_no_op_is_refused(package: Package, tmp_path: Path) -> None:
    told = refusal("patterns: {z.*: 0}", chain("a"), package, tmp_path)
    assert told == "plan.yaml:1:12: patterns.z.*: matches the name of no op"


def test_a_plan_for_another_graph_is_refused(package: Package, tmp_path: Path) -> None:
    text = f"graph: {{name: chain, sha256: {'a' * 64!r}}}\nassignment: {{a: 0}}"
    told = refusal(text, chain("a"), package, tmp_path, sha256="b" * 64)
    assert told.startswith("plan.yaml:1:30: graph.sha256: the plan is for another graph: expected the checksum bbbb")


def test_a_design_that_must_be_whole_names_an_op_it_leaves_out(package: Package, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("assignment: {b: 3}")
    design, graph = load_design(file), chain("a", "b", "c")
    with pytest.raises(InputError, match=r"gives no chip to the op 'a' \(and 1 more\)"):
        design.whole(design.chips(graph, package), graph)


def test_an_assignment_survives_the_way_through_names(package: Package, tmp_path: Path) -> None:
    graph = chain("a", "b", "c")
    assignment = assignment_of(graph, np.array([2, -1, 0]))
    assert assignment == {"a": 2, "c": 0}
    assert chips(json.dumps({"assignment": assignment}), graph, package, tmp_path) == [2, -1, 0]


def coloured(*names: str, colours: list[int]) -> OpGraph:
    n = len(names)
    flat = np.zeros(n, dtype=np.float64)
    profile = Profile({"fpga": flat, "cpu": flat}, flat, {}, np.zeros(n, dtype=np.bool_), np.array(colours))
    return dataclasses.replace(chain(*names), profile=profile)


@pytest.fixture(scope="module")
def devices(package: Package) -> Package:
    """Two accelerators and a CPU."""
    return dataclasses.replace(package, chip_class=("fpga", "fpga", "cpu"))


def test_a_split_places_nodes_by_device_and_the_rest_by_colour(devices: Package, tmp_path: Path) -> None:
    graph = coloured("1", "2", "3", "4", "5", colours=[0, 1, 2, 1, 3])
    text = '{"cpus": [{"nodes": [3]}], "fpgas": [{"load": -1,\t"nodes": [1]}, {"nodes": [2]}]}'
    assert chips(text, graph, devices, tmp_path) == [0, 1, 2, 1, -1]


def test_a_split_with_more_devices_than_the_package_is_refused(devices: Package, tmp_path: Path) -> None:
    text = '{"cpus": [], "fpgas": [{"nodes": []}, {"nodes": []}, {"nodes": [1]}]}'
    told = refusal(text, coloured("1", colours=[0]), devices, tmp_path)
    assert "the package has 2 of these, and the split gives ops to one more" in told


def test_a_split_that_places_a_node_twice_is_refused(devices: Package, tmp_path: Path) -> None:
    text = '{"fpgas": [{"nodes": [1]}, {"nodes": [1]}]}'
    told = refusal(text, coloured("1", colours=[0]), devices, tmp_path)
    assert told.startswith("plan.json:1:39: fpgas[1].nodes[0]: the op '1' stands on a second device")
