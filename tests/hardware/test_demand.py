"""What a graph asks of a package."""

from __future__ import annotations

import dataclasses

import numpy as np

from chipzinc.graph.opgraph import Incidence
from chipzinc.hardware.demand import (
    distinct_reads,
    op_io_bytes,
    op_moved_bytes,
    op_supported,
    op_weight_bytes,
    tensor_bytes,
)
from tests.throughput.small import graph, package


def test_an_op_moves_its_inputs_weights_and_outputs() -> None:
    model = graph([(0, [1, 2], 100), (1, [2], 10)], 3, weights=[(7, [0, 1]), (5, [1])])
    assert op_io_bytes(model, package()).tolist() == [100, 110, 110]
    assert op_weight_bytes(model, package()).tolist() == [7, 12, 0]
    assert op_moved_bytes(model, package()).tolist() == [107, 122, 110]


def test_a_view_holds_its_tensor_but_moves_nothing() -> None:
    model = graph([(0, [1, 2], 100)], 3, free=(1,))
    assert op_io_bytes(model, package()).tolist() == [100, 100, 100]
    assert op_moved_bytes(model, package()).tolist() == [100, 0, 100]


def test_a_tensor_read_twice_by_one_op_is_read_once() -> None:
    model = graph([(0, [1], 100)], 2)
    twice = dataclasses.replace(model, tensor_consumers=Incidence.from_rows([[1, 1]]))
    assert distinct_reads(twice).tolist() == [[0, 1]]
    assert op_io_bytes(twice, package()).tolist() == [100, 100]


def test_the_exported_dtype_counts_where_the_spec_is_silent() -> None:
    model = dataclasses.replace(graph([(0, [], 3)], 1), tensor_bits=np.array([32]))
    assert tensor_bytes(model, package()).tolist() == [12]
    assert tensor_bytes(model, package(more="activation_bits: 4")).tolist() == [2]


def test_a_class_runs_the_kinds_and_families_it_lists_and_any_view() -> None:
    model = graph([(0, [3], 1)], 4, kinds=["layer_norm", "conv", "add", "conv"], free=(3,))
    listed = package(chip="supported_kinds: [normalisation, add]")
    assert op_supported(model, listed)[:, 0].tolist() == [True, False, True, True]
    assert op_supported(model, package()).all()
