"""What the policy sees of a candidate is what the cost model says, and plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.package import Package
from chipzinc.policy.candidate import LOAD_FEATURES, STANDING_FEATURES, candidates_of
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.instance import Instance
from tests.throughput import small


@pytest.fixture(scope="module")
def resnet() -> Instance:
    return Instance.of(load_zoo_graph("resnet20-cifar"), varied(Variation(6, slow_chips=2)))


def unlogged(value: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(value) * np.expm1(np.abs(value)))


def some_partitions(instance: Instance, n: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, instance.package.n_chips, (n, instance.coarsening.n_groups))


def test_loads_are_those_of_the_cost_model(resnet: Instance) -> None:
    chips = some_partitions(resnet)
    found = candidates_of(resnet, chips).load
    expected = resnet.model.evaluate(resnet.coarsening.expand(chips))
    load = np.expm1(np.abs(found[..., LOAD_FEATURES.index("load")])) * np.sign(found[..., 0]) + 1
    assert load * resnet.bound_us == pytest.approx(expected.chip_us)
    busiest = found[..., LOAD_FEATURES.index("of_largest")].argmax(axis=1)
    assert busiest.tolist() == expected.chip_us.argmax(axis=1).tolist()


def test_time_before_and_behind_is_that_of_the_groups_on_the_same_chip(resnet: Instance) -> None:
    chips = some_partitions(resnet)
    found = np.expm1(candidates_of(resnet, chips).standing[..., :2])
    time = resnet.features.group_time
    assert STANDING_FEATURES[:2] == ("time_before", "time_behind")
    for sample, row in enumerate(chips):
        for group, chip in enumerate(row):
            same = np.flatnonzero(row == chip)
            before = time[same[same < group], chip].sum()
            behind = time[same[same > group], chip].sum()
            assert found[sample, group] == pytest.approx([before, behind], abs=1e-9)


@pytest.mark.parametrize("column", ["compute", "receive", "send", "stream"])
def test_parts_of_a_load_are_shares_of_the_bound(resnet: Instance, column: str) -> None:
    chips = some_partitions(resnet)
    found = np.expm1(candidates_of(resnet, chips).load[..., LOAD_FEATURES.index(column)])
    expected = getattr(resnet.model.evaluate(resnet.coarsening.expand(chips)), f"{column}_us")
    assert found * resnet.bound_us == pytest.approx(expected)


@given(small.partitions())
@settings(max_examples=60)
def test_standings_of_any_partition_are_what_loops_find(case: tuple[OpGraph, Package, list[int]]) -> None:
    graph, package, chip = case
    instance = Instance.of(graph, package, coarse=False)
    found = dict(zip(STANDING_FEATURES, unlogged(candidates_of(instance, np.array([chip])).standing[0]).T, strict=True))
    time = instance.features.group_time
    for op, place in enumerate(chip):
        same = [other for other in range(graph.n_ops) if chip[other] == place]
        assert found["time_before"][op] == pytest.approx(sum(time[o, place] for o in same if o < op), abs=1e-9)
        assert found["time_behind"][op] == pytest.approx(sum(time[o, place] for o in same if o > op), abs=1e-9)
        from_sources = [place - chip[a] for a, b in instance.features.edges.tolist() if b == op] or [0]
        to_readers = [chip[b] - place for a, b in instance.features.edges.tolist() if a == op] or [0]
        assert found["nearest_source"][op] == pytest.approx(min(from_sources))
        assert found["farthest_source"][op] == pytest.approx(max(from_sources))
        assert found["nearest_reader"][op] == pytest.approx(min(to_readers))
        assert found["farthest_reader"][op] == pytest.approx(max(to_readers))


def test_some_of_the_candidates_are_those_of_some_of_the_partitions(resnet: Instance) -> None:
    chips, which = some_partitions(resnet), np.array([3, 1])
    some, alone = candidates_of(resnet, chips).take(which), candidates_of(resnet, chips[which])
    for ours, theirs in ((some.chip, alone.chip), (some.load, alone.load), (some.standing, alone.standing)):
        assert ours == pytest.approx(theirs)


def test_spans_of_edges_are_counted_in_chips(resnet: Instance) -> None:
    chips = some_partitions(resnet, 2)
    found = candidates_of(resnet, chips).standing[..., STANDING_FEATURES.index("farthest_source")]
    group = int(resnet.features.edges[:, 1].max())
    sources = resnet.features.edges[resnet.features.edges[:, 1] == group, 0]
    farthest = (chips[:, [group]] - chips[:, sources]).max(axis=1)
    assert found[:, group] == pytest.approx(np.sign(farthest) * np.log1p(np.abs(farthest)))
