"""The numbers of a problem, as the JSON data that `mzn/problem.mzn` declares.

Every size goes through `units.scale_demands`; nothing here depends on which solver reads it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.graph.subgraph import subgraph
from chipzinc.hardware.demand import op_io_bytes, op_supported, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.render.groups import endless_crossings, group_facts, reach_of_crossings
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.parameters import parameter_data, parameter_part
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
    parameters = [parameter_data(rule, graph, package) for rule in rules]
    return _problem(graph, package, rules, group_of, live_sets, op_io_bytes(graph, package), parameters)


def part_data(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    ops: IntArray,
    live_sets: Sequence[LiveSet] = (),
) -> dict[str, Any]:
    """The data of the problem that some ops of a graph make by themselves, each op its own group.

    What an op reads and writes keeps its whole size. Where every rule is hereditary, a partition of the graph keeps
    the rules on this part as well, so that what is impossible here is impossible.

    Args:
        graph: the whole graph.
        package: the package.
        rules: the rules to judge the part by; their parameters may name ops outside it.
        ops: the part, increasing, shape [kept].
        live_sets: overflows seen so far, of the whole graph; those that need an op outside the part are left out.

    Raises:
        InputError: if a rule's parameters do not suit the graph.
    """
    part, kept = subgraph(graph, ops), {int(op): place for place, op in enumerate(ops)}
    parameters = [
        parameter_part(rule, parameter_data(rule, graph, package), {op + 1: at + 1 for op, at in kept.items()})
        for rule in rules
    ]
    shared = [
        LiveSet(live.size_bytes, tuple(tuple(kept[op] for op in row if op in kept) for row in live.holders))
        for live in live_sets
    ]
    inside = [live for live in shared if all(live.holders)]
    each = np.arange(part.n_ops)
    return _problem(part, package, rules, each, inside, op_io_bytes(graph, package)[ops], parameters)


def _problem(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    group_of: IntArray,
    live_sets: Sequence[LiveSet],
    io_bytes: IntArray,
    parameters: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    sizes = _memory(graph, package, live_sets, io_bytes)
    hard = {rule.name for rule in rules if rule.hard}
    return {
        **_package(package),
        **_graph(graph, package),
        **sizes,
        **_groups(graph, group_of, sizes, package.n_chips, hard),
        "dataflow_is_monotone": "acyclic_dataflow" in hard,
        "quotient_is_acyclic": bool(hard & {"acyclic_dataflow", "acyclic_quotient"}),
        "chips_have_no_holes": "no_skipped_chips" in hard,
        **{name: value for of_rule in parameters for name, value in of_rule.items()},
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


def _graph(graph: OpGraph, package: Package) -> dict[str, Any]:
    edges = graph.edges + 1
    backward = np.zeros(0) if graph.profile is None else np.flatnonzero(graph.profile.op_backward)
    return {
        "n_ops": graph.n_ops,
        "op_name": list(graph.op_names),
        "op_kind": list(graph.op_kinds),
        "op_supported": [_chips(row) for row in op_supported(graph, package)],
        "backward_ops": _set(backward),
        "n_edges": len(edges),
        "edge_from": edges[:, 0].tolist(),
        "edge_to": edges[:, 1].tolist(),
    }


def _memory(graph: OpGraph, package: Package, live_sets: Sequence[LiveSet], io: IntArray) -> dict[str, Any]:
    weights = weight_bytes(graph, package)
    live = np.array([live_set.size_bytes for live_set in live_sets], dtype=np.int64)
    # a demand that fits nowhere is cut; not so a weight that does not have to fit
    largest = (
        package.sram_bytes if package.weights == "resident" else np.append(package.sram_bytes, weights.max(initial=0))
    )
    scaled = scale_demands(weights, largest, alternatives=np.concatenate([io, live]))
    weight_size, io_size, live_size = np.split(scaled.demands, [len(weights), len(weights) + len(io)])
    first = np.cumsum([0, *(len(live_set.holders) for live_set in live_sets)])
    return {
        "memory_unit": int(scaled.unit),
        "sram_size": scaled.capacities[: package.n_chips].tolist(),
        "op_io_size": io_size.tolist(),
        "n_weights": len(weights),
        "weight_size": weight_size.tolist(),
        "weight_users": [_set(users) for users in (graph.weight_users[w] for w in range(len(weights)))],
        "n_live_sets": len(live_sets),
        "live_set_size": live_size.tolist(),
        "live_set_tensors": [{"set": [[int(a) + 1, int(b)]]} for a, b in itertools.pairwise(first)],
        "live_tensor_holders": [_set(ops) for live_set in live_sets for ops in live_set.holders],
    }


def _groups(
    graph: OpGraph, group_of: IntArray, sizes: Mapping[str, Any], n_chips: int, hard: Set[str]
) -> dict[str, Any]:
    facts = group_facts(graph, group_of, np.asarray(sizes["op_io_size"]))
    own, shared = _weights_of_groups(graph, group_of, sizes["weight_size"])
    # the reasons why an edge cannot span more hold only where all three rules do
    short = hard >= {"acyclic_dataflow", "no_skipped_chips", "triangle_dependency"}
    reach = reach_of_crossings(facts, n_chips) if short else endless_crossings(facts, n_chips)
    return {
        "n_groups": len(facts.leader),
        "group_of": (group_of + 1).tolist(),
        "holes_lie_between_crossings": facts.connected and reach.few,
        "n_leaders": len(facts.leader),
        "leader": (facts.leader + 1).tolist(),
        "leader_weight_size": own.tolist(),
        "SHARED_WEIGHT": _set(shared),
        "n_crossings": len(facts.crossings),
        "crossing_from": (facts.crossings[:, 0] + 1).tolist(),
        "crossing_to": (facts.crossings[:, 1] + 1).tolist(),
        "crossing_span": reach.span.tolist(),
        "crossing_between": [_set(facts.leader[groups]) for groups in reach.between],
        "WALK_CROSSING": _set(reach.walked),
        "crossing_inside": [_set(facts.leader[groups]) for groups in facts.inside],
    }


def _chips(can: BoolArray) -> dict[str, list[list[int]]]:
    """The chips where a row is true, as MiniZinc's JSON writes ranges."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], can, [False]])))
    return {"set": [[int(first), int(last) - 1] for first, last in ends.reshape(-1, 2)]}


def _weights_of_groups(graph: OpGraph, group_of: IntArray, weight_size: Sequence[int]) -> tuple[IntArray, list[int]]:
    """Size of the weights that each group alone uses, shape [group], and the weights that several use."""
    users = graph.weight_users
    first = np.full(len(users), -1, dtype=np.int64)
    first[users.rows[::-1]] = group_of[users.ids[::-1]]
    shared = np.zeros(len(users), dtype=bool)
    shared[users.rows[group_of[users.ids] != first[users.rows]]] = True
    alone = ~shared & (first >= 0)
    size = np.asarray(weight_size, dtype=np.float64)[alone]
    own = np.bincount(first[alone], weights=size, minlength=int(group_of.max()) + 1)
    return own.astype(np.int64), np.flatnonzero(shared).tolist()


def _set(ids: Any) -> dict[str, list[int]]:
    """A set of 0-based ids as MiniZinc's JSON writes one of 1-based ids."""
    return {"set": sorted({int(i) + 1 for i in ids})}
