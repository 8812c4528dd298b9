"""From an exporter's `RawGraph` to an `OpGraph`: the one place where weights, constants and views are settled.

Knows nothing of file formats, chips or rules.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field, replace

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.flops import op_flops
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import Incidence, OpGraph
from chipzinc.graph.rawgraph import RawGraph, RawNode

REPLICATED_SHARE = 0.001
"""Replicated ops have at most this share of all flops (the attention mask's expansion has far less)."""

_WEIGHT_VIEWS = ("cast", "copy", "dequantize", "slice", "split")
_SAME_SHAPE_IS_NOTHING = ("view", "expand")


@dataclass(frozen=True)
class _Root:
    """What a value is once views and folding are seen through.

    Attributes:
        sort: ``input``, ``constant`` (known before the model runs), ``weight`` or ``tensor``.
        name: the value that stands for it.
        elements: elements that have to be stored; a filled constant stores one.
        bits: bits of one element.
        foldable: ops on it alone are folded.
        charged: the chip of an op that reads it has to store it.
    """

    sort: str
    name: str
    elements: int
    bits: int
    foldable: bool = False
    charged: bool = False


@dataclass
class _Folded:
    """Ops that are left after folding, with the root of every value."""

    roots: dict[str, _Root]
    nodes: list[RawNode] = field(default_factory=list)


def build_graph(raw: RawGraph) -> OpGraph:
    """Normalises an exported model: fold, drop the dead, replicate what inputs alone give, and assemble.

    Raises:
        InputError: the nodes form a cycle, read an unknown value, or nothing is left to place.
    """
    if not raw.nodes:
        raise InputError(f"graph {raw.name!r} has no ops")
    folded = _fold(raw, _topological(raw))
    _drop_dead(raw, folded)
    flops = {node.name: _flops(raw, node) for node in folded.nodes}
    replicated = _replicated(folded, flops)
    return _assemble(raw, folded, flops, replicated)


def _topological(raw: RawGraph) -> list[RawNode]:
    """Orders the nodes so that each follows those it reads, keeping the exporter's order where it can."""
    producer: dict[str, int] = {}
    for index, node in enumerate(raw.nodes):
        for output in node.outputs:
            if output in producer or output in raw.inputs or output in raw.stored:
                raise InputError(f"value {output!r} is written twice", field=f"op {node.name!r}")
            producer[output] = index
    readers: list[list[int]] = [[] for _ in raw.nodes]
    waiting = [0] * len(raw.nodes)
    for index, node in enumerate(raw.nodes):
        for name in node.inputs:
            if name in producer:
                readers[producer[name]].append(index)
                waiting[index] += 1
            elif name not in raw.inputs and name not in raw.stored:
                raise InputError(f"reads {name!r}, which nothing writes", field=f"op {node.name!r}")
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[RawNode] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(raw.nodes[index])
        for reader in readers[index]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(raw.nodes):
        stuck = next(node.name for node, count in zip(raw.nodes, waiting, strict=True) if count)
        raise InputError(f"the graph has a cycle through or before op {stuck!r}")
    return order


def _fold(raw: RawGraph, order: list[RawNode]) -> _Folded:
    """Finds the root of every value; nodes that only fold, rename weights or change nothing disappear."""
    roots = {name: _root(raw, "input", name) for name in raw.inputs}
    for name, stored in raw.stored.items():
        index = raw.values[name].index
        roots[name] = replace(
            _root(raw, "constant" if index else "weight", name),
            name=stored.identity,
            foldable=not stored.trained or index,
            charged=not index,
        )
    folded = _Folded(roots)
    for node in order:
        sources = [roots[name] for name in node.inputs]
        known = node.kind != "random" and all(root.foldable for root in sources)
        if node.kind == "fill" or known:
            _fold_constant(raw, node, sources, roots)
        elif _renames_a_weight(node, sources):
            for output in node.outputs:
                part = node.kind in ("slice", "split")
                roots[output] = replace(_root(raw, "weight", output), charged=True) if part else sources[0]
        elif _changes_nothing(raw, node):
            roots[node.outputs[0]] = sources[0]
        else:
            folded.nodes.append(node)
            for output in node.outputs:
                roots[output] = _root(raw, "tensor", output)
    return folded


def _root(raw: RawGraph, sort: str, name: str) -> _Root:
    value = raw.values[name]
    return _Root(sort, name, math.prod(value.shape), value.bits)


def _fold_constant(raw: RawGraph, node: RawNode, sources: list[_Root], roots: dict[str, _Root]) -> None:
    """Gives a constant's outputs their root, with the elements that a compiler would have to store.

    A fill stores one element and a broadcast no more than what it repeats, so that a mask of one value is not
    charged as if it were a table.
    """
    patterned = [root for root in sources if root.elements > 1]
    for output in node.outputs:
        value = raw.values[output]
        elements = math.prod(value.shape)
        if node.kind == "fill":
            elements = elements if node.attributes.get("patterned") else 1
        elif (family(node.kind) in ("elementwise", "free") or node.kind == "cast") and len(patterned) <= 1:
            elements = max((root.elements for root in sources), default=elements)
        charged = elements > 1 and not value.index
        roots[output] = _Root("constant", output, elements, value.bits, foldable=True, charged=charged)


def _renames_a_weight(node: RawNode, sources: list[_Root]) -> bool:
    """Tells whether the node only views, casts or cuts a weight, which the op that uses it can do at compile time."""
    if not sources or any(root.sort not in ("weight", "constant") for root in sources):
        return False
    return sources[0].sort == "weight" and (family(node.kind) == "free" or node.kind in _WEIGHT_VIEWS)


def _changes_nothing(raw: RawGraph, node: RawNode) -> bool:
    """Tells whether the node is a view to the shape its input already has.

    Core ATen's attention is full of them. Without them BERT-Large, as transformers exports it by default
    (scaled_dot_product_attention, 128 tokens), has the 1,290 ops (28 of them replicated) and 1,380 edges it is known
    by, and coarsens to 293 groups and 412 edges.
    """
    if node.kind not in _SAME_SHAPE_IS_NOTHING or len(node.outputs) != 1:
        return False
    return raw.values[node.inputs[0]].shape == raw.values[node.outputs[0]].shape


def _drop_dead(raw: RawGraph, folded: _Folded) -> None:
    """Keeps the nodes that some output of the graph depends on."""
    alive = {folded.roots[name].name for name in raw.outputs if name in folded.roots}
    kept: list[RawNode] = []
    for node in reversed(folded.nodes):
        if any(output in alive for output in node.outputs):
            kept.append(node)
            alive.update(folded.roots[name].name for name in node.inputs)
    folded.nodes = kept[::-1]
    if not folded.nodes:
        raise InputError(f"graph {raw.name!r} has no op that computes an output from its inputs or weights")


def _flops(raw: RawGraph, node: RawNode) -> float:
    inputs = [raw.values[name].shape for name in node.inputs]
    outputs = [raw.values[name].shape for name in node.outputs]
    return op_flops(node.kind, inputs, outputs, node.attributes)


def _replicated(folded: _Folded, flops: dict[str, float]) -> set[str]:
    """Returns the names of the ops that every chip computes for itself.

    In topological order, an op joins while inputs, constants and joined ops are all it reads and the joined ones
    stay within their share of all flops. Where all ops would join, none does.
    """
    budget = REPLICATED_SHARE * sum(flops.values())
    joined: set[str] = set()
    local = {root.name for root in folded.roots.values() if root.sort in ("input", "constant")}
    for node in folded.nodes:
        roots = [folded.roots[name] for name in node.inputs]
        if node.kind == "random" or not all(root.name in local or root.foldable for root in roots):
            continue
        if flops[node.name] <= budget:
            budget -= flops[node.name]
            joined.add(node.name)
            local.update(node.outputs)
    return joined if len(joined) < len(folded.nodes) else set()


def _assemble(raw: RawGraph, folded: _Folded, flops: dict[str, float], replicated: set[str]) -> OpGraph:
    """Numbers ops, tensors and weights; readers behind a free op read the tensor it renames."""
    nodes = [node for node in folded.nodes if node.name not in replicated]
    tensor_of: dict[str, int | None] = {}  # None: the value comes from inputs, or from a replicated op
    producers: list[int] = []
    values: list[str] = []
    consumers: list[set[int]] = []
    weights: dict[str, tuple[int, int]] = {}
    users: dict[str, set[int]] = {}
    free = [family(node.kind) == "free" for node in nodes]
    read = {folded.roots[name].name for node in folded.nodes for name in node.inputs}
    read.update(folded.roots[name].name for name in raw.outputs)
    for op, node in enumerate(nodes):
        for name in node.inputs:
            root = folded.roots[name]
            tensor = tensor_of.get(root.name)
            if tensor is not None:
                consumers[tensor].add(op)
            elif root.charged:
                weights.setdefault(root.name, (root.elements, root.bits))
                users.setdefault(root.name, set()).add(op)
        for output in node.outputs:
            if free[op]:
                tensor_of[output] = tensor_of.get(folded.roots[node.inputs[0]].name)
                continue
            if output not in read:  # such as a layer norm's mean: an inference writes nothing that nobody reads
                continue
            tensor_of[output] = len(producers)
            producers.append(op)
            values.append(output)
            consumers.append(set())
    return OpGraph(
        name=raw.name,
        op_names=tuple(node.name for node in nodes),
        op_kinds=tuple(node.kind for node in nodes),
        op_flops=np.array([flops[node.name] for node in nodes], dtype=np.float64),
        op_free=np.array(free, dtype=np.bool_),
        tensor_producer=np.array(producers, dtype=np.int64),
        tensor_elements=np.array([math.prod(raw.values[name].shape) for name in values], dtype=np.int64),
        tensor_bits=np.array([raw.values[name].bits for name in values], dtype=np.int64),
        tensor_consumers=Incidence.from_rows([sorted(row) for row in consumers]),
        weight_elements=np.array([elements for elements, _ in weights.values()], dtype=np.int64),
        weight_bits=np.array([bits for _, bits in weights.values()], dtype=np.int64),
        weight_users=Incidence.from_rows([sorted(users[name]) for name in weights]),
        replicated=tuple(node.name for node in folded.nodes if node.name in replicated),
        source=raw.source,
    )
