"""Floating-point operations of one op, from its kind and the shapes it reads and writes.

Knows nothing of importers or graphs. A multiply-add is two operations; moving, renaming and comparing indices is
none. The counts follow each operation's definition, as in the models' own papers and in torch.utils.flop_counter
for matrix products, convolutions and attention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from chipzinc.graph.kinds import family

Shape = Sequence[int]

# Operations per output element by definition, each arithmetic step and each transcendental function counted once:
# sigmoid(x) = 1 / (1 + exp(-x)) is neg, exp, add, div; gelu(x) = x/2 (1 + erf(x/sqrt 2)) is div, erf, add, mul, mul.
_PER_ELEMENT: dict[str, float] = {
    "sigmoid": 4,
    "silu": 5,
    "gelu": 5,
    "elu": 3,
    "leaky_relu": 2,
    "prelu": 2,
    "hardsigmoid": 4,
    "hardswish": 5,
    "mish": 6,
    "softplus": 3,
    "clamp": 2,
    "quantize": 3,
    "dequantize": 2,
    "where": 0,
    "compare": 1,
}

# Per element, inference: batch norm is one folded scale and shift. Layer, group and instance norm (Ba et al. 2016):
# sum 1, centre 1, square and sum 2, scale 1, affine 2. RMS norm (Zhang and Sennrich 2019): square and sum 2, scale 2.
# Softmax: max 1, subtract 1, exp 1, sum 1, divide 1; its logarithm takes one more.
_PER_NORMALISED_ELEMENT: dict[str, float] = {
    "batch_norm": 2,
    "layer_norm": 7,
    "group_norm": 7,
    "instance_norm": 7,
    "rms_norm": 4,
    "lp_normalisation": 4,
    "softmax": 5,
    "log_softmax": 6,
}

# Gates of one cell, and pointwise operations per hidden unit and step, activations counted as above.
_POINTWISE_PER_UNIT: dict[str, float] = {"lstm": 28, "gru": 19, "rnn": 3}


def op_flops(kind: str, inputs: Sequence[Shape], outputs: Sequence[Shape], attributes: Mapping[str, Any]) -> float:
    """Returns the floating-point operations of one op.

    Args:
        kind: canonical kind.
        inputs: shapes of the operands in canonical order, weights included: matmul (a, b, bias), convolution
            (input, filter, bias), attention (query, key, value), recurrent (input sequence, weights ...).
        outputs: shapes of the results.
        attributes: what shapes do not tell: ``contracted`` (length of a matrix product's inner axis), ``biased``
            (whether a product's third operand is added), ``heads`` (of attention, where the shapes join them),
            ``index_sizes`` (einsum), ``window`` (elements of a pooling window), ``size`` (local response norm),
            ``points`` (inputs that one resized element blends), ``matrix_elements`` and ``hidden`` (of a recurrent
            op: elements of all its weight matrices, and hidden units, over all its layers and directions).
    """
    group = family(kind)
    out = float(math.prod(outputs[0])) if outputs else 0.0
    first = float(math.prod(inputs[0])) if inputs else 0.0
    if group in ("matmul", "conv", "attention", "recurrent"):
        return _product_flops(kind, inputs, out, attributes)
    if kind == "local_response_norm":  # square, window sum, scale, shift, power, divide (Krizhevsky et al. 2012)
        return out * (2 * int(attributes.get("size", 5)) + 4)
    if kind in _PER_NORMALISED_ELEMENT:
        return out * _PER_NORMALISED_ELEMENT[kind]
    if group == "elementwise":  # an n-ary sum or maximum takes n - 1 operations
        return out * _PER_ELEMENT.get(kind, float(max(1, len(inputs) - 1)))
    if group == "pooling":
        return out * int(attributes["window"]) if "window" in attributes else first
    if group == "reduction":
        return first * (4.0 if kind == "variance" else 2.0 if kind == "reduce_norm" else 1.0)
    if kind == "embedding_bag":
        return float(math.prod(inputs[1])) * inputs[0][-1] if len(inputs) > 1 else out
    if kind == "resize":
        points = int(attributes.get("points", 1))
        return out * (2 * points - 1) if points > 1 else 0.0
    if kind in ("grid_sample", "roi_align"):  # bilinear: four products, three sums
        return out * 7
    return out if kind == "custom" else 0.0


def _product_flops(kind: str, inputs: Sequence[Shape], out: float, attributes: Mapping[str, Any]) -> float:
    """Returns the operations of the kinds built on multiply-adds; `out` is the elements of the first result."""
    bias = out if attributes.get("biased", len(inputs) > 2) else 0.0
    if kind == "matmul":
        return 2 * out * int(attributes.get("contracted", inputs[0][-1] if inputs[0] else 1)) + bias
    if kind == "einsum":
        return 2.0 * float(math.prod(attributes["index_sizes"]))
    if kind == "conv":  # filter [out channel, in channel / groups, window ...]
        return 2 * out * math.prod(inputs[1][1:]) + bias
    if kind == "conv_transpose":  # filter [in channel, out channel / groups, window ...]
        return 2.0 * math.prod(inputs[0]) * math.prod(inputs[1][1:]) + bias
    if kind == "attention":
        query, key, value = (list(shape) for shape in inputs[:3])
        scores = float(math.prod(query[:-1])) * key[-2]
        return 2 * scores * (query[-1] + value[-1]) + 5 * scores * int(attributes.get("heads", 1))
    steps = math.prod(inputs[0][:-1])  # every weight matrix meets every step of every sample once
    return steps * (2.0 * int(attributes["matrix_elements"]) + _POINTWISE_PER_UNIT[kind] * int(attributes["hidden"]))
