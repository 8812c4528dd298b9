"""The interval and its parts: by hand on small graphs, and against the definition written with loops."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import OpGraph, Profile
from chipzinc.hardware.package import Package
from chipzinc.throughput.model import ThroughputModel
from tests.throughput.small import graph, loads, package, partitions


@given(partitions())
def test_loads_follow_their_definition(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    found, expected = ThroughputModel(model, on).evaluate(chip), loads(model, on, chip)
    assert found.compute_us[0] == pytest.approx(expected.compute)
    assert found.stream_us[0] == pytest.approx(expected.stream)
    assert found.receive_us[0] == pytest.approx(expected.receive)
    assert found.send_us[0] == pytest.approx(expected.send)
    assert found.link_us[0] == pytest.approx(expected.link)
    assert found.interval_us[0] == pytest.approx(expected.interval)


@given(partitions())
def test_a_batch_scores_each_partition_as_if_alone(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    throughput = ThroughputModel(model, on)
    batch = np.array([chip, [0] * model.n_ops, chip[::-1], chip])
    together = throughput.evaluate(batch)
    for sample, alone in enumerate(throughput.evaluate(one) for one in batch):
        assert together.interval_us[sample] == alone.interval_us[0]
        assert (together.chip_us[sample] == alone.chip_us[0]).all()
        assert (together.link_us[sample] == alone.link_us[0]).all()
    assert throughput.latency_us(batch)[0] == throughput.latency_us(chip)[0]


def test_a_large_batch_is_scored_in_pieces_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    model, on = graph([(0, [1, 2], 30), (1, [2], 10)], 3, flops=[5, 6, 7]), package()
    batch = np.random.default_rng(0).integers(0, 4, size=(50, 3))
    whole = ThroughputModel(model, on).evaluate(batch)
    monkeypatch.setattr("chipzinc.throughput.model._CHUNK", 20)
    assert (ThroughputModel(model, on).evaluate(batch).interval_us == whole.interval_us).all()


def test_an_op_takes_the_longer_of_computing_and_moving_its_bytes_plus_the_overhead() -> None:
    model = graph([(0, [1], 100)], 2, flops=[30, 2], weights=[(50, [1])])
    times = ThroughputModel(model, package(chip="efficiency: {add: 0.5}, overhead: 0.2 us")).op_time_us
    assert times[:, 0] == pytest.approx([30 / 0.5 + 0.2, (100 + 50) / 10 + 0.2])


def test_a_free_op_takes_no_time_and_its_tensor_is_moved_by_its_readers_only() -> None:
    model = graph([(0, [1, 2], 100)], 3, free=(1,))
    times = ThroughputModel(model, package(chip="overhead: 1 us")).op_time_us
    assert times[:, 0] == pytest.approx([11, 0, 11])


def test_efficiency_goes_by_kind_then_family_then_default_then_all_of_the_peak() -> None:
    model = graph([], 4, flops=[10] * 4, kinds=["layer_norm", "batch_norm", "add", "conv"])
    spec = "efficiency: {layer_norm: 0.1, normalisation: 0.2, default: 0.5, conv: 1.0}"
    assert ThroughputModel(model, package(chip=spec)).op_time_us[:, 0] == pytest.approx([100, 50, 20, 10])
    assert ThroughputModel(model, package()).op_time_us[:, 0] == pytest.approx([10] * 4)


def test_a_tensor_for_two_chips_loads_a_shared_link_once_and_each_receiver_once() -> None:
    found = ThroughputModel(graph([(0, [1, 2], 7)], 3), package()).evaluate([0, 1, 3])
    assert found.link_us[0].tolist() == [7, 7, 7, 0]
    assert found.send_us[0].tolist() == [7, 0, 0, 0]
    assert found.receive_us[0].tolist() == [0, 7, 0, 7]


def test_a_sender_pays_once_for_each_link_it_sends_over() -> None:
    mesh = package("kind: mesh, rows: 2, columns: 2", more="order: rows")
    found = ThroughputModel(graph([(0, [1, 2, 3], 7)], 4), mesh).evaluate([0, 1, 2, 3])
    assert found.send_us[0].tolist() == [14, 0, 0, 0]
    assert found.link_us[0].sum() == 7 * 3
    assert found.receive_us[0].tolist() == [0, 7, 7, 7]


def test_a_chip_passed_through_pays_nothing() -> None:
    found = ThroughputModel(graph([(0, [1], 7)], 2), package()).evaluate([0, 2])
    assert found.chip_us[0, 1] == 0


def test_a_view_on_another_chip_receives_the_tensor_it_renames() -> None:
    model = graph([(0, [1, 2], 7)], 3, free=(1,))
    found = ThroughputModel(model, package()).evaluate([0, 1, 0])
    assert found.receive_us[0].tolist() == [0, 7, 0, 0]


def test_added_communication_sums_and_overlapped_communication_hides() -> None:
    model = graph([(0, [1], 70)], 2, flops=[50, 0])
    added = ThroughputModel(model, package()).evaluate([0, 1])
    overlapped = ThroughputModel(model, package(more="communication: overlapped")).evaluate([0, 1])
    assert added.interval_us[0] == 50 + 70
    assert overlapped.interval_us[0] == 70


def test_a_weight_shared_on_one_chip_is_streamed_once() -> None:
    on = package("kind: chain", chips=2, sram="100 B", chip="offchip_bandwidth: 1 MB/s", more="weights: streamed")
    model = graph([(0, [1], 40)], 2, weights=[(90, [0, 1])])
    throughput = ThroughputModel(model, on)
    assert throughput.evaluate([0, 0]).stream_us[0].tolist() == [90 - (100 - 40), 0]
    assert throughput.evaluate([0, 1]).stream_us[0].tolist() == [30, 30]


def test_weights_are_streamed_whole_where_activations_fill_the_chip() -> None:
    on = package("kind: chain", chips=2, sram="10 B", chip="offchip_bandwidth: 1 MB/s", more="weights: streamed")
    assert ThroughputModel(graph([(0, [], 40)], 1, weights=[(90, [0])]), on).evaluate([0]).stream_us[0, 0] == 90


def test_a_transfer_without_a_route_takes_for_ever() -> None:
    one_link = package("kind: explicit, links: [{from: 0, to: 1}]", chips=2)
    throughput = ThroughputModel(graph([(0, [1], 7)], 2), one_link)
    assert throughput.evaluate([0, 1]).interval_us[0] == 14 / 10 + 7 - 0.7
    nothing = ThroughputModel(graph([(0, [1], 0)], 2), one_link)
    assert nothing.latency_us([1, 0])[0] == nothing.evaluate([1, 0]).interval_us[0] == np.inf
    assert throughput.evaluate([1, 0]).interval_us[0] == np.inf
    assert throughput.latency_us([1, 0])[0] == np.inf


def test_through_the_host_each_side_pays_once_per_tensor_over_its_own_path() -> None:
    spec = package(chip="offchip_bandwidth: 2 MB/s", more="communication: host")
    found = ThroughputModel(graph([(0, [1, 2, 3], 8)], 4), spec).evaluate([0, 1, 1, 2])
    assert found.send_us[0].tolist() == [4, 0, 0, 0]
    assert found.receive_us[0].tolist() == [0, 4, 4, 0]
    assert not found.link_us.any()


def test_a_measured_profile_stands_in_for_the_cost_model() -> None:
    profile = Profile(
        op_time_us={"c": np.array([3.0, 4.0])},
        op_transfer_us=np.array([5.0, 6.0]),
        op_supported={"c": np.array([True, True])},
        op_backward=np.zeros(2, dtype=bool),
        op_colour=np.full(2, -1),
    )
    model = dataclasses.replace(graph([(0, [1], 999)], 2), profile=profile)
    host = package(chip="offchip_bandwidth: 1 MB/s", more="communication: host")
    assert ThroughputModel(model, host).evaluate([0, 1]).chip_us[0].tolist() == [3 + 5, 4 + 5, 0, 0]
    with pytest.raises(InputError, match="not for the class 'other'"):
        ThroughputModel(model, dataclasses.replace(host, chip_class=("other",) * 4)).evaluate([0, 1])


def test_energy_counts_flops_moved_bytes_and_every_link_passed() -> None:
    spec = package(chip="energy_per_flop: 2 pJ, energy_per_sram_byte: 3 pJ")
    spec = dataclasses.replace(spec, picojoule_per_link_byte=np.full(4, 5.0))
    model = graph([(0, [1], 7)], 2, flops=[10, 1])
    energy = ThroughputModel(model, spec).evaluate([[0, 2], [0, 0]]).energy_pj
    assert energy is not None
    assert energy.tolist() == [2 * 11 + 3 * 14 + 5 * 14, 2 * 11 + 3 * 14]
    assert ThroughputModel(model, package()).evaluate([0, 0]).energy_pj is None


def test_throughput_and_utilisation_follow_from_the_interval() -> None:
    found = ThroughputModel(graph([(0, [1], 10)], 2, flops=[40, 20]), package()).evaluate([0, 1])
    assert found.interval_us[0] == 50
    assert found.throughput_per_s[0] == 20_000
    assert found.utilisation[0].tolist() == [0.8, 0.4, 0, 0]


def test_nothing_to_do_has_no_interval_and_no_utilisation() -> None:
    found = ThroughputModel(graph([], 1, free=(0,)), package()).evaluate([0])
    assert found.interval_us[0] == 0
    assert found.throughput_per_s[0] == np.inf
    assert not found.utilisation.any()


def test_latency_is_the_longest_path_through_ops_and_links_in_turn() -> None:
    model = graph([(0, [1, 2], 10), (1, [3], 10), (2, [3], 10)], 4, flops=[5, 50, 7, 9])
    throughput = ThroughputModel(model, package())
    assert throughput.latency_us([0, 0, 0, 0])[0] == 5 + 50 + 7 + 9
    assert throughput.latency_us([0, 1, 2, 2])[0] == 5 + 10 + 50 + 10 + 9
    assert throughput.latency_us([0, 3, 0, 0])[0] == 5 + 3 * 10 + 50 + 10 + 9


def test_latency_waits_for_streamed_weights_and_for_the_host() -> None:
    streamed = package("kind: chain", sram="10 B", chip="offchip_bandwidth: 1 MB/s", more="weights: streamed")
    model = graph([(0, [1], 10)], 2, flops=[5, 5], weights=[(90, [1])])
    assert ThroughputModel(model, streamed).latency_us([0, 1])[0] == 90 + 100 / 10
    host = package(chip="offchip_bandwidth: 2 MB/s", more="communication: host")
    assert ThroughputModel(graph([(0, [1], 10)], 2, flops=[5, 5]), host).latency_us([0, 1])[0] == 5 + 5 + 5 + 5


@given(partitions())
def test_a_sample_takes_at_least_the_work_of_the_busiest_chip(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    throughput = ThroughputModel(model, on)
    found = throughput.evaluate(chip)
    busiest = (found.compute_us + found.stream_us * (found.compute_us > 0)).max()
    assert throughput.latency_us(chip)[0] >= busiest * (1 - 1e-12)


@pytest.mark.parametrize(
    ("chips", "message"),
    [([[0]], "shape"), ([[[0, 0]]], "shape"), ([0, 4], "chips from 0 to 3, got 0 to 4"), ([-1, 0], "got -1 to 0")],
)
def test_what_is_no_partition_is_refused(chips: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ThroughputModel(graph([(0, [1], 7)], 2), package()).evaluate(chips)


def test_an_empty_batch_has_an_empty_score() -> None:
    found = ThroughputModel(graph([(0, [1], 7)], 2), package()).evaluate(np.zeros((0, 2), dtype=int))
    assert found.interval_us.shape == (0,)
    assert found.chip_us.shape == (0, 4)
