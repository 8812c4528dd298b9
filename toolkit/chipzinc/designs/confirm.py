"""Which sets of ops violate a rule by themselves, and so wherever all others go: many asked in one solver call.

A witness only suggests such a set; MiniZinc's array decides. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from chipzinc.designs.judgement import Fault, violated_on
from chipzinc.designs.part import Task, carries
from chipzinc.exhaustive import Trial, judge
from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.graph.subgraph import subgraph
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session

Suspects = tuple[SelectedRule, tuple[int, ...]]
"""A rule that carries over from a part to the whole, and ops that may violate it by themselves."""


def suspects(task: Task, faults: Sequence[Fault], cuts: Sequence[tuple[int, ...]], moved: BoolArray) -> list[Suspects]:
    """What to ask about after a partition failed, few ops first: ops that are blamed though all of them stay.

    Of long sets that begin with the same ops one is enough, since moving those may well mend them all.

    Args:
        task: the design.
        faults: what hard rules say against the partition.
        cuts: what is known already.
        moved: ops that the partition moves, shape [op].
    """
    rules = {rule.name: rule for rule in task.rules if rule.hard and carries(rule)}
    found: list[Suspects] = []
    seen = moved.copy()
    for fault in sorted(faults, key=lambda fault: len(fault.witness.ops)):
        ops, rule = fault.witness.ops, rules.get(fault.violation.rule)
        given = bool(ops) and bool((task.design[list(ops)] >= 0).all())
        if rule is None or not given or fault.violation.overflow is not None or ops in cuts:
            continue
        if moved[list(ops)].any() or (len(ops) > 2 and seen[list(ops[:2])].any()):
            continue
        seen[list(ops[:2])] = True
        found.append((rule, ops))
    return found


def clashing(
    session: Session,
    graph: OpGraph,
    package: Package,
    suspects: Sequence[Suspects],
    chips: IntArray,
    *,
    solver: str = "gecode",
) -> list[bool]:
    """Whether each set of ops violates its rule on the part of the graph that they make.

    Args:
        session: where to solve.
        graph: the whole graph.
        package: the package.
        suspects: rules with the ops to ask about.
        chips: chip of each op of the graph, shape [op]; only those of the suspects are read.
        solver: solver that computes what MiniZinc leaves open in a rule's array.

    Raises:
        SolverError: if a rule could not be evaluated.
    """
    sets = [np.array(sorted(ops), dtype=np.int64) for _, ops in suspects]
    together = [at for at, (rule, _) in enumerate(suspects) if _stands_alone(rule)]
    found = dict(zip(together, _judged(session, graph, package, suspects, sets, chips, together, solver), strict=True))
    return [
        found[at] if at in found else bool(violated_on(session, graph, package, [rule], chips, sets[at], solver=solver))
        for at, (rule, _) in enumerate(suspects)
    ]


def _judged(
    session: Session,
    graph: OpGraph,
    package: Package,
    suspects: Sequence[Suspects],
    sets: Sequence[IntArray],
    chips: IntArray,
    chosen: Sequence[int],
    solver: str,
) -> Iterable[bool]:
    trials = [Trial(subgraph(graph, sets[at]), package, (suspects[at][0],), chips[sets[at]][None]) for at in chosen]
    truths = judge(session, trials, solver) if trials else []
    return [not truth.holds[suspects[at][0].name].all() for at, truth in zip(chosen, truths, strict=True)]


def _stands_alone(rule: SelectedRule) -> bool:
    """Whether a part of the graph says all that the rule reads: it names no ops and counts no bytes from outside."""
    names_ops = any("OP" in parameter.type for parameter in rule.rule.parameters)
    return not names_ops and not rule.rule.reads("op_io_size")
