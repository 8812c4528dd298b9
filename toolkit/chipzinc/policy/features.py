"""What the policy sees of a graph and a package, as numbers without units that compare across graphs and packages.

Times are shares of the bound on the interval, bytes shares of a chip's memory, places shares of the pipeline. Knows
neither torch nor partitions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.kinds import KINDS_OF_FAMILY, family
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import distinct_reads, op_io_bytes, op_supported, op_time_us, tensor_bytes, weight_bytes
from chipzinc.hardware.package import Package

FAMILIES = tuple(KINDS_OF_FAMILY)

GROUP_FEATURES = (
    "work",
    "work_spread",
    "weights",
    "io",
    "received",
    "sent",
    "readers",
    "sources",
    "cut_before",
    "cut_behind",
    "work_before",
    "work_behind",
    "work_beside",
    "place_by_work",
    "place_by_weights",
    "place_by_depth",
    *(f"share_of_{name}" for name in FAMILIES),
)
"""Columns of `Features.group`."""

CHIP_FEATURES = (
    "place",
    "place_from_end",
    "is_first",
    "is_last",
    "speed",
    "share_before",
    "sram",
    "receive_rate",
    "send_rate",
    "offchip_rate",
)
"""Columns of `Features.chip`."""

PACKAGE_FEATURES = (
    "chips",
    "groups",
    "work_per_chip",
    "traffic",
    "weights_per_sram",
    "overlapped",
    "host",
    "resident",
    "forward_only",
    "no_triangles",
)
"""Columns of `Features.package`."""


@dataclass(frozen=True, eq=False)
class Features:
    """Scaled features of one graph on one package.

    Attributes:
        group: shape [group, GROUP_FEATURES].
        edges: (earlier, later) groups, shape [edge, 2].
        edge_traffic: time of the edge's tensors on one link, as `logged` share of the bound, shape [edge].
        chip: shape [chip, CHIP_FEATURES].
        package: of the package and the graph as a whole, shape [PACKAGE_FEATURES].
        group_time: time of each group on each chip as a share of the bound, shape [group, chip]; infinite times
            and refused kinds count as 0 here and are marked in `refused`.
        refused: whether a chip cannot run the group, shape [group, chip].
        share: share of all work that each group is, shape [group].
        chip_ends: share of all work at which each chip's begins, and that at which the last one's ends, were they
            filled in order, shape [chip + 1].
        place: middle of each group's work along the order, in chips, shape [group].
    """

    group: FloatArray
    edges: IntArray
    edge_traffic: FloatArray
    chip: FloatArray
    package: FloatArray
    group_time: FloatArray
    refused: BoolArray
    share: FloatArray
    chip_ends: FloatArray
    place: FloatArray

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.group)

    @property
    def n_chips(self) -> int:
        """Number of chips."""
        return len(self.chip)


def logged(value: NDArray[Any] | float | int) -> FloatArray:
    """sign(x) log(1 + |x|): keeps small values as they are and large ones in sight; any shape."""
    array = np.asarray(value, dtype=np.float64)
    return np.asarray(np.sign(array) * np.log1p(np.abs(array)))


def features_of(graph: OpGraph, package: Package, coarsening: Coarsening, bound_us: float) -> Features:
    """Computes the features.

    Args:
        graph: the graph.
        package: the package.
        coarsening: the groups.
        bound_us: a lower bound on the interval, the unit of times.
    """
    time, refused = _group_times(graph, package, coarsening)
    runs = ~refused
    work = np.where(runs, time, 0).sum(axis=1) / np.maximum(1, runs.sum(axis=1))
    speed = _speeds(time, refused)
    rate_us = _bytes_per_us(package)
    traffic, received, sent, cut = _edge_bytes(graph, package, coarsening)
    before, behind = _cones(coarsening, work)
    total = max(float(work.sum()), np.finfo(np.float64).tiny)
    middle = (np.cumsum(work) - work / 2) / total
    ends = np.concatenate([[0.0], np.cumsum(speed) / speed.sum()])
    weights = _group_weights(graph, package, coarsening)
    sram = float(package.sram_bytes.mean())
    io = np.zeros(coarsening.n_groups)
    np.maximum.at(io, coarsening.group_of, op_io_bytes(graph, package).astype(np.float64))
    ones = np.ones(coarsening.n_groups)
    columns = {
        "work": logged(work / bound_us),
        "work_spread": logged(_spread(time, refused)),
        "weights": logged(weights / sram),
        "io": logged(io / sram),
        "received": logged(received / rate_us / bound_us),
        "sent": logged(sent / rate_us / bound_us),
        "readers": logged(np.bincount(coarsening.edges[:, 0], minlength=coarsening.n_groups)),
        "sources": logged(np.bincount(coarsening.edges[:, 1], minlength=coarsening.n_groups)),
        "cut_before": logged(np.append(0.0, cut[:-1]) / rate_us / bound_us),
        "cut_behind": logged(cut / rate_us / bound_us),
        "work_before": before / total,
        "work_behind": behind / total,
        "work_beside": 1 - (before + behind + work) / total,
        "place_by_work": middle,
        "place_by_weights": (np.cumsum(weights) - weights / 2) / max(float(weights.sum()), 1.0),
        "place_by_depth": _depths(coarsening),
    } | _family_shares(graph, coarsening, work)
    whole = {
        "chips": logged(package.n_chips),
        "groups": logged(coarsening.n_groups),
        "work_per_chip": total / package.n_chips / bound_us,
        "traffic": logged(traffic.sum() / rate_us / bound_us / package.n_chips),
        "weights_per_sram": logged(weights.sum() / package.sram_bytes.sum()),
        "overlapped": package.communication == "overlapped",
        "host": package.communication == "host",
        "resident": package.weights == "resident",
        "forward_only": _selects(package, "acyclic_dataflow"),
        "no_triangles": _selects(package, "triangle_dependency"),
    }
    return Features(
        group=np.stack([columns[name] * ones for name in GROUP_FEATURES], axis=1),
        edges=coarsening.edges,
        edge_traffic=logged(traffic / rate_us / bound_us),
        chip=_chips(package, speed, ends[:-1], rate_us),
        package=np.array([whole[name] for name in PACKAGE_FEATURES], dtype=np.float64),
        group_time=np.where(refused, 0, time) / bound_us,
        refused=refused,
        share=work / total,
        chip_ends=ends,
        place=np.interp(middle, ends, np.arange(package.n_chips + 1)) - 0.5,
    )


def _selects(package: Package, rule: str) -> bool:
    return any(use.name == rule and use.soft_weight is None for use in package.rules)


def _group_times(graph: OpGraph, package: Package, coarsening: Coarsening) -> tuple[FloatArray, BoolArray]:
    """Time of each group on each chip in µs, 0 for what a chip refuses, and which that is; both [group, chip]."""
    op_time = op_time_us(graph, package)
    op_refused = ~np.isfinite(op_time)
    if _selects(package, "supported_kinds"):
        op_refused |= ~op_supported(graph, package)
    time = np.zeros((coarsening.n_groups, package.n_chips))
    refused = np.zeros(time.shape, dtype=np.bool_)
    np.add.at(time, coarsening.group_of, np.where(op_refused, 0.0, op_time))
    np.logical_or.at(refused, coarsening.group_of, op_refused)
    refused[refused.all(axis=1)] = False  # what no chip runs, the solver will say
    return time, refused


def _speeds(time: FloatArray, refused: BoolArray) -> FloatArray:
    """How much of the whole graph's work each chip does in a µs, relative to the mean of all, shape [chip]."""
    mean = time.sum(axis=1, keepdims=True) / np.maximum(1, (~refused).sum(axis=1, keepdims=True))
    spent = np.where(refused, mean, time).sum(axis=0)
    speed = 1 / np.maximum(spent, np.finfo(np.float64).tiny)
    return np.asarray(speed / speed.mean())


def _spread(time: FloatArray, refused: BoolArray) -> FloatArray:
    """Slowest over fastest chip for each group, less 1, shape [group]."""
    slowest = np.where(refused, 0, time).max(axis=1)
    fastest = np.where(refused, np.inf, time).min(axis=1)
    known = (fastest > 0) & np.isfinite(fastest)
    return np.asarray(np.divide(slowest, fastest, out=np.ones_like(slowest), where=known) - 1)


def _bytes_per_us(package: Package) -> float:
    """Rate of a typical transfer."""
    rates = package.offchip_bytes_per_us if package.communication == "host" else package.link_bytes_per_us
    rates = rates[rates > 0]
    return float(rates.mean()) if len(rates) else 1.0


def _edge_bytes(
    graph: OpGraph, package: Package, coarsening: Coarsening
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Bytes of the distinct tensors along each edge, [edge], into and out of each group, and past each, [group].

    What passes a group in their order leaves it or an earlier one for a later one.
    Where the graph's profile has measured transfers instead, they are µs and the package's rate is 1.
    """
    size = tensor_bytes(graph, package).astype(np.float64)
    if graph.profile is not None and package.communication == "host":
        size = graph.profile.op_transfer_us[graph.tensor_producer] * _bytes_per_us(package)
    reads, group_of, n = distinct_reads(graph), coarsening.group_of, coarsening.n_groups
    triples = np.stack([group_of[graph.tensor_producer[reads[:, 0]]], group_of[reads[:, 1]], reads[:, 0]], axis=1)
    triples = np.unique(triples[triples[:, 0] != triples[:, 1]], axis=0).reshape(-1, 3)
    place = np.searchsorted(coarsening.edges @ [n, 1], triples[:, :2] @ [n, 1])
    carried = np.bincount(place, weights=size[triples[:, 2]], minlength=len(coarsening.edges))
    received = np.bincount(triples[:, 1], weights=size[triples[:, 2]], minlength=n)
    leaving = np.unique(triples[:, [0, 2]], axis=0).reshape(-1, 2)
    sent = np.bincount(leaving[:, 0], weights=size[leaving[:, 1]], minlength=n)
    read_last = np.zeros(graph.n_tensors, dtype=np.int64)
    np.maximum.at(read_last, triples[:, 2], triples[:, 1])
    ends = np.bincount(read_last[leaving[:, 1]], weights=size[leaving[:, 1]], minlength=n)
    found = (carried, received, sent, np.cumsum(sent - ends))
    edge, into, out, past = (each.astype(np.float64) for each in found)
    return edge, into, out, past


def _cones(coarsening: Coarsening, work: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Work of all ancestors and of all descendants of each group, each of shape [group]."""
    n = coarsening.n_groups
    above = np.zeros((n, n), dtype=np.bool_)
    for earlier, later in coarsening.edges[np.lexsort(coarsening.edges.T)].tolist():
        above[later] |= above[earlier]
        above[later, earlier] = True
    return above @ work, work @ above


def _depths(coarsening: Coarsening) -> FloatArray:
    """Longest path to each group over the longest path of all, shape [group]."""
    depth = np.zeros(coarsening.n_groups, dtype=np.int64)
    for earlier, later in coarsening.edges[np.lexsort(coarsening.edges.T)].tolist():
        depth[later] = max(depth[later], depth[earlier] + 1)
    return depth / max(1, int(depth.max(initial=0)))


def _group_weights(graph: OpGraph, package: Package, coarsening: Coarsening) -> FloatArray:
    """Bytes of the distinct weights that each group uses, shape [group]."""
    users = graph.weight_users
    pairs = np.unique(np.stack([coarsening.group_of[users.ids], users.rows], axis=1), axis=0).reshape(-1, 2)
    size = weight_bytes(graph, package)[pairs[:, 1]].astype(np.float64)
    return np.bincount(pairs[:, 0], weights=size, minlength=coarsening.n_groups).astype(np.float64)


def _family_shares(graph: OpGraph, coarsening: Coarsening, work: FloatArray) -> dict[str, FloatArray]:
    """Share of each group's ops that belongs to each family of kinds, so that a new kind counts as its family."""
    of_op = np.array([FAMILIES.index(family(kind)) for kind in graph.op_kinds])
    counts = np.zeros((len(work), len(FAMILIES)))
    np.add.at(counts, (coarsening.group_of, of_op), 1.0)
    shares = counts / counts.sum(axis=1, keepdims=True)
    return {f"share_of_{name}": shares[:, at] for at, name in enumerate(FAMILIES)}


def _chips(package: Package, speed: FloatArray, begins: FloatArray, rate_us: float) -> FloatArray:
    n = package.n_chips
    place = np.arange(n)
    receive, send = np.zeros(n), np.zeros(n)
    np.add.at(receive, package.links[:, 1], package.link_bytes_per_us)
    np.add.at(send, package.links[:, 0], package.link_bytes_per_us)
    columns = {
        "place": place / max(1, n - 1),
        "place_from_end": logged((n - 1 - place).astype(np.float64)),
        "is_first": place == 0,
        "is_last": place == n - 1,
        "speed": logged(speed - 1),
        "share_before": begins,
        "sram": logged(package.sram_bytes / package.sram_bytes.mean() - 1),
        "receive_rate": logged(receive / rate_us - 1),
        "send_rate": logged(send / rate_us - 1),
        "offchip_rate": logged(package.offchip_bytes_per_us / rate_us),
    }
    return np.stack([np.asarray(columns[name], dtype=np.float64) for name in CHIP_FEATURES], axis=1)
