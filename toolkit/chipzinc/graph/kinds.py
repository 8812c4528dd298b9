"""The canonical kinds of operation, their families, and what exporters call them.

Knows names only: nothing of shapes, costs or graphs.
"""

from __future__ import annotations

import difflib

from chipzinc.errors import InputError

KINDS_OF_FAMILY: dict[str, tuple[str, ...]] = {
    "matmul": ("matmul", "einsum"),
    "conv": ("conv", "conv_transpose"),
    "attention": ("attention",),
    "recurrent": ("lstm", "gru", "rnn"),
    "normalisation": (
        "batch_norm",
        "layer_norm",
        "group_norm",
        "instance_norm",
        "rms_norm",
        "local_response_norm",
        "lp_normalisation",
    ),
    "softmax": ("softmax", "log_softmax"),
    "elementwise": (
        "abs",
        "add",
        "bitwise",
        "ceil",
        "clamp",
        "compare",
        "cos",
        "dequantize",
        "div",
        "elementwise",
        "elu",
        "erf",
        "exp",
        "floor",
        "gelu",
        "hardsigmoid",
        "hardswish",
        "leaky_relu",
        "log",
        "logical",
        "maximum",
        "minimum",
        "mish",
        "mul",
        "neg",
        "pow",
        "prelu",
        "quantize",
        "reciprocal",
        "relu",
        "remainder",
        "round",
        "rsqrt",
        "sigmoid",
        "sign",
        "silu",
        "sin",
        "softplus",
        "sqrt",
        "sub",
        "tan",
        "tanh",
        "where",
    ),
    "reduction": (
        "argmax",
        "argmin",
        "cumulative",
        "reduce_logical",
        "reduce_max",
        "reduce_mean",
        "reduce_min",
        "reduce_norm",
        "reduce_prod",
        "reduce_sum",
        "sort",
        "top_k",
        "variance",
    ),
    "pooling": ("avg_pool", "max_pool"),
    "embedding": ("embedding", "embedding_bag"),
    "movement": (
        "cast",
        "concat",
        "copy",
        "depth_to_space",
        "fill",
        "flip",
        "gather",
        "im2col",
        "one_hot",
        "pad",
        "resize",
        "roll",
        "scatter",
        "slice",
        "split",
        "tile",
        "triangle",
    ),
    "free": ("expand", "identity", "permute", "view"),
    "other": ("custom", "grid_sample", "measured", "non_max_suppression", "random", "roi_align"),
}

FAMILY_OF_KIND: dict[str, str] = {kind: name for name, kinds in KINDS_OF_FAMILY.items() for kind in kinds}

# ATen packet names (overloads dropped) that differ from the canonical kind; a leading underscore and a trailing
# one (the in-place form) are dropped before the look-up.
KIND_OF_ATEN: dict[str, str] = {
    name: kind
    for kind, names in {
        "matmul": "mm bmm addmm baddbmm addbmm linear mv addmv dot int_mm scaled_mm weight_int8pack_mm "
        "grouped_mm grouped_mm_fallback",
        "conv": "convolution conv1d conv2d conv3d mkldnn_convolution",
        "conv_transpose": "conv_transpose1d conv_transpose2d conv_transpose3d",
        "attention": "scaled_dot_product_attention scaled_dot_product_flash_attention "
        "scaled_dot_product_flash_attention_for_cpu scaled_dot_product_efficient_attention",
        "lstm": "lstm lstm_cell thnn_fused_lstm_cell",
        "gru": "gru gru_cell thnn_fused_gru_cell",
        "rnn": "rnn_tanh rnn_relu rnn_tanh_cell rnn_relu_cell",
        "batch_norm": "native_batch_norm native_batch_norm_legit native_batch_norm_legit_no_training "
        "native_batch_norm_legit_functional cudnn_batch_norm",
        "layer_norm": "native_layer_norm",
        "group_norm": "native_group_norm",
        "rms_norm": "fused_rms_norm",
        "softmax": "safe_softmax",
        "add": "add_relu",
        "sub": "rsub",
        "div": "true_divide floor_divide",
        "pow": "square",
        "remainder": "fmod",
        "compare": "eq ne lt le gt ge isnan isinf isfinite equal",
        "logical": "logical_and logical_or logical_not logical_xor",
        "bitwise": "bitwise_and bitwise_or bitwise_not bitwise_xor bitwise_left_shift bitwise_right_shift and or xor",
        "where": "masked_fill",
        "clamp": "clamp_min clamp_max hardtanh relu6",
        "maximum": "fmax",
        "minimum": "fmin",
        "elu": "selu celu",
        "floor": "trunc",
        "sign": "sgn",
        "reduce_sum": "sum nansum histc bincount",
        "reduce_mean": "mean",
        "reduce_max": "amax max",
        "reduce_min": "amin min",
        "reduce_prod": "prod",
        "reduce_norm": "norm linalg_vector_norm",
        "reduce_logical": "any all",
        "variance": "var std var_mean std_mean",
        "cumulative": "cumsum cumprod cummax cummin logcumsumexp",
        "top_k": "topk",
        "sort": "argsort",
        "avg_pool": "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d",
        "max_pool": "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices "
        "max_pool1d_with_indices adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
        "concat": "cat stack hstack vstack",
        "copy": "clone contiguous",
        "cast": "to_copy to type_as convert_element_type float half bfloat16 long int",
        "fill": "full full_like zeros zeros_like ones ones_like empty empty_like empty_permuted new_zeros new_ones "
        "new_full new_empty scalar_tensor arange eye linspace",
        "gather": "index index_select take take_along_dim",
        "scatter": "index_put index_copy index_add scatter_add scatter_reduce slice_scatter select_scatter "
        "index_fill masked_scatter unsafe_index_put",
        "pad": "constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d "
        "replication_pad2d replication_pad3d",
        "resize": "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_bilinear2d upsample_bicubic2d "
        "upsample_linear1d upsample_trilinear3d upsample_bilinear2d_aa upsample_bicubic2d_aa "
        "upsample_nearest_exact2d upsample_nearest_exact1d",
        "slice": "select narrow diagonal slice_copy select_copy unfold",
        "split": "split_with_sizes chunk unbind tensor_split unsafe_split split_with_sizes_copy unbind_copy",
        "tile": "repeat repeat_interleave",
        "triangle": "tril triu",
        "depth_to_space": "pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle",
        "im2col": "col2im",
        "view": "reshape unsafe_view squeeze unsqueeze flatten unflatten view_as_real view_as_complex view_copy "
        "squeeze_copy unsqueeze_copy as_strided",
        "permute": "transpose t movedim swapaxes numpy_T mT permute_copy transpose_copy t_copy",
        "expand": "broadcast_to expand_as expand_copy",
        "identity": "alias detach detach_ dropout lift_fresh_copy lift_fresh native_dropout alias_copy "
        "feature_dropout alpha_dropout",
        "grid_sample": "grid_sampler grid_sampler_2d grid_sampler_3d",
        "random": "rand randn randint rand_like randn_like bernoulli multinomial randperm normal uniform",
    }.items()
    for name in names.split()
}

# ONNX op types that differ from the canonical kind once spelt in snake case.
KIND_OF_ONNX: dict[str, str] = {
    name: kind
    for kind, names in {
        "matmul": "MatMul Gemm MatMulInteger QLinearMatMul FusedMatMul FusedGemm QGemm MatMulNBits",
        "einsum": "Einsum",
        "conv": "Conv ConvInteger QLinearConv FusedConv DeformConv",
        "conv_transpose": "ConvTranspose",
        "attention": "Attention MultiHeadAttention GroupQueryAttention",
        "lstm": "LSTM",
        "gru": "GRU",
        "rnn": "RNN",
        "batch_norm": "BatchNormalization",
        "layer_norm": "LayerNormalization SkipLayerNormalization MeanVarianceNormalization",
        "group_norm": "GroupNormalization",
        "instance_norm": "InstanceNormalization",
        "rms_norm": "RMSNormalization SimplifiedLayerNormalization",
        "local_response_norm": "LRN",
        "lp_normalisation": "LpNormalization",
        "log_softmax": "LogSoftmax",
        "softmax": "Softmax Hardmax",
        "add": "Sum QLinearAdd",
        "maximum": "Max",
        "minimum": "Min",
        "elementwise": "Mean Acos Acosh Asin Asinh Atan Atanh Cosh Sinh Shrink ThresholdedRelu BitShift Softsign",
        "remainder": "Mod",
        "elu": "Elu Selu Celu",
        "leaky_relu": "LeakyRelu",
        "prelu": "PRelu",
        "clamp": "Clip",
        "silu": "Swish",
        "gelu": "Gelu FastGelu BiasGelu",
        "hardswish": "HardSwish",
        "hardsigmoid": "HardSigmoid",
        "compare": "Equal Less LessOrEqual Greater GreaterOrEqual IsNaN IsInf",
        "logical": "And Or Not Xor",
        "bitwise": "BitwiseAnd BitwiseOr BitwiseNot BitwiseXor",
        "quantize": "QuantizeLinear DynamicQuantizeLinear",
        "dequantize": "DequantizeLinear",
        "argmax": "ArgMax",
        "argmin": "ArgMin",
        "cumulative": "CumSum CumProd",
        "reduce_sum": "ReduceSum ReduceSumSquare ReduceLogSum ReduceLogSumExp",
        "reduce_mean": "ReduceMean",
        "reduce_max": "ReduceMax",
        "reduce_min": "ReduceMin",
        "reduce_prod": "ReduceProd",
        "reduce_norm": "ReduceL1 ReduceL2",
        "top_k": "TopK",
        "avg_pool": "AveragePool GlobalAveragePool LpPool GlobalLpPool",
        "max_pool": "MaxPool GlobalMaxPool MaxRoiPool MaxUnpool",
        "cast": "Cast CastLike",
        "concat": "Concat SequenceConstruct ConcatFromSequence",
        "depth_to_space": "DepthToSpace SpaceToDepth",
        "fill": "Constant ConstantOfShape Range EyeLike Shape Size",
        "flip": "ReverseSequence",
        "gather": "GatherElements GatherND Compress",
        "im2col": "Col2Im",
        "one_hot": "OneHot",
        "pad": "CenterCropPad",
        "resize": "Upsample",
        "scatter": "ScatterElements ScatterND TensorScatter",
        "triangle": "Trilu",
        "view": "Reshape Squeeze Unsqueeze Flatten",
        "permute": "Transpose",
        "identity": "Identity Dropout",
        "grid_sample": "GridSample AffineGrid",
        "non_max_suppression": "NonMaxSuppression",
        "random": "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial",
        "roi_align": "RoiAlign",
    }.items()
    for name in names.split()
}


def family(kind: str) -> str:
    """Returns the family of a canonical kind.

    Raises:
        InputError: the kind is unknown; the message offers close ones.
    """
    try:
        return FAMILY_OF_KIND[kind]
    except KeyError:
        close = difflib.get_close_matches(kind, FAMILY_OF_KIND, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; see chipzinc.graph.kinds"
        raise InputError(f"unknown op kind {kind!r}{hint}") from None


def kind_of_aten(name: str) -> str | None:
    """Returns the canonical kind of an ATen op, or None where the table is silent.

    Args:
        name: the packet's name without its overload, such as ``native_layer_norm``.
    """
    for candidate in (name, name.strip("_")):
        if candidate in KIND_OF_ATEN:
            return KIND_OF_ATEN[candidate]
        if candidate in FAMILY_OF_KIND:
            return candidate
    return None


def kind_of_onnx(op_type: str) -> str | None:
    """Returns the canonical kind of an ONNX op type, or None where the table is silent."""
    if op_type in KIND_OF_ONNX:
        return KIND_OF_ONNX[op_type]
    return op_type.lower() if op_type.lower() in FAMILY_OF_KIND else None
