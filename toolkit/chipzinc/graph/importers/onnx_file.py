"""ONNX files to graphs.

The only module that knows onnx (and ONNX Runtime's symbolic shape inference); it knows nothing of chips or rules.
"""

from __future__ import annotations

import contextlib
import math
import re
import tempfile
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

from chipzinc.errors import InputError
from chipzinc.graph.build import build_graph
from chipzinc.graph.importers.onnx_ops import PARAMETER_OPERANDS, data_operands, flop_attributes
from chipzinc.graph.kinds import kind_of_onnx
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.rawgraph import RawGraph, RawNode, Stored, Value

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

FixedShapes = Mapping[str, tuple[int, ...]]

_STANDARD_DOMAINS = ("", "ai.onnx", "com.microsoft", "ai.onnx.ml")
_CONTROL_FLOW = ("If", "Loop", "Scan", "SequenceMap")
_TABLE_ELEMENTS = 1024
"""Up to this many elements in one row, a stored tensor is a table (such as rotary frequencies) that may be folded."""


def import_onnx(path: Path, *, fix_shapes: FixedShapes | None = None) -> OpGraph:
    """Reads an ONNX model; weights kept in files beside it are not read.

    Args:
        path: the .onnx file.
        fix_shapes: shapes of inputs that the model leaves open.

    Raises:
        InputError: the file is missing, damaged or empty; an input's shape is open and not fixed; a node is control
            flow, or of a kind whose output shape nobody knows. Names the node or the inputs.
    """
    try:
        model = _static(_load(path), fix_shapes or {})
        return build_graph(_Reader(model).read(path.stem, path.name))
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.message, file=path, field=error.field) from None


def _load(path: Path) -> ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    except (DecodeError, ValueError, TypeError) as error:
        raise InputError(f"is no ONNX model, or is truncated: {str(error).splitlines()[0]}") from None
    if not model.graph.node:
        raise InputError(f"graph {model.graph.name!r} has no ops; is the file an ONNX model, and whole?")
    if model.functions:
        import onnx.inliner

        model = onnx.inliner.inline_local_functions(model)
    for node in model.graph.node:
        if node.op_type in _CONTROL_FLOW:
            message = f"control flow ({node.op_type}) cannot be placed; export the model without it"
            raise InputError(message, field=f"node {node.name or node.output[0]!r}")
    _refuse_cycle(model.graph)
    return model


def _refuse_cycle(graph: GraphProto) -> None:
    """Tells of a cycle before inference finds the shapes along it unknown."""
    writer = {output: index for index, node in enumerate(graph.node) for output in node.output if output}
    reads = {index: [writer[name] for name in node.input if name in writer] for index, node in enumerate(graph.node)}
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as error:
        node = graph.node[error.args[1][0]]
        raise InputError("the graph has a cycle through it", field=f"node {node.name or node.output[0]!r}") from None


def _static(model: ModelProto, fix_shapes: FixedShapes) -> ModelProto:
    """Fixes the inputs' shapes and infers all others."""
    import onnx

    _fix_inputs(model.graph, fix_shapes)
    for tensor in model.graph.initializer:  # inference needs a large weight's shape, not its bytes
        if math.prod(tensor.dims) > _TABLE_ELEMENTS:
            for name in ("raw_data", "float_data", "int32_data", "double_data"):
                tensor.ClearField(name)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise InputError(f"shape inference fails: {str(error).splitlines()[0]}") from None
    if next(_unknown(inferred.graph), None) is None:
        return inferred
    inferred = _infer_symbolically(inferred)
    for node, output in _unknown(inferred.graph):
        message = f"the shape of its output {output!r} is unknown; only static shapes can be partitioned"
        domain = f"{node.domain}." if node.domain else ""
        raise InputError(message, field=f"node {node.name or output!r} ({domain}{node.op_type})")
    return inferred


def _fix_inputs(graph: GraphProto, fix_shapes: FixedShapes) -> None:
    """Writes the fixed shapes into the inputs, and forgets what earlier tools inferred from open ones."""
    stored = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in stored}
    for name, shape in fix_shapes.items():
        if name not in inputs:
            raise InputError(f"--fix-shape names input {name!r}; the inputs are {', '.join(inputs)}")
        dims = inputs[name].type.tensor_type.shape.dim
        if len(dims) not in (0, len(shape)):
            raise InputError(f"--fix-shape gives {name!r} {len(shape)} sizes, expected {len(dims)}")
        for index, size in enumerate(shape):
            dim = dims[index] if index < len(dims) else dims.add()
            if dim.dim_value > 0 and dim.dim_value != size:
                raise InputError(f"--fix-shape gives {name!r} size {size} where the model has {dim.dim_value}")
            dim.dim_value = size
    open_inputs = [value for value in inputs.values() if _shape(value) is None]
    if open_inputs:
        wanted = " ".join(f"--fix-shape {value.name}={_dims_text(value)}" for value in open_inputs)
        raise InputError(f"the model's shapes are dynamic; fix the shapes of its inputs: {wanted}")
    static = [value for value in graph.value_info if _shape(value) is not None]
    del graph.value_info[:]
    graph.value_info.extend(static)
    for value in graph.output:
        if value.type.HasField("tensor_type") and _shape(value) is None:
            value.type.tensor_type.ClearField("shape")


def _infer_symbolically(model: ModelProto) -> ModelProto:
    """Lets ONNX Runtime's inference try, where it is installed; what it cannot do stays unknown."""
    try:
        from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference
    except ImportError:
        return model
    try:
        # what it cannot infer it writes to a file in the current folder, before it raises
        with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
            inferred = SymbolicShapeInference.infer_shapes(model, auto_merge=True)
    except Exception:  # it raises bare Exceptions; the caller names the node whose shape stays unknown
        return model
    return model if inferred is None else inferred


def _unknown(graph: GraphProto) -> Iterator[tuple[NodeProto, str]]:
    """Yields every node output that somebody reads and whose shape is not static."""
    known = {value.name for value in (*graph.value_info, *graph.output) if _shape(value) is not None}
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    for node in graph.node:
        if node.op_type != "Constant":
            yield from ((node, output) for output in node.output if output in read and output not in known)


def _shape(value: ValueInfoProto) -> tuple[int, ...] | None:
    """Returns the static shape, or None where a size (or the rank) is open."""
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        return None
    sizes = tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim)
    return None if any(size < 0 for size in sizes) else sizes


def _dims_text(value: ValueInfoProto) -> str:
    """Spells an input's shape with a letter for each open size, such as ``N,3,224,224``."""
    dims = value.type.tensor_type.shape.dim
    return ",".join(str(dim.dim_value) if dim.dim_value > 0 else dim.dim_param or "?" for dim in dims) or "..."


class _Reader:
    """Collects a `RawGraph` from a model whose shapes are all static."""

    def __init__(self, model: ModelProto) -> None:
        self.graph = model.graph
        self.values: dict[str, Value] = {}
        self.stored: dict[str, Stored] = {}
        self.names: set[str] = set()

    def read(self, name: str, source: str) -> RawGraph:
        for info in (*self.graph.input, *self.graph.value_info, *self.graph.output):
            shape = _shape(info)
            if shape is not None:
                self.values[info.name] = _value(shape, info.type.tensor_type.elem_type)
        for tensor in self.graph.initializer:
            self._store(tensor.name, tensor)
        for sparse in self.graph.sparse_initializer:
            self._store(sparse.values.name, sparse.values, tuple(sparse.dims))
        nodes = [raw for node in self.graph.node if (raw := self._node(node)) is not None]
        inputs = frozenset(value.name for value in self.graph.input if value.name not in self.stored)
        outputs = tuple(value.name for value in self.graph.output)
        return RawGraph(name, self.values, inputs, outputs, self.stored, tuple(nodes), source)

    def _store(self, name: str, tensor: TensorProto, shape: tuple[int, ...] | None = None) -> None:
        self._store_value(name, _value(tuple(tensor.dims) if shape is None else shape, tensor.data_type))

    def _store_value(self, name: str, value: Value) -> None:
        table = len(value.shape) <= 1 and math.prod(value.shape) <= _TABLE_ELEMENTS
        self.values[name] = value
        self.stored[name] = Stored(name, trained=not table)

    def _node(self, node: NodeProto) -> RawNode | None:
        """Returns the node, or None where it only states a stored tensor."""
        if node.op_type == "Constant":
            self._constant(node)
            return None
        if node.op_type == "ConstantOfShape" and node.input[0] in self.stored:
            # An exporter fills a shape that it computes; a stored shape is how models travel without their weights.
            self._store_value(node.output[0], self.values[node.output[0]])
            return None
        known = node.domain in _STANDARD_DOMAINS and not (node.domain and node.op_type == "Attention")
        kind = (kind_of_onnx(node.op_type) if known else None) or "custom"
        dropped = PARAMETER_OPERANDS.get(node.op_type, frozenset())
        operands = [name for index, name in enumerate(node.input) if name and index not in dropped]
        operands = [] if kind == "fill" else data_operands(node.op_type, operands)
        shapes = [self.values[name].shape for name in operands if name in self.values]
        outputs = tuple(output for output in node.output if output in self.values)
        attributes = flop_attributes(node, shapes, [self.values[output].shape for output in outputs])
        return RawNode(self._name(node), kind, tuple(operands), outputs, attributes)

    def _constant(self, node: NodeProto) -> None:
        import onnx

        for attribute in node.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            if attribute.name == "value":
                self._store(node.output[0], value)
            elif attribute.name == "sparse_value":
                self._store(node.output[0], value.values, tuple(value.dims))
            else:  # value_int, value_floats and their like
                shape = (len(value),) if isinstance(value, (list, tuple)) else ()
                self._store_value(node.output[0], Value(shape, 64 if "int" in attribute.name else 32, True))

    def _name(self, node: NodeProto) -> str:
        """Returns the node's name, or its first output's; a repeated one gets a number."""
        base = node.name or next((output for output in node.output if output), node.op_type)
        name, number = base, 1
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        return name


def _value(shape: tuple[int, ...], element_type: int) -> Value:
    """Returns a value with the width that the element type's name tells: FLOAT8E5M2 has 8 bits, INT4 has 4."""
    import onnx

    name = onnx.TensorProto.DataType.Name(element_type)
    widths = {"FLOAT": 32, "DOUBLE": 64, "BOOL": 8, "STRING": 8, "UNDEFINED": 32, "COMPLEX64": 64, "COMPLEX128": 128}
    digits = re.search(r"\d+", name)
    bits = widths[name] if name in widths else int(digits.group()) if digits else 32
    return Value(shape, bits, name in ("INT64", "UINT64", "BOOL"))
