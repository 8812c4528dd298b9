from __future__ import annotations

from typing import Any

import pytest

from chipzinc.errors import InputError
from chipzinc.graph.build import build_graph
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.rawgraph import RawGraph, RawNode, Stored, Value

FLOAT = Value((8, 8), 32)


def build(
    nodes: list[tuple[str, str, str, str]],
    outputs: str,
    *,
    weights: str = "",
    buffers: str = "",
    values: dict[str, Value] | None = None,
    attributes: dict[str, Any] | None = None,
) -> OpGraph:
    """Builds a graph from (name, kind, inputs, outputs) with names split at blanks; the input is `x`."""
    raw_nodes = tuple(
        RawNode(name, kind, tuple(inputs.split()), tuple(results.split()), (attributes or {}).get(name, {}))
        for name, kind, inputs, results in nodes
    )
    names = {"x"} | {value for node in raw_nodes for value in (*node.inputs, *node.outputs)}
    shapes = dict.fromkeys(names | set(weights.split()) | set(buffers.split()), FLOAT) | (values or {})
    stored = {name: Stored(name, True) for name in weights.split()}
    stored |= {name: Stored(name, False) for name in buffers.split()}
    return build_graph(RawGraph("test", shapes, frozenset({"x"}), tuple(outputs.split()), stored, raw_nodes))


def edge_names(graph: OpGraph) -> set[tuple[str, str]]:
    return {(graph.op_names[a], graph.op_names[b]) for a, b in graph.edges}


def test_a_transpose_of_a_weight_is_the_weight_of_the_op_that_uses_it() -> None:
    graph = build([("t", "permute", "w", "wt"), ("mm", "matmul", "x wt", "y")], "y", weights="w")
    assert graph.op_names == ("mm",)
    assert graph.weight_elements.tolist() == [64]
    assert graph.weight_users[0].tolist() == [0]


def test_a_weight_shared_by_two_ops_counts_once() -> None:
    graph = build([("a", "matmul", "x w", "y"), ("b", "matmul", "y w", "z")], "z", weights="w")
    assert graph.weight_elements.tolist() == [64]
    assert graph.weight_users[0].tolist() == [0, 1]


def test_parts_of_a_weight_are_weights_of_their_own() -> None:
    half = Value((4, 8), 32)
    graph = build(
        [("s", "split", "w", "a b"), ("m", "matmul", "x a", "y"), ("n", "matmul", "y b", "z")],
        "z",
        weights="w",
        values={"a": half, "b": half},
    )
    assert graph.op_names == ("m", "n")
    assert graph.weight_elements.tolist() == [32, 32]


def test_ops_nobody_reads_are_dropped() -> None:
    graph = build([("m", "matmul", "x w", "y"), ("d", "relu", "y", "z"), ("e", "exp", "z", "q")], "y", weights="w")
    assert graph.op_names == ("m",)


def test_outputs_nobody_reads_are_no_tensors() -> None:
    graph = build([("n", "layer_norm", "x w", "y mean rstd"), ("r", "relu", "y", "z")], "z", weights="w")
    assert [graph.op_names[op] for op in graph.tensor_producer] == ["n", "r"]


def test_a_view_is_another_name_for_the_tensor_it_reads() -> None:
    graph = build(
        [("m", "matmul", "x w", "y"), ("v", "permute", "y", "p"), ("q", "view", "p", "r"), ("e", "exp", "r", "z")],
        "z",
        weights="w",
        values={"r": Value((64,), 32)},
    )
    assert graph.n_tensors == 2
    assert edge_names(graph) == {("m", "v"), ("m", "q"), ("m", "e")}


def test_a_view_to_the_same_shape_disappears() -> None:
    graph = build([("m", "matmul", "x w", "y"), ("v", "expand", "y", "p"), ("e", "exp", "p", "z")], "z", weights="w")
    assert graph.op_names == ("m", "e")


def test_what_constants_alone_compute_is_folded() -> None:
    graph = build(
        [
            ("positions", "fill", "", "i"),
            ("angles", "mul", "i f", "a"),
            ("m", "matmul", "x w", "y"),
            ("e", "mul", "y a", "z"),
        ],
        "z",
        weights="w",
        buffers="f",
        attributes={"positions": {"patterned": True}},
    )
    assert graph.op_names == ("m", "e")
    assert graph.weight_users.ids.tolist() == [0, 1]  # the folded table is stored where it is read


def test_a_fill_of_one_value_is_not_charged_as_a_table() -> None:
    graph = build([("f", "fill", "", "c"), ("m", "matmul", "x w", "y"), ("e", "mul", "y c", "z")], "z", weights="w")
    assert graph.weight_elements.tolist() == [64]


def test_stored_indices_are_not_charged_as_weights() -> None:
    graph = build([("g", "embedding", "w i", "y")], "y", weights="w", buffers="i", values={"i": Value((8,), 64, True)})
    assert graph.weight_elements.tolist() == [64]


def test_parameters_alone_do_not_make_an_op_vanish() -> None:
    graph = build([("p", "add", "w v", "y"), ("e", "add", "x y", "z")], "z", weights="w v")
    assert graph.op_names == ("p", "e")


def test_a_light_op_on_inputs_alone_is_replicated_and_has_no_edges() -> None:
    big = Value((8, 100_000), 32)
    graph = build(
        [("mask", "sub", "x", "m"), ("p", "matmul", "x w", "y"), ("a", "add", "y m", "z")],
        "z",
        weights="w",
        values={"y": big, "z": big, "w": big},
    )
    assert graph.replicated == ("mask",)
    assert edge_names(graph) == {("p", "a")}


def test_replication_stops_at_a_thousandth_of_all_flops() -> None:
    wide = Value((1000, 8), 32)
    nodes = [("one", "exp", "x", "a"), ("two", "exp", "a", "b"), ("p", "matmul", "b w", "y")]
    heavy = build(nodes, "y", weights="w", attributes={"p": {"contracted": 1000}})  # 64 of 128,128 flops each
    assert heavy.replicated == ("one", "two")
    light = build(nodes, "y", weights="w", attributes={"p": {"contracted": 600}})  # 64 of 76,928 flops each
    assert light.replicated == ("one",)
    none = build(nodes, "y", weights="w", values={"x": wide, "a": wide})
    assert none.replicated == ()


def test_a_graph_that_would_be_replicated_whole_is_kept() -> None:
    graph = build([("a", "concat", "x x", "y"), ("b", "flip", "y", "z")], "z")
    assert graph.op_names == ("a", "b")
    assert graph.replicated == ()


def test_nodes_in_any_order_come_out_in_topological_order() -> None:
    graph = build([("b", "exp", "y", "z"), ("a", "matmul", "x w", "y")], "z", weights="w")
    assert graph.op_names == ("a", "b")


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ([], "has no ops"),
        ([("a", "exp", "z", "y"), ("b", "exp", "y", "z")], "cycle through or before op 'a'"),
        ([("a", "exp", "nowhere", "y")], "op 'a': reads 'nowhere', which nothing writes"),
        ([("a", "exp", "x", "y"), ("b", "exp", "x", "y")], "op 'b': value 'y' is written twice"),
        ([("a", "fill", "", "z")], "has no op that computes an output"),
        ([("a", "exp", "x", "y")], "has no op that computes an output"),
    ],
)
def test_a_graph_that_cannot_be_placed_is_refused(nodes: list[tuple[str, str, str, str]], told: str) -> None:
    with pytest.raises(InputError, match=told):
        build(nodes, "z")
