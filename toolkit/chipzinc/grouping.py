"""Which ops move together while a partition is searched: coarsening that heeds what the rules say of single ops.

Right whatever it does, since rules see ops; here groups are made such that few of them have to be undone. Knows no
solver.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chipzinc.graph.coarsen import Coarsening, coarsen, refine
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_supported, op_time_us, op_weight_bytes, tensor_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import SelectedRule, selected_rules
from chipzinc.rules.parameters import op_sets, parameter_data


def group_ops(graph: OpGraph, package: Package, *, partition: IntArray | None = None) -> Coarsening:
    """Groups of ops that move together.

    Ops that the package's hard rules treat differently share no group; groups that no chip could hold are split, and so
    are those that a given partition splits.

    Args:
        graph: the graph.
        package: the package, whose rules bind.
        partition: chip of each op, shape [op]; it can then be written with groups without loss.

    Raises:
        InputError: if a rule or its parameters are wrong.
    """
    rules = [selected for selected in selected_rules(package) if selected.hard]
    time_us = op_time_us(graph, package)
    usable = np.isfinite(time_us)
    coarsening = coarsen(
        graph,
        np.where(usable, time_us, 0).sum(axis=1) / np.maximum(1, usable.sum(axis=1)),
        op_weight_bytes=op_weight_bytes(graph, package),
        tensor_bytes=tensor_bytes(graph, package),
        op_class=op_classes(graph, package, rules),
    )
    return refine(graph, coarsening, ops=_too_much(graph, package, rules, coarsening), partition=partition)


def op_classes(graph: OpGraph, package: Package, rules: Sequence[SelectedRule]) -> IntArray:
    """A number for each op; ops of one number are alike to the rules, as far as these single out ops; shape [op].

    Rules single out ops by sets of ops among their parameters, and by the chips that can run them or the pass they
    belong to where they read that.
    """
    columns = [np.zeros(graph.n_ops, dtype=np.bool_)]
    for selected in rules:
        for ops in op_sets(selected, parameter_data(selected, graph, package)):
            columns.append(np.isin(np.arange(1, graph.n_ops + 1), ops))
    if any(selected.rule.reads("op_supported") for selected in rules):
        columns.extend(op_supported(graph, package).T)
    if graph.profile is not None and any(selected.rule.reads("backward_ops") for selected in rules):
        columns.append(graph.profile.op_backward)
    _, classes = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    return classes.reshape(-1)


def _too_much(graph: OpGraph, package: Package, rules: Sequence[SelectedRule], groups: Coarsening) -> IntArray:
    """Ops of groups that no chip could hold: a forecast of what the rules will say, which saves a search in vain."""
    by_name = {selected.name: selected for selected in rules}
    split = np.zeros(groups.n_groups, dtype=np.bool_)
    if "memory_capacity" in by_name:
        need = np.zeros(groups.n_groups, dtype=np.int64)
        np.maximum.at(need, groups.group_of, op_io_bytes(graph, package))
        if package.weights == "resident":
            users = graph.weight_users
            pairs = np.unique(np.stack([groups.group_of[users.ids], users.rows], axis=1), axis=0).reshape(-1, 2)
            np.add.at(need, pairs[:, 0], weight_bytes(graph, package)[pairs[:, 1]])
        split |= need > package.sram_bytes.max()
    if "max_ops_per_chip" in by_name:
        limit = parameter_data(by_name["max_ops_per_chip"], graph, package)["max_ops_per_chip_limit"]
        split |= np.bincount(groups.group_of, minlength=groups.n_groups) > limit
    return np.flatnonzero(split[groups.group_of])
