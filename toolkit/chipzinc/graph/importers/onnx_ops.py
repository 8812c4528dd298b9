"""What ONNX operators' operands and attributes mean for data flow and flop counts.

Reads node messages handed to it, without importing onnx.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

Shapes = list[tuple[int, ...]]

PARAMETER_OPERANDS: dict[str, frozenset[int]] = {
    op_type: frozenset(positions)
    for positions, op_types in {
        (0,): "RandomNormalLike RandomUniformLike",
        (1,): "Reshape Squeeze Unsqueeze Expand Tile Upsample Split TopK CumSum CumProd Trilu CenterCropPad AffineGrid "
        "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum "
        "ReduceLogSumExp",
        (1, 2): "Clip Dropout",
        (1, 2, 3): "Pad Resize",
        (1, 2, 3, 4): "Slice",
        (4,): "LSTM GRU RNN",
    }.items()
    for op_type in op_types.split()
}
"""Operands that say how, not what: shapes, axes, ranges. They are no data flow."""


class Node(Protocol):
    """The part of onnx's NodeProto that is read here."""

    @property
    def op_type(self) -> str:
        """The operator's name."""

    @property
    def input(self) -> Sequence[str]:
        """The operands' names."""

    @property
    def attribute(self) -> Sequence[Any]:
        """The attributes' messages."""


_FILTER_AT = {"QLinearConv": 3, "QLinearMatMul": 3, "QGemm": 3}


def data_operands(op_type: str, operands: list[str]) -> list[str]:
    """Returns the operands in canonical order: data, filter or second factor, then the rest."""
    at = _FILTER_AT.get(op_type)
    if at is None or at >= len(operands):
        return operands
    return [operands[0], operands[at], *operands[1:at], *operands[at + 1 :]]


def flop_attributes(node: Node, inputs: Shapes, outputs: Shapes) -> dict[str, Any]:
    """Returns what `chipzinc.graph.flops` needs beyond the operands' shapes.

    Args:
        node: the node.
        inputs: shapes of its data operands, in canonical order.
        outputs: shapes of its outputs.
    """
    op_type = node.op_type
    if op_type in ("Gemm", "FusedMatMul", "FusedGemm") and _attribute(node, "transA", 0):
        return {"contracted": inputs[0][-2]}
    if op_type in ("QLinearMatMul", "MatMulInteger", "ConvInteger"):
        return {"biased": False}
    if op_type in ("QLinearConv", "QGemm"):
        return {"biased": len(node.input) > 8 if op_type == "QLinearConv" else True}
    if op_type == "MatMulNBits":
        return {"contracted": _attribute(node, "K", 1), "biased": False}
    if op_type in ("MaxPool", "AveragePool", "LpPool"):
        return {"window": math.prod(_attribute(node, "kernel_shape", [1]))}
    if op_type == "LRN":
        return {"size": _attribute(node, "size", 5)}
    if op_type in ("LSTM", "GRU", "RNN"):
        directions, _, hidden = inputs[2]
        return {"matrix_elements": math.prod(inputs[1]) + math.prod(inputs[2]), "hidden": directions * hidden}
    if op_type == "Einsum":
        return {"index_sizes": _index_sizes(_attribute(node, "equation", b"").decode(), inputs)}
    if op_type in ("Attention", "MultiHeadAttention", "GroupQueryAttention"):
        return {"heads": _attribute(node, "num_heads", _attribute(node, "q_num_heads", 1))}
    if op_type in ("Resize", "Upsample"):
        taps = {b"linear": 2, b"cubic": 4}.get(_attribute(node, "mode", b"nearest"), 1)
        return {"points": taps ** sum(a != b for a, b in zip(inputs[0], outputs[0], strict=False))}
    return {"patterned": op_type in ("Range", "EyeLike")}


def _attribute(node: Node, name: str, default: Any) -> Any:
    for attribute in node.attribute:
        if attribute.name == name:
            lists = {6: attribute.floats, 7: attribute.ints, 8: attribute.strings}
            single = {1: attribute.f, 2: attribute.i, 3: attribute.s}
            return list(lists[attribute.type]) if attribute.type in lists else single.get(attribute.type, default)
    return default


def _index_sizes(equation: str, inputs: Shapes) -> list[int]:
    """Returns the size of every index of an einsum equation; an ellipsis stands for the axes left over."""
    sizes: dict[str, int] = {}
    for term, shape in zip(equation.replace(" ", "").split("->")[0].split(","), inputs, strict=False):
        before, _, after = term.partition("...")
        for letter, size in zip(before, shape, strict=False):
            sizes[letter] = size
        for letter, size in zip(reversed(after), reversed(shape), strict=False):
            sizes[letter] = size
        if "..." in term:
            middle = shape[len(before) : len(shape) - len(after)]
            for index, size in enumerate(reversed(middle)):
                sizes[f"...{index}"] = max(size, sizes.get(f"...{index}", 1))
    return list(sizes.values())
