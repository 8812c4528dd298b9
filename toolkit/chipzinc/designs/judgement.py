"""A design, whole or in part, against every rule: which instances are violated, and who is to blame.

MiniZinc's arrays give the verdict. Of a design in part an instance counts as violated only if it is, whatever the
open ops do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chipzinc.designs.part import carries
from chipzinc.designs.witness import Scene, Witness, witness
from chipzinc.errors import SolverError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.subgraph import subgraph
from chipzinc.hardware.demand import op_io_bytes
from chipzinc.hardware.package import Package
from chipzinc.render.blame import blaming
from chipzinc.render.data import part_data, problem_data
from chipzinc.render.model import VERIFY_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.labels import read_labels
from chipzinc.solve import Session, Solution, SolveRequest, Text
from chipzinc.verify import Verdict, Violation, verify

OPEN_TEMPLATE = "verify_open.mzn.j2"


@dataclass(frozen=True)
class Fault:
    """A violated instance with its witness; ops are numbered as in the whole graph."""

    violation: Violation
    witness: Witness

    @property
    def hard(self) -> bool:
        """Whether it makes the design invalid."""
        return self.violation.soft_weight is None


@dataclass(frozen=True)
class Judgement:
    """What the rules say of a design.

    Attributes:
        faults: the violated instances, by rule, the rule with most of them first, and within it the worst first; hard
            rules before soft ones.
        counts: number of violated instances by rule, rules without any included.
        n_open: ops that the design leaves open.
    """

    faults: tuple[Fault, ...]
    counts: dict[str, int]
    n_open: int

    @property
    def valid(self) -> bool:
        """Whether no hard rule is violated, as far as the design goes."""
        return not any(fault.hard for fault in self.faults)

    @property
    def penalty(self) -> float:
        """Sum of the penalties of violated soft instances."""
        return sum(fault.violation.soft_weight or 0.0 for fault in self.faults)


def judge_design(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    chips: IntArray,
    *,
    solver: str = "gecode",
    time_limit_s: float | None = None,
) -> Judgement:
    """Judges a design by every rule.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the rules.
        chips: chip of each op, -1 where the design leaves it open, shape [op].
        solver: solver that computes what MiniZinc leaves open in a rule's array, which for most rules is nothing.
        time_limit_s: wall-clock limit of one solver call.

    Raises:
        SolverError: if the rules could not be evaluated.
    """
    given = np.flatnonzero(chips >= 0)
    counts = {selected.name: 0 for selected in rules}
    if len(given) == graph.n_ops:
        (verdict,) = verify(session, graph, package, rules, chips[None], solver=solver, time_limit_s=time_limit_s)
        faults = annotate(graph, package, rules, chips, verdict)
    elif len(given):
        faults = _judge_part(session, graph, package, rules, chips, given, solver, time_limit_s)
    else:
        faults = []
    for fault in faults:
        counts[fault.violation.rule] += 1
    return Judgement(tuple(_worst_first(faults, counts)), counts, graph.n_ops - len(given))


def annotate(
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    chips: IntArray,
    verdict: Verdict,
    *,
    reluctance: IntArray | None = None,
) -> list[Fault]:
    """The violated instances of a whole partition with their witnesses.

    Args:
        graph: the graph.
        package: the package.
        rules: the rules that judged.
        chips: chip of each op, shape [op].
        verdict: what they said.
        reluctance: which ops to blame last, as `Scene` says, shape [op].
    """
    if not verdict.violations:
        return []
    scene = replace(_scene(graph, package, rules, chips, op_io_bytes(graph, package)), reluctance=reluctance)
    return [Fault(v, witness(scene, v.rule, v.instance, v.label, v.overflow)) for v in verdict.violations]


def _scene(
    graph: OpGraph, package: Package, rules: Sequence[SelectedRule], chips: IntArray, io_bytes: IntArray
) -> Scene:
    return Scene(graph, package, chips, io_bytes, {selected.name: selected.use.parameters for selected in rules})


def _judge_part(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    chips: IntArray,
    given: IntArray,
    solver: str,
    time_limit_s: float | None,
) -> list[Fault]:
    """Hereditary rules judge the given ops by themselves, the others the whole graph with open ops open."""
    inside = [selected for selected in rules if carries(selected)]
    others = [selected for selected in rules if selected not in inside]
    faults: list[Fault] = []
    if inside:
        part = subgraph(graph, given)
        scene = _scene(part, package, rules, chips[given], op_io_bytes(graph, package)[given])
        found = violated_on(session, graph, package, inside, chips, given, solver=solver, time_limit_s=time_limit_s)
        faults += [Fault(v, _renumbered(witness(scene, v.rule, v.instance, v.label), given)) for v in found]
    if others:
        data = problem_data(graph, package, others) | {"design": chips.tolist()}
        text = render_text(OPEN_TEMPLATE, graph, package, others)
        scene = _scene(graph, package, rules, chips, op_io_bytes(graph, package))
        found = _violations(session, text, data, others, solver, time_limit_s)
        faults += [Fault(v, witness(scene, "", v.instance, v.label)) for v in found]
    return faults


def violated_on(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: Sequence[SelectedRule],
    chips: IntArray,
    ops: IntArray,
    *,
    solver: str = "gecode",
    time_limit_s: float | None = None,
) -> list[Violation]:
    """Instances that some ops violate by themselves, and so in every partition that leaves them where they are.

    Args:
        session: where to solve.
        graph: the whole graph.
        package: the package.
        rules: rules that carry over from a part of the graph to the whole.
        chips: chip of each op of the graph, shape [op]; only those of `ops` are read.
        ops: the part, increasing, shape [kept].
        solver: as for `judge_design`.
        time_limit_s: wall-clock limit.

    Raises:
        SolverError: if the rules could not be evaluated.
    """
    data = part_data(graph, package, rules, ops) | {
        "n_partitions": 1,
        "partition": [chips[ops].tolist()],
        "with_labels": True,
    }
    text = render_text(VERIFY_TEMPLATE, graph, package, rules)
    return _violations(session, text, data, rules, solver, time_limit_s)


def _violations(
    session: Session,
    text: str,
    data: dict[str, object],
    rules: Sequence[SelectedRule],
    solver: str,
    time_limit_s: float | None,
) -> list[Violation]:
    request = SolveRequest(
        solver=solver,
        models=(Text("verify.mzn", text),),
        data=(Text("verify.json", json.dumps(data)),),
        time_limit_s=time_limit_s,
    )
    with blaming(rules, text):
        values = next((event.values for event in session.solve(request) if isinstance(event, Solution)), None)
    if values is None:
        raise SolverError("the rules gave no verdict: an array of a rule has no value for the design")
    found = []
    for selected in rules:
        holds = np.array(values[f"{selected.name}_holds"], dtype=bool)
        labels = read_labels(selected.rule, values.get(f"{selected.name}_named"), len(holds))
        for instance in np.flatnonzero(~holds).tolist():
            found.append(Violation(selected.name, instance + 1, labels[instance], selected.use.soft_weight))
    return found


def _renumbered(found: Witness, ops: IntArray) -> Witness:
    """A witness of a part with ops numbered as in the whole graph."""
    return Witness(
        found.text,
        tuple(int(ops[op]) for op in found.ops),
        found.chips,
        found.demand,
        found.limit,
        found.unit,
        tuple(int(ops[op]) for op in found.related),
    )


def _worst_first(faults: Sequence[Fault], counts: dict[str, int]) -> list[Fault]:
    def severity(fault: Fault) -> tuple[bool, int, str, float]:
        rule = fault.violation.rule
        return (not fault.hard, -counts[rule], rule, -(fault.witness.excess or 0))

    return sorted(faults, key=severity)
