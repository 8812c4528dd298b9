"""What the policy sees of a candidate is what the cost model says, and plain sums."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.policy.candidate import LOAD_FEATURES, STANDING_FEATURES, candidates_of
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.policy.instance import Instance


@pytest.fixture(scope="module")
def resnet() -> Instance:
    return Instance.of(load_zoo_graph("resnet20-cifar"), varied(Variation(6, slow_chips=2)))


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


def test_spans_of_edges_are_counted_in_chips(resnet: Instance) -> None:
    chips = some_partitions(resnet, 2)
    found = candidates_of(resnet, chips).standing[..., STANDING_FEATURES.index("farthest_source")]
    group = int(resnet.features.edges[:, 1].max())
    sources = resnet.features.edges[resnet.features.edges[:, 1] == group, 0]
    farthest = (chips[:, [group]] - chips[:, sources]).max(axis=1)
    assert found[:, group] == pytest.approx(np.sign(farthest) * np.log1p(np.abs(farthest)))
