"""`Items`: what a chain of ideals orders: ops, or sets of ops that share a chip, with what they cost.

Knows the graph and the chips' properties, no ideals. Where ops are left out, costs are those of the others alone.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chipzinc.graph.names import matching
from chipzinc.graph.opgraph import BoolArray, FloatArray, Incidence, IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_supported, op_time_us, tensor_bytes, weight_bytes
from chipzinc.hardware.package import Package


@dataclass(frozen=True, eq=False)
class Items:
    """Sets of ops in topological order, and their demands on each type of chip.

    Attributes:
        item_of: item of each op, -1 for ops left out, shape [op].
        precedes: distinct (earlier, later) pairs of items, shape [pair, 2].
        time_us: shape [item, type].
        refused: whether a type of chip cannot run the item, shape [item, type].
        io_bytes: inputs + outputs of the item's largest op, shape [item].
        nets: items that write or read each value that leaves its item.
        net_producer: item that writes the value, shape [net].
        net_size: bytes of the value, or µs of one transfer, shape [net].
        nets_in_us: whether these are µs, as a profile measured them for transfers through the host.
        weights: items that use each weight.
        weight_bytes: shape [weight].
    """

    item_of: IntArray
    precedes: IntArray
    time_us: FloatArray
    refused: BoolArray
    io_bytes: IntArray
    nets: Incidence
    net_producer: IntArray
    net_size: FloatArray
    nets_in_us: bool
    weights: Incidence
    weight_bytes: IntArray

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.time_us)


@dataclass(frozen=True, eq=False)
class ChipTypes:
    """Chips that are alike in all that a slice costs on them.

    Attributes:
        type_of: type of each chip, shape [chip].
        chip: one chip of each type, shape [type].
        receive_bytes_per_us: the fastest link that enters the chip, shape [type]; 0 where none does.
        send_bytes_per_us: the fastest link that leaves it, shape [type].
        cut_bytes_per_us: all links together from chips 0..k to later ones, shape [chip]; infinite for the last.
    """

    type_of: IntArray
    chip: IntArray
    receive_bytes_per_us: FloatArray
    send_bytes_per_us: FloatArray
    cut_bytes_per_us: FloatArray

    @cached_property
    def count(self) -> IntArray:
        """Chips of each type, shape [type]."""
        return np.bincount(self.type_of)


def chip_types(graph: OpGraph, package: Package) -> ChipTypes:
    """Sorts the package's chips into types, by what this graph sees of them."""
    chips = np.arange(package.n_chips)
    receive, send, cut = np.zeros(len(chips)), np.zeros(len(chips)), np.zeros(len(chips))
    np.maximum.at(receive, package.links[:, 1], package.link_bytes_per_us)
    np.maximum.at(send, package.links[:, 0], package.link_bytes_per_us)
    for (source, target), rate in zip(package.links.tolist(), package.link_bytes_per_us.tolist(), strict=True):
        cut[source:target] += rate  # empty where the link leads back
    cut[-1] = np.inf
    on_host = np.zeros(len(chips), dtype=bool) if package.on_host is None else package.on_host
    pinned = np.where(np.isin(chips, list(pins(graph, package).values())), chips, -1)
    properties = [receive, send, package.sram_bytes, package.offchip_bytes_per_us, on_host, pinned]
    seen = np.concatenate([np.stack(properties).astype(np.float64), op_time_us(graph, package)])
    _, chip, type_of = np.unique(seen, axis=1, return_index=True, return_inverse=True)
    return ChipTypes(type_of.reshape(-1), chip, receive[chip], send[chip], cut)


def make_items(
    graph: OpGraph,
    package: Package,
    types: ChipTypes,
    *,
    group_of: IntArray | None = None,
    left_out: BoolArray | None = None,
) -> Items:
    """Makes items of ops.

    Ops that a hard `colocated` ties share an item, and so do ops between which no cut can pass then. Backward ops
    order nothing; those that are tied to no forward op are left out.

    Args:
        graph: the graph.
        package: the package.
        types: its chips' types.
        group_of: ops that share an item, shape [op]; None: each by itself.
        left_out: ops without an item, shape [op]; the order of the others stays as it is through them.
    """
    label = np.arange(graph.n_ops) if group_of is None else np.asarray(group_of, dtype=np.int64).copy()
    out = np.zeros(graph.n_ops, dtype=bool) if left_out is None else left_out.copy()
    backward = np.zeros(graph.n_ops, dtype=bool)
    if graph.profile is not None:
        backward = graph.profile.op_backward
    label = _joined(label, together(graph, package))
    if backward.any():
        out |= backward & ~np.isin(label, label[~backward & ~out])
    forward = graph.edges[~backward[graph.edges].any(axis=1)]
    item_of, precedes = _contracted(label, out, _bridged(forward, out))
    return _with_costs(graph, package, types, item_of, precedes)


def hard(package: Package, rule: str) -> bool:
    """Whether the package selects a rule as one that must hold."""
    return any(use.name == rule and use.soft_weight is None for use in package.rules)


def together(graph: OpGraph, package: Package) -> list[list[int]]:
    """Ops that a hard `colocated` keeps on one chip."""
    return [
        sorted({op for pattern in (entry if isinstance(entry, list) else [entry]) for op in _named(graph, pattern)})
        for entry in _parameter(package, "colocated", "groups", [])
    ]


def pins(graph: OpGraph, package: Package) -> dict[int, int]:
    """Chip of each op that a hard `pinned` keeps there; of contradictory pins one."""
    return {
        op: int(chip)
        for pattern, chip in dict(_parameter(package, "pinned", "pins", {})).items()
        for op in _named(graph, pattern)
    }


def _parameter(package: Package, rule: str, name: str, default: Any) -> Any:
    """A parameter of a rule that is hard, else a default."""
    found = [use.parameters.get(name) for use in package.rules if use.name == rule and use.soft_weight is None]
    return found[0] if found and isinstance(found[0], type(default)) else default


def _named(graph: OpGraph, pattern: object) -> list[int]:
    """Ops that rules mean by a name or regular expression; none where it is neither, which the rule itself refuses."""
    if pattern in graph.op_index:
        return [graph.op_index[str(pattern)]]
    try:
        return list(matching(str(pattern), graph.op_names))
    except ValueError:
        return []


def _joined(label: IntArray, sets: list[list[int]]) -> IntArray:
    """Gives all ops of a set, and whatever shares a label with one of them, the same label."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = [(int(label[ops[0]]), int(label[op])) for ops in sets for op in ops[1:]]
    if not links:
        return label
    first, second = zip(*links, strict=True)
    size = int(label.max()) + 1
    joined = connected_components(
        coo_array((np.ones(len(first)), (first, second)), shape=(size, size)), directed=False
    )[1]
    return np.asarray(joined[label], dtype=np.int64)


def _bridged(edges: IntArray, out: BoolArray) -> IntArray:
    """Edges between ops that stay: a path through ops left out becomes an edge."""
    if not out[edges].any():
        return edges
    before: dict[int, set[int]] = {}
    kept: list[tuple[int, int]] = []
    for source, target in edges[np.lexsort((edges[:, 0], edges[:, 1]))].tolist():
        sources = before.get(source, set()) if out[source] else {source}
        if out[target]:
            before.setdefault(target, set()).update(sources)
        else:
            kept += [(origin, target) for origin in sources]
    return np.array(kept, dtype=np.int64).reshape(-1, 2)


def _contracted(label: IntArray, out: BoolArray, edges: IntArray) -> tuple[IntArray, IntArray]:
    """Items in topological order, labels on a common cycle joined: item of each op, and (earlier, later) pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, compact = np.unique(label[~out], return_inverse=True)
    of_op = np.full(len(label), -1, dtype=np.int64)
    of_op[~out] = compact.reshape(-1)
    pairs = of_op[edges]
    links = (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1]))
    component = connected_components(coo_array(links, shape=(len(names), len(names))), connection="strong")[1]
    of_op[~out] = component[of_op[~out]]
    pairs = of_op[edges]
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0).reshape(-1, 2)
    first = np.full(int(component.max(initial=-1)) + 1, len(label))
    np.minimum.at(first, of_op[~out], np.flatnonzero(~out))
    number = _topological(first, pairs)
    of_op[~out] = number[of_op[~out]]
    return of_op, number[pairs]


def _topological(first: IntArray, pairs: IntArray) -> IntArray:
    """Number of each item in the topological order that takes the earliest first op it can; shape [item]."""
    later: list[list[int]] = [[] for _ in first]
    for source, target in pairs.tolist():
        later[source].append(target)
    waiting = np.bincount(pairs[:, 1], minlength=len(first)).tolist()
    ready = [(int(first[item]), item) for item, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    number = np.zeros(len(first), dtype=np.int64)
    for place in range(len(first)):
        item = heapq.heappop(ready)[1]
        number[item] = place
        for target in later[item]:
            waiting[target] -= 1
            if waiting[target] == 0:
                heapq.heappush(ready, (int(first[target]), target))
    return number


def _with_costs(graph: OpGraph, package: Package, types: ChipTypes, item_of: IntArray, precedes: IntArray) -> Items:
    stays = np.flatnonzero(item_of >= 0)
    n = int(item_of.max(initial=-1)) + 1
    op_time = op_time_us(graph, package)[:, types.chip]
    refuses = ~np.isfinite(op_time)
    if hard(package, "supported_kinds"):
        refuses |= ~op_supported(graph, package)[:, types.chip]
    for op, chip in pins(graph, package).items():
        refuses[op] |= types.chip != types.chip[types.type_of[chip]]
    time, refused = np.zeros((n, len(types.chip))), np.zeros((n, len(types.chip)), dtype=bool)
    np.add.at(time, item_of[stays], np.where(refuses, 0.0, op_time)[stays])
    np.logical_or.at(refused, item_of[stays], refuses[stays])
    io = np.zeros(n, dtype=np.int64)
    np.maximum.at(io, item_of[stays], op_io_bytes(graph, package)[stays])
    measured = None if package.communication != "host" or graph.profile is None else graph.profile.op_transfer_us
    nets, producer, size = _nets(graph, package, item_of, measured)
    users = graph.weight_users
    used = np.stack([users.rows, item_of[users.ids]], axis=1)
    weights = _rows(used[used[:, 1] >= 0], len(graph.weight_elements))
    return Items(
        item_of=item_of,
        precedes=precedes,
        time_us=time,
        refused=refused,
        io_bytes=io,
        nets=nets,
        net_producer=producer,
        net_size=size,
        nets_in_us=measured is not None,
        weights=weights,
        weight_bytes=weight_bytes(graph, package),
    )


def _nets(
    graph: OpGraph, package: Package, item_of: IntArray, measured_us: FloatArray | None
) -> tuple[Incidence, IntArray, FloatArray]:
    """Values that more than one item writes or reads: the items, the writer, and the size.

    Measured values belong to ops, others to tensors.
    """
    if measured_us is not None:
        source_of, size = graph.tensor_producer, measured_us
        writer = np.arange(graph.n_ops)
    else:
        source_of, size = np.arange(graph.n_tensors), tensor_bytes(graph, package).astype(np.float64)
        writer = graph.tensor_producer
    consumers = graph.tensor_consumers
    reads = np.stack([source_of[consumers.rows], item_of[consumers.ids]], axis=1)
    writes = np.stack([np.arange(len(writer)), item_of[writer]], axis=1)
    touches = np.unique(np.concatenate([reads, writes]), axis=0)
    touches = touches[(touches[:, 1] >= 0) & (item_of[writer[touches[:, 0]]] >= 0)]
    several = np.flatnonzero(np.bincount(touches[:, 0], minlength=len(writer)) > 1)
    place = np.full(len(writer), -1)
    place[several] = np.arange(len(several))
    touches = touches[place[touches[:, 0]] >= 0]
    touches[:, 0] = place[touches[:, 0]]
    return _rows(touches, len(several)), item_of[writer[several]], np.asarray(size[several], dtype=np.float64)


def _rows(pairs: IntArray, n_rows: int) -> Incidence:
    """Distinct (row, id) pairs in compressed form."""
    pairs = np.unique(pairs, axis=0).reshape(-1, 2)
    starts = np.concatenate([[0], np.cumsum(np.bincount(pairs[:, 0], minlength=n_rows))])
    return Incidence(starts.astype(np.int64), pairs[:, 1].astype(np.int64))
