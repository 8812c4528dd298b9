from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from chipzinc.errors import InputError
from chipzinc.graph.importers.onnx_file import import_onnx
from chipzinc.graph.io import graph_sha256

LIGHT = Path(os.path.dirname(onnx.__file__)) / "backend" / "test" / "data" / "light"
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str | None] = (1, 8),
    weights: dict[str, tuple[int, ...]] | None = None,
    constants: dict[str, list[int]] | None = None,
    values: Sequence[onnx.ValueInfoProto] = (),
) -> Path:
    """Writes a model from x to the last node's output."""
    tensors = [
        onnx.TensorProto(name=name, dims=dims, data_type=FLOAT, raw_data=b"\0" * 4 * _product(dims))
        for name, dims in (weights or {}).items()
    ]
    tensors += [helper.make_tensor(name, INT64, [len(data)], data) for name, data in (constants or {}).items()]
    x = helper.make_tensor_value_info("x", FLOAT, shape)
    y = helper.make_tensor_value_info(nodes[-1].output[0], FLOAT, None)
    graph = helper.make_graph(list(nodes), "test", [x], [y], tensors, value_info=list(values))
    versions = [
        helper.make_opsetid(domain, version) for domain, version in (("", 18), ("own", 1), ("com.microsoft", 1))
    ]
    onnx.save(helper.make_model(graph, opset_imports=versions), path)
    return path


def _product(dims: tuple[int, ...]) -> int:
    total = 1
    for size in dims:
        total *= size
    return total


MATMUL = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")


# Published figures: multiply-adds of the convolutions and linear layers in the papers, twice, within what the
# normalisations, activations and (AlexNet) ungrouped layers add; weights with the normalisations' running statistics.
@pytest.mark.parametrize(
    ("model", "ops", "gflops", "million_weights"),
    [
        ("resnet50", 176, 8.2, 25.6),  # He et al. 2016: 3.8e9 to 4.1e9 multiply-adds; 25.5 million
        ("vgg19", 46, 39.3, 143.7),  # Simonyan and Zisserman 2015: 19.6e9; 144 million
        ("densenet121", 668, 5.75, 8.1),  # Huang et al. 2017: 2.9e9; 8.0 million
        ("inception_v2", 371, 4.07, 11.2),  # Ioffe and Szegedy 2015: 2.0e9; 11.2 million
        ("inception_v1", 143, 2.9, 7.0),  # Szegedy et al. 2015: 1.5e9; 7 million
        ("squeezenet", 66, 0.71, 1.24),  # Iandola et al. 2016: 1.24 million
    ],
)
def test_a_shipped_model_has_its_published_cost(model: str, ops: int, gflops: float, million_weights: float) -> None:
    graph = import_onnx(LIGHT / f"light_{model}.onnx")
    assert graph.n_ops == ops
    assert graph.op_flops.sum() / 1e9 == pytest.approx(gflops, rel=0.01)
    assert graph.weight_elements.sum() / 1e6 == pytest.approx(million_weights, rel=0.01)


def test_light_models_keep_weights_as_filled_shapes_and_have_them_as_weights_here() -> None:
    graph = import_onnx(LIGHT / "light_resnet50.onnx")
    assert "fill" not in graph.op_kinds
    users = {graph.op_kinds[op] for op in graph.weight_users.ids}
    assert users == {"conv", "batch_norm", "matmul"}
    assert Counter(graph.op_kinds)["conv"] == 53


def test_the_same_file_gives_the_same_graph() -> None:
    path = LIGHT / "light_squeezenet.onnx"
    assert graph_sha256(import_onnx(path)) == graph_sha256(import_onnx(path))


def test_a_dynamic_model_names_the_inputs_to_fix(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [MATMUL], ("batch", 8), {"w": (8, 4)})
    with pytest.raises(InputError) as caught:
        import_onnx(path)
    assert "--fix-shape x=batch,8" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert import_onnx(path, fix_shapes={"x": (5, 8)}).tensor_elements.tolist() == [20]


@pytest.mark.parametrize(
    ("shapes", "told"),
    [
        ({"z": (1, 8)}, "--fix-shape names input 'z'; the inputs are x"),
        ({"x": (1, 8, 8)}, "--fix-shape gives 'x' 3 sizes, expected 2"),
        ({"x": (1, 9)}, "--fix-shape gives 'x' size 9 where the model has 8"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(tmp_path: Path, shapes: dict[str, tuple[int, ...]], told: str) -> None:
    path = save(tmp_path / "m.onnx", [MATMUL], ("batch", 8), {"w": (8, 4)})
    with pytest.raises(InputError, match=told):
        import_onnx(path, fix_shapes=shapes)


def test_shape_arithmetic_folds_away(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["t"], axis=0),
        helper.make_node("MatMul", ["x", "w"], ["m"], name="product"),
        helper.make_node("Reshape", ["m", "t"], ["r"], name="rename"),
        helper.make_node("Relu", ["r"], ["y"], name="relu"),
    ]
    path = save(tmp_path / "m.onnx", nodes, ("n", 8), {"w": (8, 6)}, {"first": [0], "rest": [2, 3]})
    graph = import_onnx(path, fix_shapes={"x": (4, 8)})
    assert graph.op_names == ("product", "rename", "relu")
    assert graph.edges.tolist() == [[0, 1], [0, 2]]
    assert graph.weight_elements.tolist() == [48]


def test_shapes_that_onnx_leaves_open_are_inferred_symbolically(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "last"], ["n"]),
        helper.make_node("Div", ["n", "two"], ["h"]),
        helper.make_node("Concat", ["rest", "h"], ["t"], axis=0),
        helper.make_node("MatMul", ["x", "w"], ["m"], name="product"),
        helper.make_node("Expand", ["m", "t"], ["r"], name="widen"),
        helper.make_node("BiasGelu", ["r", "b"], ["g"], name="gelu", domain="com.microsoft"),
        helper.make_node("Relu", ["g"], ["y"], name="relu"),
    ]
    constants = {"last": [1], "two": [2], "rest": [3]}
    path = save(tmp_path / "m.onnx", nodes, (1, 8), {"w": (8, 4), "b": (4,)}, constants)
    by_onnx = onnx.shape_inference.infer_shapes(onnx.load(path), data_prop=True)
    assert "g" not in {value.name for value in by_onnx.graph.value_info}
    graph = import_onnx(path)
    assert graph.op_names == ("product", "widen", "gelu", "relu")
    assert graph.tensor_elements.tolist() == [4, 12, 12]


def test_a_custom_op_without_shapes_is_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [helper.make_node("Fancy", ["x"], ["y"], name="mine", domain="own"), _relu("y")])
    with pytest.raises(InputError, match=r"node 'mine' \(own\.Fancy\): the shape of its output 'y' is unknown"):
        import_onnx(path)


def test_a_custom_op_whose_shape_is_stated_is_an_op_like_others(tmp_path: Path) -> None:
    fancy = helper.make_node("Fancy", ["x", "w"], ["y"], name="mine", domain="own")
    known = [helper.make_tensor_value_info("y", FLOAT, (3, 7))]
    graph = import_onnx(save(tmp_path / "m.onnx", [fancy, _relu("y")], weights={"w": (2,)}, values=known))
    assert graph.op_kinds == ("custom", "relu")
    assert graph.tensor_elements.tolist() == [21, 21]


def test_control_flow_is_named(tmp_path: Path) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["b"])], "b", [], [helper.make_tensor_value_info("b", FLOAT, (1, 8))]
    )
    node = helper.make_node("If", ["c"], ["y"], name="fork", then_branch=body, else_branch=body)
    condition = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("c", TensorProto.BOOL, [], [True]))
    with pytest.raises(InputError, match=r"node 'fork': control flow \(If\) cannot be placed"):
        import_onnx(save(tmp_path / "m.onnx", [condition, node]))


def test_a_local_function_is_written_out(tmp_path: Path) -> None:
    path = save(
        tmp_path / "m.onnx", [helper.make_node("Twice", ["x", "w"], ["y"], domain="own")], weights={"w": (8, 8)}
    )
    model = onnx.load(path)
    product = [helper.make_node("MatMul", ["a", "b"], ["p"]), helper.make_node("MatMul", ["p", "b"], ["q"])]
    model.functions.append(
        helper.make_function("own", "Twice", ["a", "b"], ["q"], product, [helper.make_opsetid("", 18)])
    )
    onnx.save(model, path)
    graph = import_onnx(path)
    assert graph.op_kinds == ("matmul", "matmul")
    assert graph.weight_users[0].tolist() == [0, 1]


def test_nodes_without_names_are_called_after_their_output(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Relu", ["y"], ["z"], name="y")]
    assert import_onnx(save(tmp_path / "m.onnx", nodes, weights={"w": (8, 8)})).op_names == ("y", "y_2")


def test_weights_in_a_file_beside_the_model_are_not_needed(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [MATMUL], weights={"w": (8, 400)})
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    assert import_onnx(path).weight_elements.tolist() == [3200]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = (LIGHT / "light_squeezenet.onnx").read_bytes()
    path = tmp_path / "m.onnx"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError) as caught:
        import_onnx(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.onnx: cannot be read: No such file"):
        import_onnx(tmp_path / "none.onnx")


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["x", "b"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="second"),
    ]
    known = [helper.make_tensor_value_info(name, FLOAT, (1, 8)) for name in "ab"]
    with pytest.raises(InputError, match=r"m\.onnx.*(cycle|first)"):
        import_onnx(save(tmp_path / "m.onnx", nodes, values=known))


def _relu(source: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [source], ["end"], name="relu")


def test_a_model_without_shapes_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's inference writes what it cannot infer into the current folder."""
    monkeypatch.chdir(tmp_path)
    tensor = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Mystery", ["x"], ["y"], domain="nowhere")
    graph = onnx.helper.make_graph([node], "g", [tensor("x", 1, [2])], [tensor("y", 1, None)])
    opsets = [onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid("nowhere", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets), tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"Mystery|y"):
        import_onnx(tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_cycle_is_told_by_a_node_on_it(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"], name="sum"), helper.make_node("Relu", ["a"], ["b"], name="act")]
    with pytest.raises(InputError, match=r"cyclic\.onnx: node '(sum|act)': the graph has a cycle"):
        import_onnx(save(tmp_path / "cyclic.onnx", nodes))
