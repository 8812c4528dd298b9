"""Re-checks partitions: the MiniZinc rules judge, and the throughput model adds the memory that time takes.

The only way a partition is called valid. Knows nothing of how it was made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chipzinc.correct.overflow import DYNAMIC_MEMORY_RULE
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.blame import blaming
from chipzinc.render.data import problem_data
from chipzinc.render.model import VERIFY_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.labels import read_labels
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text
from chipzinc.throughput.memory import MemoryModel, Overflow


@dataclass(frozen=True)
class Violation:
    """One instance of a rule that a partition violates.

    Attributes:
        rule: the rule.
        instance: number of the instance in the rule's array, from 1; 0 for one that the throughput model found.
        label: what the rule calls the instance.
        soft_weight: its penalty, None under a hard rule.
        overflow: the tensors that do not fit, where the throughput model found it.
    """

    rule: str
    instance: int
    label: str
    soft_weight: float | None = None
    overflow: Overflow | None = None


@dataclass(frozen=True)
class Verdict:
    """What the rules say of one partition.

    Attributes:
        violations: every violated instance of every rule, in the order of the rules.
        counts: number of violated instances by rule, rules without any included.
    """

    violations: tuple[Violation, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether no hard rule is violated."""
        return all(violation.soft_weight is not None for violation in self.violations)

    @property
    def penalty(self) -> float:
        """Sum of the penalties of violated soft instances."""
        return sum(violation.soft_weight or 0.0 for violation in self.violations)


def verify(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    partitions: IntArray,
    *,
    solver: str = "gecode",
    time_limit_s: float | None = None,
) -> list[Verdict]:
    """Judges partitions by every rule.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the rules.
        partitions: chip of each op, shape [partition, op]; each chip exists.
        solver: solver that computes what MiniZinc leaves open in a rule's array, which for most rules is nothing.
        time_limit_s: wall-clock limit.

    Returns:
        One verdict a partition.

    Raises:
        SolverError: if the rules could not be evaluated.
    """
    if not len(partitions):
        return []
    data = problem_data(graph, package, rules) if rules else {}
    values = evaluate_rules(session, graph, package, rules, data, partitions, solver, time_limit_s, with_labels=True)
    found: list[list[Violation]] = [[] for _ in partitions]
    for selected in rules:
        holds = np.array(values[f"{selected.name}_holds"], dtype=bool).reshape(len(partitions), -1)
        labels = read_labels(selected.rule, values.get(f"{selected.name}_named"), holds.shape[1])
        for partition, instance in np.argwhere(~holds).tolist():
            violation = Violation(selected.name, instance + 1, labels[instance], selected.use.soft_weight)
            found[partition].append(violation)
    for violations, chip in zip(found, partitions, strict=True):
        violations.extend(_dynamic_memory(graph, package, rules, chip))
    names = [selected.name for selected in rules]
    return [
        Verdict(tuple(violations), {name: sum(v.rule == name for v in violations) for name in names})
        for violations in found
    ]


def evaluate_rules(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    data: Mapping[str, Any],
    partitions: IntArray,
    solver: str,
    time_limit_s: float | None = None,
    *,
    with_labels: bool = False,
) -> dict[str, list[bool] | list[str]]:
    """What the rules' arrays say of partitions, as MiniZinc answers: ``<rule>_holds``, one partition after another.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the rules.
        data: the problem's data, of the graph or of a part of it.
        partitions: chip of each op of the data, shape [partition, op].
        solver: as for `verify`.
        time_limit_s: as for `verify`.
        with_labels: whether ``<rule>_named`` is wanted.

    Raises:
        SolverError: if the rules could not be evaluated.
    """
    if not rules:
        return {}
    asked = {**data, "n_partitions": len(partitions), "partition": partitions.tolist(), "with_labels": with_labels}
    text = render_text(VERIFY_TEMPLATE, graph, package, rules)
    request = SolveRequest(
        solver=solver,
        models=(Text("verify.mzn", text),),
        data=(Text("verify.json", json.dumps(asked)),),
        time_limit_s=time_limit_s,
    )
    with blaming(rules, text):
        for event in session.solve(request):
            if isinstance(event, Solution):
                return dict(event.values)
            if isinstance(event, Status) and event.timed_out:
                raise SolverError(f"the rules gave no verdict within the {time_limit_s:.3g} s that were left")
    raise SolverError("the rules gave no verdict: an array of a rule has no value for a given partition")


def _dynamic_memory(graph: OpGraph, package: Package, rules: Sequence[SelectedRule], chip: IntArray) -> list[Violation]:
    memory = [selected for selected in rules if selected.name == DYNAMIC_MEMORY_RULE]
    if not memory:
        return []
    return [
        Violation(
            DYNAMIC_MEMORY_RULE,
            0,
            f"chip {overflow.chip} while {graph.op_names[overflow.op]} runs",
            memory[0].use.soft_weight,
            overflow,
        )
        for overflow in MemoryModel(graph, package).overflows(chip)
    ]
