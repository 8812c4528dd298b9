"""Which op fits no chip, and which rule says so: looked for once no partition is proven to exist.

The rules judge; here it is only chosen what to ask them. Nothing is found where it takes several ops to break a rule.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence

import numpy as np

from chipzinc.designs.part import carries
from chipzinc.designs.witness import Scene, witness
from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.subgraph import subgraph
from chipzinc.grouping import op_classes
from chipzinc.hardware.demand import op_io_bytes, op_supported, op_weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.render.data import part_data
from chipzinc.render.model import VERIFY_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.labels import read_labels
from chipzinc.solve import Session, Solution, SolveRequest, Text

_NO_EDGES = {"n_edges": 0, "edge_from": [], "edge_to": []}

Refusals = list[list[tuple[str, int, str]]]
"""For each assignment, the (rule, instance, label) that it violates."""


def find_misfit(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    *,
    solver: str = "gecode",
    time_limit_s: float | None = None,
) -> InfeasibleError | None:
    """The error that names an op which fits no chip even by itself, and the rule that refuses it, if there is one.

    Ops that are alike to the rules stand for one another. As many as there are chips are asked about at once, each on a
    chip of its own without the others' data; where every arrangement is refused, about each half.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the selected rules; those that do not carry over to a part of the graph do not count.
        solver: solver that computes what MiniZinc leaves open in a rule's array.
        time_limit_s: wall-clock limit of the whole; nothing is found where it ends the search.

    Raises:
        SolverError: if the solver fails.
    """
    used = [selected for selected in rules if selected.hard and carries(selected)]
    if not used:
        return None
    ops = _one_of_each(graph, package, used)
    deadline = math.inf if time_limit_s is None else time.monotonic() + time_limit_s
    waiting = [ops[first : first + package.n_chips] for first in range(0, len(ops), package.n_chips)]
    while waiting and (left := deadline - time.monotonic()) > 0:
        some = waiting.pop(0)
        limit_s = None if time_limit_s is None else left
        refusals = _refusals(session, graph, package, used, some, solver, limit_s)
        if not all(refusals):
            continue
        if len(some) == 1:
            return _told(graph, package, used, int(some[0]), refusals)
        waiting[:0] = np.array_split(some, 2)
    return None


def _one_of_each(graph: OpGraph, package: Package, rules: Sequence[SelectedRule]) -> IntArray:
    """One op of each kind, size and class, those that need most and can go to fewest chips first."""
    weights, io = op_weight_bytes(graph, package), op_io_bytes(graph, package)
    chips = op_supported(graph, package).sum(axis=1)
    _, kinds = np.unique(np.array(graph.op_kinds, dtype=object), return_inverse=True)
    features = np.stack([kinds.reshape(-1), weights, io, chips, op_classes(graph, package, rules)], axis=1)
    _, first = np.unique(features, axis=0, return_index=True)
    need = weights * (package.weights == "resident") + io
    return np.asarray(first[np.lexsort((first, -need[first], chips[first]))], dtype=np.int64)


def _refusals(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    ops: IntArray,
    solver: str,
    time_limit_s: float | None,
) -> Refusals:
    """What is violated when each op is on a chip of its own, once for every way to turn the package round."""
    ops = np.sort(ops)
    n_chips = package.n_chips
    partitions = (np.arange(len(ops)) + np.arange(n_chips)[:, None]) % n_chips
    data = part_data(graph, package, rules, ops) | _NO_EDGES
    data |= {"n_partitions": n_chips, "partition": partitions.tolist(), "with_labels": True}
    request = SolveRequest(
        solver=solver,
        models=(Text("verify.mzn", render_text(VERIFY_TEMPLATE, subgraph(graph, ops), package, rules)),),
        data=(Text("verify.json", json.dumps(data)),),
        time_limit_s=time_limit_s,
    )
    values = next((event.values for event in session.solve(request) if isinstance(event, Solution)), None)
    if values is None:
        return [[] for _ in range(n_chips)]
    found: Refusals = [[] for _ in range(n_chips)]
    for selected in rules:
        holds = np.array(values[f"{selected.name}_holds"], dtype=bool).reshape(n_chips, -1)
        labels = read_labels(selected.rule, values.get(f"{selected.name}_named"), holds.shape[1])
        for partition, instance in np.argwhere(~holds).tolist():
            found[partition].append((selected.name, instance + 1, labels[instance]))
    return found


def _told(
    graph: OpGraph, package: Package, rules: Sequence[SelectedRule], op: int, refusals: Refusals
) -> InfeasibleError:
    """The error that names the op, and the rule that refuses it on most chips."""
    times = {rule.name: sum(any(name == rule.name for name, _, _ in one) for one in refusals) for rule in rules}
    rule = max(times, key=lambda name: times[name])
    chip = next(chip for chip, one in enumerate(refusals) if any(name == rule for name, _, _ in one))
    instance, label = next((instance, label) for name, instance, label in refusals[chip] if name == rule)
    each = np.array([op])
    parameters = {selected.name: selected.use.parameters for selected in rules}
    scene = Scene(subgraph(graph, each), package, np.array([chip]), op_io_bytes(graph, package)[each], parameters)
    why = witness(scene, rule, instance, label).text
    where = "on every chip" if times[rule] == package.n_chips else f"on {times[rule]} of {package.n_chips} chips"
    name = graph.op_names[op]
    return InfeasibleError(f"the op '{name}' fits no chip: {rule} refuses it {where} ({why})", rule=rule, op=name)
