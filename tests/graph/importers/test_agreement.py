"""The same network through both exporters."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto, helper, save

from chipzinc.graph.importers.onnx_file import import_onnx
from chipzinc.graph.importers.torch_export import export_module

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture
def onnx_cnn(tmp_path: Path) -> Path:
    """Convolution, ReLU, pooling and a classifier as ONNX spells them."""
    shapes = {"f": (8, 3, 3, 3), "b": (8,), "g": (16, 8, 3, 3), "c": (16,), "w": (10, 16 * 16), "v": (10,)}
    weights = [
        TensorProto(
            name=name, dims=dims, data_type=TensorProto.FLOAT, raw_data=bytes(4 * int(torch.Size(dims).numel()))
        )
        for name, dims in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "f", "b"], ["1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["1"], ["2"]),
        helper.make_node("MaxPool", ["2"], ["3"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["3", "g", "c"], ["4"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Sigmoid", ["4"], ["5"]),
        helper.make_node("Flatten", ["5"], ["6"]),
        helper.make_node("Gemm", ["6", "w", "v"], ["7"], transB=1),
        helper.make_node("Softmax", ["7"], ["y"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in (("x", (1, 3, 16, 16)), ("y", (1, 10)))
    ]
    graph = helper.make_graph(nodes, "cnn", ends[:1], ends[1:], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), tmp_path / "cnn.onnx")
    return tmp_path / "cnn.onnx"


def test_both_importers_give_a_small_cnn_the_same_ops_flops_weights_and_edges(onnx_cnn: Path) -> None:
    layers = [
        *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1, stride=2), nn.Sigmoid()),
        *(nn.Flatten(), nn.Linear(16 * 16, 10), nn.Softmax(-1)),
    ]
    module = nn.Sequential(*layers)
    ours = export_module(module, (torch.zeros(1, 3, 16, 16),), "cnn")
    theirs = import_onnx(onnx_cnn)
    assert ours.op_kinds == theirs.op_kinds
    assert ours.op_flops.tolist() == theirs.op_flops.tolist()
    assert ours.edges.tolist() == theirs.edges.tolist()
    assert sorted(ours.weight_elements) == sorted(theirs.weight_elements)
    assert ours.tensor_elements.tolist() == theirs.tensor_elements.tolist()
