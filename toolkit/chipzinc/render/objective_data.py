"""The numbers that objectives read, as the JSON data that the files in `mzn/objectives` declare.

Costs are those of the throughput model, gathered by group and rounded up; nothing here depends on a partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import (
    distinct_reads,
    op_io_bytes,
    op_moved_bytes,
    op_time_us,
    tensor_bytes,
    weight_bytes,
)
from chipzinc.hardware.package import Package
from chipzinc.render.tolls import Toll, passages, receipts_and_dispatches
from chipzinc.units import SOLVER_LIMIT, scale_demands

_ROUNDING_ROOM = 2
"""Loads are kept this far below what a solver can add up, for sums of several loads."""

_MOST_PRICE = 1_000
"""What violating a soft rule may cost at most, as the solver counts it."""


class Nets(NamedTuple):
    """What groups compute and others read.

    Attributes:
        source: group that computes it, shape [net].
        readers: other groups that read it, one tuple a net.
        amount: bytes, or µs where a profile measured transfers, shape [net].
    """

    source: IntArray
    readers: list[tuple[int, ...]]
    amount: FloatArray


def loads_data(
    graph: OpGraph, package: Package, group_of: IntArray, *, monotone: bool, limit: int = SOLVER_LIMIT
) -> dict[str, Any]:
    """The data of `mzn/objectives/loads.mzn`.

    Args:
        graph: the graph.
        package: the package.
        group_of: group of each op, shape [op].
        monotone: whether data flows to later chips only, so that the ways back need no tolls.
        limit: largest sum of loads.
    """
    n_groups = int(group_of.max(initial=-1)) + 1
    nets = make_nets(graph, package, group_of)
    rates, receipts, dispatches, link_rate = receipts_and_dispatches(graph, package, monotone=monotone)
    crossed = [] if package.communication == "host" else passages(package, monotone=monotone)
    time, runs = _group_times(graph, package, group_of, n_groups)
    stream, shared, users, sram = _streams(graph, package, group_of, n_groups)
    io = _largest_io(graph, package, group_of, n_groups)
    moved = np.outer(nets.amount, rates)
    per_net = 1 + max((sum(toll.chip == c for toll in dispatches) for c in range(package.n_chips)), default=0)
    rows = np.concatenate([
        time, stream, io.max(axis=0, keepdims=True), shared, np.repeat(_padded(moved, package.n_chips), per_net, axis=0)
    ])  # fmt: skip
    scaled = scale_demands(rows, [], limit=limit // _ROUNDING_ROOM)
    unit = scaled.unit

    def whole(values: FloatArray) -> IntArray:
        return np.ceil(values / unit).astype(np.int64)

    return {
        "time_unit_us": unit,
        "horizon": int(scaled.demands.max(axis=1, initial=0).sum()),
        "communication": package.communication,
        "n_links": package.n_links,
        "group_time": np.where(runs, whole(time), -1).tolist(),
        "n_nets": len(nets.source),
        "net_from": (nets.source + 1).tolist(),
        "net_to": [_set(group + 1 for group in readers) for readers in nets.readers],
        "n_rates": len(rates),
        "net_time": whole(moved).tolist(),
        **_tolls("receipt", "receipts", "from", receipts),
        **_tolls("dispatch", "dispatches", "to", dispatches),
        "link_rate": link_rate.tolist(),
        "n_passages": len(crossed),
        "passage_link": [link + 1 for link, _, _ in crossed],
        "passage_from": [_set(np.flatnonzero(sources).tolist()) for _, sources, _ in crossed],
        "passage_to": [_set(np.flatnonzero(targets).tolist()) for _, _, targets in crossed],
        "group_stream": whole(stream).tolist(),
        "group_io": whole(io).tolist(),
        "n_shared": len(shared),
        "shared_users": [_set(group + 1 for group in row) for row in users],
        "shared_stream": whole(shared).tolist(),
        "sram_stream": np.minimum(np.floor(sram / unit), SOLVER_LIMIT).astype(np.int64).tolist(),
    }


def energy_data(graph: OpGraph, package: Package, group_of: IntArray, *, limit: int = SOLVER_LIMIT) -> dict[str, Any]:
    """The data of `mzn/objectives/energy.mzn` beside that of loads."""
    n_groups = int(group_of.max(initial=-1)) + 1
    nets = make_nets(graph, package, group_of)
    per_op = np.zeros((graph.n_ops, package.n_chips))
    if package.picojoule_per_flop is not None:
        per_op += graph.op_flops[:, None] * package.picojoule_per_flop
    if package.picojoule_per_sram_byte is not None:
        per_op += op_moved_bytes(graph, package)[:, None] * package.picojoule_per_sram_byte
    group = np.zeros((n_groups, package.n_chips))
    np.add.at(group, group_of, per_op)
    per_byte = np.zeros(package.n_links) if package.picojoule_per_link_byte is None else package.picojoule_per_link_byte
    net = np.outer(nets.amount, per_byte)
    rows = np.concatenate([group.max(axis=1, initial=0), net.sum(axis=1)])
    unit = scale_demands(rows, [], limit=limit // (_ROUNDING_ROOM + package.n_links)).unit
    return {
        "energy_unit_pj": unit,
        "group_energy": np.ceil(group / unit).astype(np.int64).tolist(),
        "net_energy": np.ceil(net / unit).astype(np.int64).tolist(),
    }


def latency_data(graph: OpGraph, package: Package, *, limit: int = SOLVER_LIMIT) -> dict[str, Any]:
    """The data of `mzn/objectives/latency.mzn`."""
    reads = distinct_reads(graph)
    time = op_time_us(graph, package)
    time = np.where(np.isfinite(time), time, 0.0)
    amounts, to_us = _transfers(graph, package)
    sizes, size_of = np.unique(amounts[reads[:, 0]], return_inverse=True)
    transfer = sizes[:, None, None] * np.where(np.isfinite(to_us), to_us, 0.0)
    longest = transfer.reshape(len(sizes), -1).max(axis=1, initial=0)[size_of.reshape(-1)]
    unit = scale_demands(np.concatenate([time.max(axis=1, initial=0), longest]), [], limit=limit).unit
    return {
        "latency_unit_us": unit,
        "latency_horizon": int(np.ceil(time.max(axis=1) / unit).sum() + np.ceil(longest / unit).sum()),
        "latency_time": np.ceil(time / unit).astype(np.int64).tolist(),
        "n_reads": len(reads),
        "read_from": (graph.tensor_producer[reads[:, 0]] + 1).tolist(),
        "read_by": (reads[:, 1] + 1).tolist(),
        "read_size": (size_of.reshape(-1) + 1).tolist(),
        "transfer_time": np.ceil(transfer / unit).astype(np.int64).tolist(),
    }


def penalty_data(package: Package) -> dict[str, Any]:
    """What violating each soft rule once costs, in the order of the package's rules.

    Raises:
        InputError: if no rule is soft.
    """
    weights = np.array([use.soft_weight for use in package.rules if use.soft_weight is not None], dtype=np.float64)
    if not len(weights):
        problem = "the objective 'penalty' needs a rule with a soft_weight, and all of the package's are hard"
        raise InputError(problem, file=package.source, field="objective")
    whole = bool((weights == weights.round()).all()) and weights.max() <= _MOST_PRICE
    unit = 1.0 if whole else float(weights.max()) / _MOST_PRICE
    prices = np.maximum(1, np.round(weights / max(unit, np.finfo(float).tiny))).astype(np.int64)
    return {"penalty_unit": unit, "soft_price": np.where(weights > 0, prices, 0).tolist()}


def make_nets(graph: OpGraph, package: Package, group_of: IntArray) -> Nets:
    """Values that leave their group, those of one group with the same readers taken together."""
    measured = package.communication == "host" and graph.profile is not None
    if measured:
        assert graph.profile is not None
        value_of, amount, writer = graph.tensor_producer, graph.profile.op_transfer_us, np.arange(graph.n_ops)
    else:
        value_of, writer = np.arange(graph.n_tensors), graph.tensor_producer
        amount = tensor_bytes(graph, package).astype(np.float64)
    reads = distinct_reads(graph)
    readers: dict[int, set[int]] = {}
    for tensor, op in reads.tolist():
        value = int(value_of[tensor])
        if group_of[op] != group_of[writer[value]]:
            readers.setdefault(value, set()).add(int(group_of[op]))
    gathered: dict[tuple[int, tuple[int, ...]], float] = {}
    for value, groups in readers.items():
        key = (int(group_of[writer[value]]), tuple(sorted(groups)))
        gathered[key] = gathered.get(key, 0.0) + float(amount[value])
    ordered = sorted(gathered)
    return Nets(
        np.array([source for source, _ in ordered], dtype=np.int64),
        [groups for _, groups in ordered],
        np.array([gathered[key] for key in ordered]),
    )


def _group_times(graph: OpGraph, package: Package, group_of: IntArray, n_groups: int) -> tuple[FloatArray, BoolArray]:
    """Time of each group on each chip, and whether it can run there; both [group, chip]."""
    op_time = op_time_us(graph, package)
    time, stuck = np.zeros((n_groups, package.n_chips)), np.zeros((n_groups, package.n_chips), dtype=bool)
    np.add.at(time, group_of, np.where(np.isfinite(op_time), op_time, 0.0))
    np.logical_or.at(stuck, group_of, ~np.isfinite(op_time))
    return time, ~stuck


def _streams(
    graph: OpGraph, package: Package, group_of: IntArray, n_groups: int
) -> tuple[FloatArray, FloatArray, list[list[int]], FloatArray]:
    """Times to stream each group's own weights, those of several groups, who these are, and what an SRAM holds."""
    per_byte = _stream_us_per_byte(package)
    alone, shared, users = np.zeros(n_groups), list[float](), list[list[int]]()
    for weight, size in enumerate(weight_bytes(graph, package).tolist()):
        groups = sorted(set(group_of[graph.weight_users[weight]].tolist()))
        if len(groups) == 1:
            alone[groups[0]] += size
        else:
            shared.append(float(size))
            users.append(groups)
    if package.weights == "resident":
        shared, users = [], []
    sizes = np.array(shared, dtype=np.float64)
    return np.outer(alone, per_byte), np.outer(sizes, per_byte), users, package.sram_bytes * per_byte


def _stream_us_per_byte(package: Package) -> FloatArray:
    """Time of a streamed byte, 0 where weights stay; shape [chip]."""
    if package.weights == "resident":
        return np.zeros(package.n_chips)
    return np.asarray(1 / package.offchip_bytes_per_us)


def _largest_io(graph: OpGraph, package: Package, group_of: IntArray, n_groups: int) -> FloatArray:
    largest = np.zeros(n_groups)
    np.maximum.at(largest, group_of, op_io_bytes(graph, package).astype(np.float64))
    return np.outer(largest, _stream_us_per_byte(package))


def _transfers(graph: OpGraph, package: Package) -> tuple[FloatArray, FloatArray]:
    """Amount of each tensor, and µs of one unit from chip to chip; infinite where there is no way."""
    n = package.n_chips
    if package.communication != "host":
        routes = package.routes
        time = np.bincount(routes.rows, weights=1 / package.link_bytes_per_us[routes.ids], minlength=len(routes))
        return tensor_bytes(graph, package).astype(np.float64), np.where(package.reachable, time.reshape(n, n), np.inf)
    measured = graph.profile is not None
    each = np.ones(n) if measured else 1 / package.offchip_bytes_per_us
    each = each if package.on_host is None else np.where(package.on_host, 0.0, each)
    to_us = np.where(np.eye(n, dtype=bool), 0.0, each[:, None] + each[None, :])
    if graph.profile is not None:
        return graph.profile.op_transfer_us[graph.tensor_producer], to_us
    return tensor_bytes(graph, package).astype(np.float64), to_us


def _padded(values: FloatArray, width: int) -> FloatArray:
    """The same largest value of each row, in as many columns as others have."""
    return np.repeat(values.max(axis=1, initial=0, keepdims=True), width, axis=1)


def _tolls(name: str, plural: str, end: str, tolls: list[Toll]) -> dict[str, Any]:
    return {
        f"n_{plural}": len(tolls),
        f"{name}_chip": [toll.chip for toll in tolls],
        f"{name}_{end}": [_set(np.flatnonzero(toll.others).tolist()) for toll in tolls],
        f"{name}_rate": [toll.rate + 1 for toll in tolls],
    }


def _set(ids: Iterable[int]) -> dict[str, list[int]]:
    return {"set": sorted(int(i) for i in ids)}
