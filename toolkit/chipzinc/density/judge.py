"""The rules' own arrays as judge of drawn partitions, whole ones and the beginnings of them.

A beginning is judged by the rules that carry over from a part of the graph to the whole, on its last ops and those they
read: what is invalid there stays so. Knows no rule.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.data import part_data
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session
from chipzinc.verify import evaluate_rules, verify

WINDOW = 96
"""Ops that are looked at again, before the new ones."""


class RuleJudge:
    """Judges by MiniZinc; what occurs twice is asked once.

    Args:
        session: where to solve.
        graph: the graph.
        package: the package.
        rules: the rules, all hard.
        solver: solver that computes what MiniZinc leaves open in a rule's array.
    """

    def __init__(
        self, session: Session, graph: OpGraph, package: Package, rules: tuple[SelectedRule, ...], solver: str
    ) -> None:
        self._session, self._graph, self._package, self._rules = session, graph, package, rules
        self._solver = solver
        self._carried = tuple(selected for selected in rules if selected.rule.carries_over)

    def may_hold(self, begin: int, end: int, chips: IntArray) -> BoolArray:
        """See `walk.Judge`."""
        if not self._carried:
            return np.ones(len(chips), dtype=np.bool_)
        near = np.arange(max(0, begin - WINDOW), end)
        edges = self._graph.edges
        read = edges[(edges[:, 1] >= begin) & (edges[:, 1] < end), 0]
        ops = np.union1d(near, read)
        data = part_data(self._graph, self._package, self._carried, ops)
        return _distinct(chips[:, ops], lambda rows: self._kept(data, rows))

    def holds(self, chips: IntArray) -> BoolArray:
        """See `walk.Judge`."""
        return _distinct(chips, self._valid)

    def _kept(self, data: dict[str, object], rows: IntArray) -> BoolArray:
        args = (self._session, self._graph, self._package, self._carried, data, rows, self._solver)
        values = evaluate_rules(*args)
        good = np.ones(len(rows), dtype=np.bool_)
        for selected in self._carried:
            good &= np.array(values[f"{selected.name}_holds"], dtype=np.bool_).reshape(len(rows), -1).all(axis=1)
        return good

    def _valid(self, rows: IntArray) -> BoolArray:
        verdicts = verify(self._session, self._graph, self._package, self._rules, rows, solver=self._solver)
        return np.array([verdict.valid for verdict in verdicts], dtype=np.bool_)


def _distinct(rows: IntArray, ask: Callable[[IntArray], BoolArray]) -> BoolArray:
    different, place = np.unique(rows, axis=0, return_inverse=True)
    return ask(different)[place.ravel()]
