"""The exact number of valid partitions of a small graph, listed by a solver."""

from __future__ import annotations

import json

import numpy as np

from chipzinc.correct.overflow import DYNAMIC_MEMORY_RULE
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.blame import blaming
from chipzinc.render.data import problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, render_text
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text
from chipzinc.throughput.memory import MemoryModel

MOST_ASSIGNMENTS = 2**30
"""A graph with more assignments is not counted: their numbers would overflow a solver's integers."""

MOST_LISTED = 100_000
"""Counting ends where more are valid."""


def count_valid(
    session: Session,
    graph: OpGraph,
    package: Package,
    rules: tuple[SelectedRule, ...],
    *,
    solver: str = "gecode",
    time_limit_s: float | None = None,
) -> int | None:
    """The number of partitions of the ops that keep hard rules; None where it cannot be counted in time.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the rules, all hard.
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit.

    Raises:
        InputError: if a rule or its parameters are wrong.
        SolverError: if the solver fails.
    """
    if package.n_chips**graph.n_ops > MOST_ASSIGNMENTS:
        return None
    text = render_text(PARTITION_TEMPLATE, graph, package, rules, search="count")
    request = SolveRequest(
        solver=solver,
        models=(Text("count.mzn", text),),
        data=(Text("count.json", json.dumps(problem_data(graph, package, rules))),),
        time_limit_s=time_limit_s,
        statistics=False,
    )
    listed: list[list[int]] = []
    with blaming(rules, text):
        for event in session.solve(request):
            if isinstance(event, Solution):
                listed.append(event.values["group_chip"])
                if len(listed) > MOST_LISTED:
                    return None
            elif isinstance(event, Status) and not event.conclusive:
                return None
    return _fitting(graph, package, rules, np.array(listed, dtype=np.int64).reshape(len(listed), graph.n_ops))


def _fitting(graph: OpGraph, package: Package, rules: tuple[SelectedRule, ...], listed: IntArray) -> int:
    """How many of the listed partitions fit their chips' memory at every time, where a rule asks for it."""
    if not len(listed) or all(selected.name != DYNAMIC_MEMORY_RULE for selected in rules):
        return len(listed)
    memory = MemoryModel(graph, package)
    need = memory.peaks(listed) + (memory.weights(listed) if package.weights == "resident" else 0)
    return int((need <= package.sram_bytes).all(axis=1).sum())
