"""Weights and live tensors on each chip, and what an overflow says."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.demand import op_io_bytes, tensor_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.throughput.memory import MemoryModel
from tests.throughput.small import alive, graph, loads, package, partitions


@given(partitions())
def test_weights_and_peaks_follow_their_definition(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    memory, expected = MemoryModel(model, on), loads(model, on, chip)
    batch = np.array([chip, [0] * model.n_ops, chip])
    assert memory.weights(batch)[0].tolist() == memory.weights(batch)[2].tolist() == expected.weights
    assert memory.peaks(batch)[0].tolist() == memory.peaks(batch)[2].tolist() == expected.peak


@given(partitions())
def test_the_peak_is_at_least_the_static_part_of_the_rule(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    peaks, needs = MemoryModel(model, on).peaks(np.array([chip]))[0], op_io_bytes(model, on)
    assert all(peaks[chip[op]] >= needs[op] for op in range(model.n_ops))


@given(partitions())
def test_overflows_are_the_chips_whose_peak_does_not_fit(case: tuple[OpGraph, Package, list[int]]) -> None:
    model, on, chip = case
    expected = loads(model, on, chip)
    held = expected.weights if on.weights == "resident" else [0] * on.n_chips
    found = {overflow.chip: overflow for overflow in MemoryModel(model, on).overflows(np.array(chip))}
    assert set(found) == {d for d in range(on.n_chips) if held[d] + expected.peak[d] > on.sram_bytes[d]}
    for d, overflow in found.items():
        assert set(overflow.tensors) == alive(model, chip, d, overflow.op)
        assert overflow.live_bytes == expected.peak[d] == tensor_bytes(model, on)[overflow.tensors].sum()
        assert (overflow.weight_bytes, overflow.sram_bytes) == (held[d], on.sram_bytes[d])


@given(partitions(), partitions())
def test_a_tensor_is_alive_exactly_where_one_of_its_holders_is(
    case: tuple[OpGraph, Package, list[int]], other: tuple[OpGraph, Package, list[int]]
) -> None:
    model, on, chip = case
    another = [d % on.n_chips for d in (other[2] * model.n_ops)[: model.n_ops]]
    for overflow in MemoryModel(model, on).overflows(np.array(chip)):
        for d in range(on.n_chips):
            held = {
                tensor
                for tensor, holders in zip(overflow.tensors, overflow.holders, strict=True)
                if any(another[op] == d for op in holders)
            }
            assert held == alive(model, another, d, overflow.op) & set(overflow.tensors)


def test_a_tensor_lives_where_it_is_made_until_its_last_local_use() -> None:
    model, on = graph([(0, [1, 3], 100), (1, [2], 10), (2, [3], 10)], 4), package(sram="115 B")
    assert MemoryModel(model, on).peaks(np.array([[0, 0, 0, 0]]))[0].tolist() == [120, 0, 0, 0]
    (overflow,) = MemoryModel(model, on).overflows(np.array([0, 0, 0, 0]))
    assert overflow.op == 2
    assert overflow.tensors.tolist() == [0, 1, 2]
    assert [holders.tolist() for holders in overflow.holders] == [[3], [2], [2, 3]]


def test_a_sent_tensor_waits_where_it_is_received() -> None:
    model = graph([(0, [3], 100), (1, [2], 10), (2, [3], 10)], 4)
    assert MemoryModel(model, package()).peaks(np.array([[0, 0, 1, 1]]))[0].tolist() == [100, 120, 0, 0]


def test_resident_weights_count_beside_the_peak_and_streamed_ones_do_not() -> None:
    model = graph([(0, [], 60)], 1, weights=[(50, [0])])
    resident = package(sram="100 B")
    streamed = package(sram="100 B", chip="offchip_bandwidth: 1 MB/s", more="weights: streamed")
    (overflow,) = MemoryModel(model, resident).overflows(np.array([0]))
    assert (overflow.live_bytes, overflow.weight_bytes) == (60, 50)
    assert MemoryModel(model, streamed).overflows(np.array([0])) == []


def test_bits_of_the_spec_override_the_exported_ones_and_bytes_round_up() -> None:
    model = graph([(0, [], 5)], 1, weights=[(7, [0])])
    narrow = package(more="weight_bits: 4\nactivation_bits: 12")
    assert weight_bytes(model, narrow).tolist() == [4]
    assert tensor_bytes(model, narrow).tolist() == [8]
    assert (weight_bytes(model, package()).tolist(), tensor_bytes(model, package()).tolist()) == ([7], [5])


def test_several_gigabytes_are_counted_to_the_byte() -> None:
    size = 2**40 + 1
    model = graph([(0, [1], size), (1, [], size)], 2, weights=[(size, [0]), (size, [1])])
    memory = MemoryModel(model, package())
    assert memory.weights(np.array([[0, 0]]))[0, 0] == 2 * size
    assert memory.peaks(np.array([[0, 0]]))[0, 0] == 2 * size
