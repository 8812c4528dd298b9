"""Placement JSON to graphs with measured costs.

The format is that of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (NeurIPS
2020). Reads nodes and edges only; the package that the file carries is `chipzinc.hardware.placement`'s.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import Incidence, OpGraph, Profile

_LATENCY_OF_CLASS = {"fpga": "fpgaLatency", "cpu": "cpuLatency"}


def is_placement_document(document: object) -> bool:
    """Tells whether parsed JSON looks like a placement."""
    return isinstance(document, dict) and "nodes" in document and "edges" in document


def import_placement(document: Mapping[str, Any], path: Path) -> OpGraph:
    """Turns a parsed placement JSON into a graph; an op's name is its node's id.

    Times and transfers stay in the file's own unit. A node's ``size`` is a weight of as many bytes, rounded up.

    Args:
        document: the JSON object.
        path: the file, for names and messages.

    Raises:
        InputError: a field is missing, of the wrong type or out of range; ids repeat or dangle; the edges form a
            cycle; or edges of one source differ in cost.
    """
    try:
        nodes, edges = _objects(document, "nodes"), _objects(document, "edges")
        ids = _ids(nodes)
        targets, costs = _edges(edges, ids)
        order = _topological(targets, list(ids))
        return _graph(path, [nodes[index] for index in order], order, targets, costs)
    except InputError as error:
        raise InputError(error.message, file=path, field=error.field) from None


def _objects(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    items = document.get(key)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError("expected a list of objects", field=key)
    return items


def _number(item: Mapping[str, Any], key: str, where: str) -> float:
    value = item.get(key)
    finite = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not finite or float(value or 0) < 0:
        raise InputError(f"expected a number of at least 0, got {value!r}", field=f"{where}.{key}")
    return float(value or 0)


def _whole(item: Mapping[str, Any], key: str, where: str) -> int:
    value = item.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"expected a whole number, got {value!r}", field=f"{where}.{key}")
    return value


def _ids(nodes: list[Mapping[str, Any]]) -> dict[int, int]:
    """Position of each node by id."""
    if not nodes:
        raise InputError("the graph has no nodes; expected at least one", field="nodes")
    ids: dict[int, int] = {}
    for index, node in enumerate(nodes):
        identity = _whole(node, "id", f"nodes[{index}]")
        if identity in ids:
            raise InputError(f"id {identity} occurs twice; ids must be unique", field=f"nodes[{index}].id")
        ids[identity] = index
    return ids


def _edges(edges: list[Mapping[str, Any]], ids: Mapping[int, int]) -> tuple[list[set[int]], list[float]]:
    """Returns each node's successors, and the cost of its output."""
    targets: list[set[int]] = [set() for _ in ids]
    costs: list[float | None] = [None for _ in ids]
    for index, edge in enumerate(edges):
        where = f"edges[{index}]"
        ends = []
        for key in ("sourceId", "destId"):
            identity = _whole(edge, key, where)
            if identity not in ids:
                raise InputError(f"names node {identity}, which does not exist", field=f"{where}.{key}")
            ends.append(ids[identity])
        source, target = ends
        cost = _number(edge, "cost", where)
        known = costs[source]
        if known is not None and not math.isclose(known, cost, rel_tol=1e-9):
            message = f"is {cost} where another edge of node {edge['sourceId']} has {known}; the cost is the source's"
            raise InputError(message, field=f"{where}.cost")
        costs[source] = cost if known is None else known
        targets[source].add(target)
    return targets, [cost or 0.0 for cost in costs]


def _topological(targets: list[set[int]], ids: list[int]) -> list[int]:
    """Orders the nodes so that edges point forward, keeping the file's order where it can."""
    waiting = [0] * len(targets)
    for row in targets:
        for target in row:
            waiting[target] += 1
    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for target in targets[index]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, target)
    if len(order) < len(targets):
        stuck = next(identity for identity, count in zip(ids, waiting, strict=True) if count)
        raise InputError(f"the edges form a cycle through or before node {stuck}", field="edges")
    return order


def _graph(
    path: Path, nodes: list[Mapping[str, Any]], order: list[int], targets: list[set[int]], costs: list[float]
) -> OpGraph:
    """Assembles the graph of nodes in topological order; `order` holds their positions in the file."""
    n = len(nodes)
    where = [f"nodes[{index}]" for index in order]
    position = {index: op for op, index in enumerate(order)}
    rows = [sorted(position[target] for target in targets[index]) for index in order]
    sizes = [math.ceil(_number(node, "size", at)) for node, at in zip(nodes, where, strict=True)]
    writers = [op for op in range(n) if rows[op]]
    owners = [op for op in range(n) if sizes[op]]
    colours = {value: number for number, value in enumerate(dict.fromkeys(map(_colour, nodes, where)))}
    profile = Profile(
        op_time_us={
            name: np.array([_number(node, key, at) for node, at in zip(nodes, where, strict=True)])
            for name, key in _LATENCY_OF_CLASS.items()
        },
        op_transfer_us=np.array([costs[index] for index in order]),
        op_supported={
            "fpga": np.array([_number(node, "supportedOnFpga", at) > 0 for node, at in zip(nodes, where, strict=True)]),
            "cpu": np.ones(n, dtype=np.bool_),
        },
        op_backward=np.array([_number(node, "isBackwardNode", at) > 0 for node, at in zip(nodes, where, strict=True)]),
        op_colour=np.array(
            [
                -1 if (value := _colour(node, at)) is None else colours[value]
                for node, at in zip(nodes, where, strict=True)
            ]
        ),
    )
    return OpGraph(
        name=path.name.removesuffix(".json"),
        op_names=tuple(str(node["id"]) for node in nodes),
        op_kinds=("measured",) * n,
        op_flops=np.zeros(n),
        op_free=np.zeros(n, dtype=np.bool_),
        tensor_producer=np.array(writers, dtype=np.int64),
        tensor_elements=np.zeros(len(writers), dtype=np.int64),
        tensor_bits=np.full(len(writers), 8, dtype=np.int64),
        tensor_consumers=Incidence.from_rows([rows[op] for op in writers]),
        weight_elements=np.array([sizes[op] for op in owners], dtype=np.int64),
        weight_bits=np.full(len(owners), 8, dtype=np.int64),
        weight_users=Incidence.from_rows([[op] for op in owners]),
        source=path.name,
        profile=profile,
    )


def _colour(node: Mapping[str, Any], where: str) -> int | None:
    return None if node.get("colorClass") is None else _whole(node, "colorClass", where)
