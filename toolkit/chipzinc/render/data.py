"""The numbers of a problem, as the JSON data that `mzn/problem.mzn` declares.

Every size goes through `units.scale_demands`; nothing here depends on which solver reads it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.render.groups import group_facts
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.parameters import parameter_data
from chipzinc.units import scale_demands


@dataclass(frozen=True)
class LiveSet:
    """Tensors that a partition kept alive together on a chip that could not hold them.

    Attributes:
        size_bytes: bytes of all of them.
        holders: for each tensor, the ops any one of which keeps it alive on a chip at that time.
    """

    size_bytes: int
    holders: tuple[tuple[int, ...], ...]


def problem_data(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    group_of: IntArray | None = None,
    live_sets: Sequence[LiveSet] = (),
) -> dict[str, Any]:
    """The data of `mzn/problem.mzn`, of the groups, and of the rules' parameters.

    Args:
        graph: the graph.
        package: the package.
        rules: the selected rules.
        group_of: group of each op, shape [op]; None: every op by itself.
        live_sets: overflows seen so far.

    Raises:
        InputError: if a rule's parameters do not suit the graph.
    """
    if group_of is None:
        group_of = np.arange(graph.n_ops)
    sizes = _memory(graph, package, live_sets)
    return {
        **_package(package),
        **_graph(graph),
        **sizes,
        **_groups(graph, group_of, np.asarray(sizes["op_io_size"])),
        "dataflow_is_monotone": any(rule.name == "acyclic_dataflow" and rule.hard for rule in rules),
        "chips_have_no_holes": any(rule.name == "no_skipped_chips" and rule.hard for rule in rules),
        **{name: value for rule in rules for name, value in parameter_data(rule, graph, source=package.source).items()},
    }


def _package(package: Package) -> dict[str, Any]:
    n = package.n_chips
    hops = np.diff(package.routes.starts).reshape(n, n)
    reachable = package.reachable | np.eye(n, dtype=bool)
    return {
        "n_chips": n,
        "chip_class": list(package.chip_class),
        "hops": np.where(reachable, hops, -1).tolist(),
        "weights_are_resident": package.weights == "resident",
    }


def _graph(graph: OpGraph) -> dict[str, Any]:
    edges = graph.edges + 1
    return {
        "n_ops": graph.n_ops,
        "op_name": list(graph.op_names),
        "op_kind": list(graph.op_kinds),
        "n_edges": len(edges),
        "edge_from": edges[:, 0].tolist(),
        "edge_to": edges[:, 1].tolist(),
    }


def _memory(graph: OpGraph, package: Package, live_sets: Sequence[LiveSet]) -> dict[str, Any]:
    weights, io = weight_bytes(graph, package), op_io_bytes(graph, package)
    live = np.array([live_set.size_bytes for live_set in live_sets], dtype=np.int64)
    scaled = scale_demands(np.concatenate([weights, io, live]), package.sram_bytes)
    weight_size, io_size, live_size = np.split(scaled.demands, [len(weights), len(weights) + len(io)])
    first = np.cumsum([0, *(len(live_set.holders) for live_set in live_sets)])
    return {
        "memory_unit": int(scaled.unit),
        "sram_size": scaled.capacities.tolist(),
        "op_io_size": io_size.tolist(),
        "n_weights": len(weights),
        "weight_size": weight_size.tolist(),
        "weight_users": [_set(users) for users in (graph.weight_users[w] for w in range(len(weights)))],
        "n_live_sets": len(live_sets),
        "live_set_size": live_size.tolist(),
        "live_set_tensors": [{"set": [[int(a) + 1, int(b)]]} for a, b in itertools.pairwise(first)],
        "live_tensor_holders": [_set(ops) for live_set in live_sets for ops in live_set.holders],
    }


def _groups(graph: OpGraph, group_of: IntArray, op_io_size: IntArray) -> dict[str, Any]:
    facts = group_facts(graph, group_of, op_io_size)
    return {
        "n_groups": len(facts.leader),
        "group_of": (group_of + 1).tolist(),
        "n_leaders": len(facts.leader),
        "leader": (facts.leader + 1).tolist(),
        "n_crossings": len(facts.crossings),
        "crossing_from": (facts.crossings[:, 0] + 1).tolist(),
        "crossing_to": (facts.crossings[:, 1] + 1).tolist(),
        "crossing_beside": facts.beside.tolist(),
        "crossing_inside": [_set(facts.leader[groups]) for groups in facts.inside],
    }


def _set(ids: Any) -> dict[str, list[int]]:
    """A set of 0-based ids as MiniZinc's JSON writes one of 1-based ids."""
    return {"set": sorted({int(i) + 1 for i in ids})}
