"""`torch.export` programs, in memory or as .pt2 files, to graphs.

The only module of the graph side that knows torch; it knows nothing of chips or rules.
"""

from __future__ import annotations

import contextlib
import logging
import math
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chipzinc.errors import InputError
from chipzinc.graph.build import build_graph
from chipzinc.graph.kinds import family, kind_of_aten
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.rawgraph import RawGraph, RawNode, Stored, Value

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

FixedShapes = Mapping[str, tuple[int, ...]]

Level = Literal["ops", "modules"]
"""``ops``: core ATen, the op-level graph of the paper; ``modules``: linear layers and attention stay whole."""

_BIAS_FIRST = ("addmm", "baddbmm", "addmv", "addbmm")
_POINTS = {"linear1d": 2, "bilinear2d": 4, "bicubic2d": 16, "trilinear3d": 8}


def export_module(
    module: torch.nn.Module,
    example_inputs: tuple[Any, ...],
    name: str,
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    level: Level = "ops",
    source: str = "",
) -> OpGraph:
    """Exports a module in inference mode and imports the program; `meta` tensors are enough.

    Raises:
        InputError: torch cannot export the module, or its shapes depend on data.
    """
    import torch

    module.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, example_inputs, dict(example_kwargs or {}), strict=False)
    except Exception as error:  # torch raises its own, undocumented kinds here
        raise InputError(f"torch.export cannot export {name!r}: {_first_line(error)}") from error
    return import_program(program, name, level=level, source=source)


def import_pt2(path: Path, *, level: Level = "ops", fix_shapes: FixedShapes | None = None) -> OpGraph:
    """Reads a program saved by `torch.export.save`.

    Raises:
        InputError: the file is missing, damaged or dynamic in shapes that `fix_shapes` does not settle.
    """
    import torch

    if not path.is_file():
        raise InputError("no such file", file=path)
    try:
        with warnings.catch_warnings(), _quiet_torch():
            warnings.simplefilter("ignore")
            program = torch.export.load(path)
    except Exception as error:  # a damaged archive surfaces as any of zipfile's, json's or torch's errors
        message = f"is no torch.export program, or is damaged: {_first_line(error)}"
        raise InputError(message, file=path) from None
    try:
        return import_program(program, path.stem, level=level, source=path.name, fix_shapes=fix_shapes)
    except InputError as error:
        raise InputError(error.message, file=path, field=error.field) from None


@contextlib.contextmanager
def _quiet_torch() -> Iterator[None]:
    """Keeps torch from logging the traceback of what it then raises."""
    log = logging.getLogger("torch.export")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def import_program(
    program: ExportedProgram,
    name: str,
    *,
    level: Level = "ops",
    source: str = "",
    fix_shapes: FixedShapes | None = None,
) -> OpGraph:
    """Turns an exported program into a graph.

    Raises:
        InputError: shapes are dynamic, or the program has control flow; names the inputs or the node.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lowered = program.run_decompositions({} if level == "modules" else None)
    return build_graph(_Reader(lowered, fix_shapes or {}).read(name, source))


class _Reader:
    """Walks one program's nodes and collects a `RawGraph`."""

    def __init__(self, program: ExportedProgram, fix_shapes: FixedShapes) -> None:
        self.program = program
        self.values: dict[str, Value] = {}
        self.alias: dict[str, str] = {}  # the name of a getitem node, or of an only output, to its value
        self.nodes: list[RawNode] = []
        self.sizes = self._fixed_sizes(fix_shapes)

    def read(self, name: str, source: str) -> RawGraph:
        stored = self._stored()
        inputs = set()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                if self._add_values(node) and node.name not in stored:
                    inputs.add(node.name)
            elif node.op == "call_function":
                self._call(node)
        outputs = [self.alias.get(str(out), str(out)) for out in self.program.graph_signature.user_outputs]
        known = {key: value for key, value in stored.items() if key in self.values}
        live = tuple(out for out in outputs if out in self.values)
        return RawGraph(name, self.values, frozenset(inputs), live, known, tuple(self.nodes), source)

    def _stored(self) -> dict[str, Stored]:
        """Parameters are trained, buffers and lifted constants are not; tied ones share an identity."""
        from torch.export.graph_signature import InputKind

        sorts = {InputKind.PARAMETER: True, InputKind.BUFFER: False, InputKind.CONSTANT_TENSOR: False}
        tensors = {**self.program.constants, **self.program.state_dict}
        first: dict[int, str] = {}
        stored = {}
        for spec in self.program.graph_signature.input_specs:
            if spec.kind in sorts and spec.target is not None:
                tensor = tensors.get(spec.target)
                target = spec.target if tensor is None else first.setdefault(id(tensor), spec.target)
                stored[str(getattr(spec.arg, "name", ""))] = Stored(target, sorts[spec.kind])
        return stored

    def _fixed_sizes(self, fix_shapes: FixedShapes) -> dict[Any, int]:
        """Returns the size of each shape symbol that the fixed shapes settle."""
        inputs = {
            node.name: node.meta["val"].shape
            for node in self.program.graph.nodes
            if node.name in self.program.graph_signature.user_inputs and hasattr(node.meta.get("val"), "shape")
        }
        sizes: dict[Any, int] = {}
        for name, wanted in fix_shapes.items():
            if name not in inputs:
                raise InputError(f"--fix-shape names input {name!r}; the inputs are {', '.join(inputs)}")
            if len(wanted) != len(inputs[name]):
                raise InputError(f"--fix-shape gives {name!r} {len(wanted)} sizes, expected {len(inputs[name])}")
            for exported, size in zip(inputs[name], wanted, strict=True):
                if not isinstance(exported, int):
                    sizes[exported.node.expr] = size
                elif exported != size:
                    raise InputError(f"--fix-shape gives {name!r} size {size} where the model has {exported}")
        open_inputs = [
            f"--fix-shape {name}={','.join(map(str, shape))}"
            for name, shape in inputs.items()
            if not all(isinstance(size, int) or size.node.expr in sizes for size in shape)
        ]
        if open_inputs:
            wanted_text = " ".join(open_inputs)
            raise InputError(f"the model's shapes are dynamic; fix the shapes of its inputs: {wanted_text}")
        return sizes

    def _shape(self, node: torch.fx.Node, shape: Sequence[Any]) -> tuple[int, ...]:
        sizes = []
        for size in shape:
            if not isinstance(size, int):
                size = size.node.expr.subs(self.sizes)
                if not size.is_number:
                    message = "its shape depends on data; only static shapes can be partitioned"
                    raise InputError(message, field=f"op {node.name!r}")
            sizes.append(int(size))
        return tuple(sizes)

    def _add_values(self, node: torch.fx.Node) -> tuple[str, ...]:
        """Registers a node's results and returns their names; a result that is no tensor has none."""
        import torch

        result = node.meta.get("val")
        many = isinstance(result, (tuple, list))
        names = []
        for index, value in enumerate(result if isinstance(result, (tuple, list)) else (result,)):
            if isinstance(value, torch.Tensor):
                name = f"{node.name}#{index}" if many else node.name
                index = value.dtype in (torch.bool, torch.int64)
                self.values[name] = Value(self._shape(node, value.shape), 8 * value.dtype.itemsize, index)
                self.alias[name] = name
                names.append(name)
        return tuple(names)

    def _call(self, node: torch.fx.Node) -> None:
        import torch

        if node.target is operator.getitem:
            source, index = node.args[0], node.args[1]
            name = f"{source}#{index}"
            if name in self.values:
                self.alias[node.name] = name
            return
        if isinstance(node.target, torch._ops.HigherOrderOperator):
            message = f"control flow or a wrapped region ({node.target}) cannot be placed; export without it"
            raise InputError(message, field=f"op {node.name!r}")
        outputs = self._add_values(node)
        if not outputs:  # an assertion, or arithmetic on sizes
            return
        operands = [self.alias[source.name] for source in _tensor_arguments(node) if source.name in self.alias]
        packet = node.target._schema.name.split("::")[-1] if hasattr(node.target, "_schema") else str(node.target)
        kind = _kind(node, packet)
        if packet in _BIAS_FIRST:
            operands = [*operands[1:], operands[0]]
        attributes = self._attributes(node, packet, kind, operands)
        self.nodes.append(RawNode(_op_name(node), kind, tuple(operands), outputs, attributes))

    def _attributes(self, node: torch.fx.Node, packet: str, kind: str, operands: list[str]) -> dict[str, Any]:
        shapes = [self.values[name].shape for name in operands]
        if family(kind) == "pooling" and "adaptive" not in packet:
            axes = next((int(letter) for letter in packet if letter.isdigit()), 1)
            window = node.args[1] if isinstance(node.args[1], (tuple, list)) else (node.args[1],)
            sizes = [int(str(size)) for size in window] * (1 if len(window) > 1 else axes)
            # a window may be larger than the image it slides over, as global pooling is often written
            return {"window": math.prod(map(min, sizes, shapes[0][-axes:]))}
        if packet.startswith("_grouped_mm"):  # the third operand is where each expert's rows end
            return {"biased": False}
        if kind == "resize":
            return {"points": next((points for name, points in _POINTS.items() if name in packet), 1)}
        if kind == "fill":
            return {"patterned": packet in ("arange", "linspace", "eye")}
        if family(kind) == "recurrent":
            cell = "cell" in packet
            state = shapes[1]
            matrices = [shape for shape in shapes[2:] if len(shape) == 2 and (cell or shape is not shapes[2])]
            if kind == "lstm" and cell:
                matrices = [shape for shape in shapes[3:] if len(shape) == 2]
            hidden = state[-1] if cell else state[0] * state[-1]
            return {"matrix_elements": sum(math.prod(shape) for shape in matrices), "hidden": hidden}
        return {}


def _tensor_arguments(node: torch.fx.Node) -> list[torch.fx.Node]:
    """Returns the nodes a call reads, in order, a repeated one as often as it is read."""
    import torch

    found: list[torch.fx.Node] = []
    torch.fx.node.map_arg((node.args, node.kwargs), found.append)
    return found


def _kind(node: torch.fx.Node, packet: str) -> str:
    import torch

    if packet == "convolution" and node.args[6]:
        return "conv_transpose"
    if packet == "clone" and "memory_format" not in node.kwargs:
        return "identity"  # what a dropout leaves behind; with a memory format it rewrites a permuted tensor
    kind = kind_of_aten(packet)
    if kind in ("reduce_max", "reduce_min") and getattr(node.target, "_overloadname", "") == "other":
        return "maximum" if kind == "reduce_max" else "minimum"
    if kind is None:
        return "elementwise" if torch.Tag.pointwise in getattr(node.target, "tags", ()) else "custom"
    return kind


def _op_name(node: torch.fx.Node) -> str:
    """Returns the path of the module that made the node, a slash, and the node's own (unique) name."""
    stack = node.meta.get("nn_module_stack") or {}
    path = next((path for path, _ in reversed(list(stack.values())) if path), "")
    return f"{path}/{node.name}" if path else str(node.name)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
