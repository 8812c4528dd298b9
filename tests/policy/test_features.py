"""What the policy sees has no units, and is what the package and the graph say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.load import load_graph
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.demand import distinct_reads, op_time_us, tensor_bytes
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.placement import placement_package
from chipzinc.policy.candidate import candidates_of
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.features import FAMILIES, GROUP_FEATURES, features_of, logged
from chipzinc.policy.instance import Instance
from tests.graph.graphs import graphs
from tests.throughput.small import package


@pytest.mark.parametrize("spec", ["mcm16-ring", "mcm36-ring", "simba36", "edgetpu8", "hetero9-mesh"])
@pytest.mark.parametrize("name", ["lenet5", "mobilenet-v2", "elman-lm", "crnn"])
def test_features_are_finite_and_moderate_on_every_kind_of_package(name: str, spec: str) -> None:
    found = Instance.of(load_zoo_graph(name), load_spec(spec)).features
    for array in (found.group, found.edge_traffic, found.chip, found.package, found.group_time, found.place):
        assert np.isfinite(array).all()
        assert np.abs(array).max(initial=0) < 100


def test_features_of_a_measured_placement_are_finite_and_so_are_its_candidates(tmp_path: Path) -> None:
    nodes = [
        {"id": at, "cpuLatency": 5000.0, "fpgaLatency": float(at), "size": at, "isBackwardNode": at // 3}
        | {"supportedOnFpga": int(at != 1)}
        for at in range(6)
    ]
    edges = [{"sourceId": at, "destId": at + 1, "cost": 0.5} for at in range(5)]
    file = tmp_path / "measured.json"
    file.write_text(
        json.dumps({"maxFPGAs": 2, "maxCPUs": 1, "maxSizePerFPGA": 9, "nodes": nodes, "edges": edges}), "utf-8"
    )
    loaded = load_graph(str(file))
    assert loaded.placement is not None
    instance = Instance.of(loaded.graph, placement_package(loaded.placement))
    found = instance.features
    seen = candidates_of(instance, np.random.default_rng(0).integers(0, 3, (8, instance.coarsening.n_groups)))
    for array in (found.group, found.edge_traffic, found.chip, found.package, found.place, seen.load, seen.standing):
        assert np.isfinite(array).all()
        assert np.abs(array).max(initial=0) < 100
    group = instance.coarsening.group_of[loaded.graph.op_names.index("1")]
    assert found.refused[group].tolist() == [name == "fpga" for name in instance.package.chip_class]


@pytest.mark.parametrize("chips", [1, 2])
def test_a_package_of_a_chip_or_two_has_features(chips: int) -> None:
    found = Instance.of(load_zoo_graph("lenet5"), varied(Variation(chips))).features
    for field in dataclasses.fields(found):
        assert np.isfinite(getattr(found, field.name)).all()


def test_a_groups_time_is_that_of_its_ops_on_each_chip() -> None:
    graph, spec = load_zoo_graph("resnet20-cifar"), varied(Variation(4, slow_chips=2))
    instance = Instance.of(graph, spec)
    time = op_time_us(graph, spec)
    expected = [time[instance.coarsening.group_of == group].sum(axis=0) for group in range(instance.features.n_groups)]
    assert instance.features.group_time * instance.bound_us == pytest.approx(np.array(expected))


def test_a_package_that_is_twice_as_fast_in_everything_looks_the_same() -> None:
    graph, slow = load_zoo_graph("resnet20-cifar"), varied(Variation(8))
    fast = dataclasses.replace(
        slow,
        peak_flops_per_us=slow.peak_flops_per_us * 2,
        sram_bytes_per_us=slow.sram_bytes_per_us * 2,
        link_bytes_per_us=slow.link_bytes_per_us * 2,
        overhead_us=slow.overhead_us / 2,
    )
    ours, theirs = Instance.of(graph, slow).features, Instance.of(graph, fast).features
    for field in dataclasses.fields(ours):
        assert getattr(ours, field.name) == pytest.approx(getattr(theirs, field.name), rel=1e-9, abs=1e-12)


def test_a_kind_counts_as_its_family() -> None:
    graph = load_zoo_graph("lenet5")
    other = dataclasses.replace(graph, op_kinds=tuple("mish" if k == "tanh" else k for k in graph.op_kinds))
    columns = [GROUP_FEATURES.index(f"share_of_{name}") for name in FAMILIES]
    spec = load_spec("mcm16-ring")
    groups = Coarsening.identity(graph)
    ours, theirs = (features_of(each, spec, groups, 1.0).group[:, columns] for each in (graph, other))
    assert "tanh" in graph.op_kinds
    assert ours.tolist() == theirs.tolist()
    assert ours.sum(axis=1) == pytest.approx(1)


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_work_before_and_behind_is_that_of_ancestors_and_descendants(graph: OpGraph) -> None:
    spec = package(chips=2)
    found = features_of(graph, spec, Coarsening.identity(graph), 1.0).group
    work = op_time_us(graph, spec).mean(axis=1)
    above: list[set[int]] = [set() for _ in range(graph.n_ops)]
    for source, target in sorted(graph.edges.tolist(), key=lambda edge: edge[1]):
        above[target] |= above[source] | {source}
    total = max(work.sum(), np.finfo(np.float64).tiny)
    before = [work[sorted(ops)].sum() / total for ops in above]
    behind = [sum(work[o] for o in range(graph.n_ops) if op in above[o]) / total for op in range(graph.n_ops)]
    assert found[:, GROUP_FEATURES.index("work_before")] == pytest.approx(before)
    assert found[:, GROUP_FEATURES.index("work_behind")] == pytest.approx(behind)


def test_places_on_slow_chips_hold_less_work() -> None:
    graph = load_zoo_graph("resnet20-cifar")
    even = Instance.of(graph, varied(Variation(8))).features
    slow_end = Instance.of(graph, varied(Variation(8, slow_chips=4))).features
    middle = np.searchsorted(even.place, 3.5)
    assert slow_end.place[middle] < even.place[middle]
    assert np.diff(slow_end.chip_ends)[0] > np.diff(slow_end.chip_ends)[-1]


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_what_passes_a_group_are_the_tensors_that_earlier_ones_make_and_later_ones_read(graph: OpGraph) -> None:
    spec = package(chips=2)
    found = features_of(graph, spec, Coarsening.identity(graph), 1.0).group
    size, reads = tensor_bytes(graph, spec), distinct_reads(graph)
    rate = spec.link_bytes_per_us[spec.link_bytes_per_us > 0].mean()
    for op in range(graph.n_ops):
        passing = {t for t, reader in reads.tolist() if graph.tensor_producer[t] <= op < reader}
        expected = logged(sum(size[t] for t in passing) / rate)
        assert found[op, GROUP_FEATURES.index("cut_behind")] == pytest.approx(expected)
        if op + 1 < graph.n_ops:
            assert found[op + 1, GROUP_FEATURES.index("cut_before")] == pytest.approx(expected)
