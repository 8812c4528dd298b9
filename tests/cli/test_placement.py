"""Placement files through the command line: their rules, and splits that others made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

INPUTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "placement"


@pytest.fixture
def crossing(tmp_path: Path) -> Path:
    """Two accelerators and a processor; 0 -> 1 -> 2 forward, 3 -> 4 backward, 0 and 4 of one colour."""
    nodes = [
        {"id": node, "cpuLatency": 50, "fpgaLatency": 10, "size": 1, "isBackwardNode": int(node > 2)}
        | {"supportedOnFpga": int(node != 1)}
        | ({"colorClass": 7} if node in (0, 4) else {})
        for node in range(5)
    ]
    edges = [{"sourceId": a, "destId": b, "cost": 1} for a, b in ((0, 1), (1, 2), (2, 3), (3, 4))]
    file = tmp_path / "crossing.json"
    document = {"maxFPGAs": 2, "maxCPUs": 1, "maxSizePerFPGA": 3, "nodes": nodes, "edges": edges}
    file.write_text(json.dumps(document))
    return file


def violated(cli: Cli, graph: Path, split: dict[str, list[list[int]]]) -> dict[str, int]:
    file = graph.parent / "split.json"
    file.write_text(json.dumps({kind: [{"nodes": nodes} for nodes in rows] for kind, rows in split.items()}))
    rules: dict[str, int] = cli("verify", file, "--graph", graph, "--json").json["rules"]
    return {rule: number for rule, number in rules.items() if number}


def test_a_split_that_keeps_every_rule_need_not_follow_the_numbers_of_the_devices(cli: Cli, crossing: Path) -> None:
    assert violated(cli, crossing, {"fpgas": [[2, 3], [0, 4]], "cpus": [[1]]}) == {}


def test_each_rule_of_the_format_is_judged(cli: Cli, crossing: Path) -> None:
    there_and_back = {"contiguous": 1, "acyclic_quotient": 2}
    assert violated(cli, crossing, {"fpgas": [[0, 2, 4], [3]], "cpus": [[1]]}) == there_and_back
    assert violated(cli, crossing, {"fpgas": [[0, 1, 2], [3, 4]], "cpus": [[]]}) == {
        "colocated": 1,
        "supported_kinds": 1,
    }
    full = violated(cli, crossing, {"fpgas": [[0, 2, 3, 4], []], "cpus": [[1]]})
    assert full.keys() == {"memory_capacity"} | there_and_back.keys()


def test_a_placement_is_partitioned_under_its_rules(cli: Cli, crossing: Path) -> None:
    made = cli("partition", crossing, "--json")
    assert (made.status, made.json["valid"]) == (0, True)
    assert made.json["interval_us"] >= made.json["bound_us"]


@pytest.mark.parametrize(
    ("workload", "split", "largest_load"),
    [
        ("bert24_inference", "bert24_inference_expert", 20.08395),
        ("resnet50_training", "resnet50_inference_expert", 112.10751),
    ],
)
def test_an_experts_split_keeps_every_rule_and_has_its_published_load(
    cli: Cli, workload: str, split: str, largest_load: float
) -> None:
    if not INPUTS.is_dir():
        pytest.skip("the placement inputs are not here")
    judged = cli("verify", INPUTS / f"{split}.json", "--graph", INPUTS / f"{workload}.json", "--json")
    assert (judged.status, judged.json["violations"]) == (0, [])
    assert judged.json["interval_us"] == pytest.approx(largest_load, abs=1e-5)
