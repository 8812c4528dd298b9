from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import Incidence, OpGraph, Profile
from tests.graph.graphs import graph_of

CHAIN = graph_of([[1], [2], []])


def test_readers_behind_a_free_op_are_reached_by_edges_from_the_producer() -> None:
    graph = graph_of([[1, 2], [], []], free=[1])
    assert graph.edges.tolist() == [[0, 1], [0, 2]]


def test_two_tensors_between_the_same_ops_are_one_edge() -> None:
    graph = dataclasses.replace(
        graph_of([[1], []]),
        tensor_producer=np.array([0, 0]),
        tensor_consumers=Incidence.from_rows([[1], [1]]),
    )
    assert graph.edges.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"op_names": (), "op_kinds": ()}, "has no ops"),
        ({"op_names": ("a", "b", "a")}, "op_names: op name 'a' occurs twice"),
        ({"op_names": ("a", "", "c")}, "op_names: an op's name must not be empty"),
        ({"replicated": ("op1",)}, "op_names: op name 'op1' occurs twice"),
        ({"op_kinds": ("add",)}, "op_kinds: has 1 entries, expected 3"),
        ({"op_flops": np.array([0, np.nan, 1])}, "op_flops: op 'op1': must be finite and not negative, is nan"),
        ({"op_flops": np.array([0, 1, -2.0])}, "op_flops: op 'op2': must be finite and not negative, is -2.0"),
        ({"op_flops": np.array([np.inf, 1, 2])}, "op_flops: op 'op0': must be finite"),
        ({"op_free": np.array([True, False, False])}, "tensor_producer: op 'op0' is free"),
        ({"tensor_producer": np.array([0, 1, 3])}, "tensor_producer[2]: names op 3, expected 0 to 2"),
        ({"tensor_elements": np.array([1, -1, 1])}, "tensor_elements[1]: must be at least 0, is -1"),
        ({"tensor_bits": np.array([8, 0, 8])}, "tensor_bits[1]: must be at least 1, is 0"),
        ({"tensor_consumers": Incidence.from_rows([[1], [9], []])}, "tensor_consumers[1]: names op 9"),
        ({"tensor_consumers": Incidence.from_rows([[1], [0], []])}, "tensor_consumers: op 'op0' reads the output of"),
        ({"tensor_consumers": Incidence.from_rows([[0], [], []])}, "topological order and without cycles"),
        ({"tensor_consumers": Incidence.from_rows([[1]])}, "tensor_consumers: must have 3 rows"),
        ({"weight_bits": np.array([8])}, "weight_bits: has 1 entries, expected 2"),
        ({"weight_elements": np.array([3, -3])}, "weight_elements[1]: must be at least 0, is -3"),
        ({"weight_users": Incidence.from_rows([[0], [7]])}, "weight_users[1]: names op 7"),
    ],
)
def test_a_graph_that_breaks_a_promise_cannot_be_made(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        dataclasses.replace(CHAIN, **changes)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"op_time_us": {"cpu": np.array([1, np.nan, 1])}}, "profile.op_time_us.cpu: op 'op1'"),
        ({"op_transfer_us": np.array([1, 1, -1.0])}, "profile.op_transfer_us: op 'op2'"),
        ({"op_supported": {"cpu": np.ones(2, dtype=np.bool_)}}, "profile.op_supported.cpu: has 2 entries"),
        ({"op_colour": np.zeros(4, dtype=np.int64)}, "op_colour: has 4 entries, expected 3"),
    ],
)
def test_a_profile_that_does_not_fit_its_graph_is_refused(changes: dict[str, Any], told: str) -> None:
    profile = Profile({}, np.zeros(3), {}, np.zeros(3, dtype=np.bool_), np.zeros(3, dtype=np.int64))
    with pytest.raises(InputError) as caught:
        dataclasses.replace(CHAIN, profile=dataclasses.replace(profile, **changes))
    assert told in str(caught.value)


def test_an_op_is_found_by_its_name() -> None:
    graph: OpGraph = CHAIN
    assert [graph.op_index[name] for name in graph.op_names] == [0, 1, 2]
