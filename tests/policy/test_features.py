"""What the policy sees has no units, and is what the package and the graph say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.load import load_spec
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.features import FAMILIES, GROUP_FEATURES, features_of
from chipzinc.policy.instance import Instance
from tests.graph.graphs import graphs
from tests.throughput.small import package


@pytest.mark.parametrize("spec", ["mcm36-ring", "simba36", "edgetpu8", "hetero9-mesh"])
@pytest.mark.parametrize("name", ["lenet5", "mobilenet-v2", "elman-lm"])
def test_features_are_finite_and_moderate_on_every_kind_of_package(name: str, spec: str) -> None:
    found = Instance.of(load_zoo_graph(name), load_spec(spec)).features
    for array in (found.group, found.edge_traffic, found.chip, found.package, found.group_time, found.place):
        assert np.isfinite(array).all()
        assert np.abs(array).max(initial=0) < 100


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
