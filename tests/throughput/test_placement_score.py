"""Hand-made splits of real profiles score to the last digit as that work's own program scores them.

The inputs are those of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (NeurIPS
2020); they are not part of this repository, and the tests that need them skip where they are absent.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chipzinc.bounds.simple import simple_bound
from chipzinc.graph.importers.placement import import_placement
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.plans.files import load_design
from chipzinc.throughput.model import ThroughputModel

INPUTS = Path(__file__).resolve().parents[3] / "shared" / "data" / "placement"

SMALL: dict[str, Any] = {
    "maxFPGAs": 2,
    "maxCPUs": 1,
    "maxSizePerFPGA": 1000,
    "nodes": [
        {"id": node, "cpuLatency": 100, "fpgaLatency": 10 + node, "size": 1, "isBackwardNode": 0, "supportedOnFpga": 1}
        for node in range(4)
    ],
    "edges": [
        {"sourceId": 0, "destId": 1, "cost": 3},
        {"sourceId": 0, "destId": 2, "cost": 3},
        {"sourceId": 1, "destId": 3, "cost": 5},
        {"sourceId": 2, "destId": 3, "cost": 7},
    ],
}


def load(file: Path) -> tuple[OpGraph, Package]:
    document = json.loads(file.read_text())
    return import_placement(document, file), placement_package(document, file)


@pytest.mark.parametrize(
    ("workload", "split", "largest_load"),
    [
        ("bert24_inference", "bert24_inference_expert", 20.08395),
        ("resnet50_training", "resnet50_inference_expert", 112.10751),
    ],
)
def test_a_hand_split_has_its_published_load(workload: str, split: str, largest_load: float) -> None:
    if not INPUTS.is_dir():
        pytest.skip("the placement inputs are not here")
    graph, package = load(INPUTS / f"{workload}.json")
    chips = load_design(INPUTS / f"{split}.json").chips(graph, package)
    found = ThroughputModel(graph, package).evaluate(chips).interval_us[0]
    assert found == pytest.approx(largest_load, abs=1e-5)
    assert simple_bound(graph, package).value_us <= found


def test_an_accelerator_pays_once_for_what_it_hands_over_and_once_for_what_it_reads(tmp_path: Path) -> None:
    graph, package = import_placement(SMALL, tmp_path / "small.json"), placement_package(SMALL)
    assert graph.op_names == ("0", "1", "2", "3")
    found = ThroughputModel(graph, package).evaluate([[0, 1, 1, 1], [0, 1, 1, 0], [0, 0, 0, 2]])
    assert found.chip_us.tolist() == [
        [10 + 3, 11 + 12 + 13 + 3, 0],
        [10 + 13 + 3 + 5 + 7, 11 + 12 + 3 + 5 + 7, 0],
        [10 + 11 + 12 + 5 + 7, 0, 100],
    ]
    assert np.array_equal(found.interval_us, [39, 38, 100])
