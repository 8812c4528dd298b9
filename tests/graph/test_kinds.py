from __future__ import annotations

import pytest

from chipzinc.errors import InputError
from chipzinc.graph.kinds import (
    FAMILY_OF_KIND,
    KIND_OF_ATEN,
    KIND_OF_ONNX,
    KINDS_OF_FAMILY,
    family,
    kind_of_aten,
    kind_of_onnx,
)


def test_every_kind_has_one_family() -> None:
    assert sum(map(len, KINDS_OF_FAMILY.values())) == len(FAMILY_OF_KIND)


@pytest.mark.parametrize("table", [KIND_OF_ATEN, KIND_OF_ONNX], ids=["aten", "onnx"])
def test_exporters_names_lead_to_canonical_kinds(table: dict[str, str]) -> None:
    assert set(table.values()) <= set(FAMILY_OF_KIND)


@pytest.mark.parametrize(
    ("aten", "onnx", "kind"),
    [
        ("addmm", "Gemm", "matmul"),
        ("convolution", "Conv", "conv"),
        ("_softmax", "Softmax", "softmax"),
        ("native_layer_norm", "LayerNormalization", "layer_norm"),
        ("_native_batch_norm_legit_no_training", "BatchNormalization", "batch_norm"),
        ("relu", "Relu", "relu"),
        ("permute", "Transpose", "permute"),
        ("_to_copy", "Cast", "cast"),
        ("max_pool2d_with_indices", "MaxPool", "max_pool"),
        ("cat", "Concat", "concat"),
    ],
)
def test_both_exporters_agree_on_what_an_op_is(aten: str, onnx: str, kind: str) -> None:
    assert (kind_of_aten(aten), kind_of_onnx(onnx)) == (kind, kind)


def test_a_name_nobody_knows_has_no_kind() -> None:
    assert kind_of_aten("frobnicate") is None
    assert kind_of_onnx("Frobnicate") is None


def test_an_unknown_kind_is_refused_with_close_ones() -> None:
    with pytest.raises(InputError, match=r"unknown op kind 'sofmax'; did you mean softmax"):
        family("sofmax")
