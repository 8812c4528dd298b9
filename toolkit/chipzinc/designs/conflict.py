"""`Conflict`: rules, given chips and ops that cannot hold together, as few as can be shown in the time.

Works by deletion in halves (Junker, "QuickXplain", AAAI 2004) over named members, with any solver as the oracle. A
small part of the graph stands for the whole where the rules allow it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from chipzinc.designs.judgement import Fault, violated_on
from chipzinc.designs.part import Task, carries, mend_part
from chipzinc.graph.opgraph import IntArray
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session

Member = TypeVar("Member")


@dataclass(frozen=True, eq=False)
class Conflict:
    """What cannot hold together.

    Attributes:
        rules: the rules, with those entries of their parameters that matter.
        given: ops whose given chips take part, increasing.
        open: ops without a given chip that have no place beside them, increasing.
        minimal: whether it is shown that nothing of it can be left out.
        text: one sentence, where one violated instance is the whole story.
    """

    rules: tuple[SelectedRule, ...]
    given: tuple[int, ...]
    open: tuple[int, ...] = ()
    minimal: bool = False
    text: str | None = None


class Deadline:
    """A point in time past which nothing more is tried."""

    def __init__(self, limit_s: float | None) -> None:
        self._end = None if limit_s is None else time.monotonic() + limit_s

    @property
    def left_s(self) -> float | None:
        """Seconds left, at least a little; None for no limit."""
        return None if self._end is None else max(0.1, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self._end is not None and time.monotonic() >= self._end


def from_fault(session: Session, task: Task, fault: Fault, deadline: Deadline) -> Conflict | None:
    """The conflict behind a violated instance of ops that all have a given chip; None if MiniZinc sees none in them.

    Args:
        session: where to solve.
        task: the design.
        fault: the instance with its witness.
        deadline: when to stop looking for a smaller one.

    Raises:
        SolverError: if the rule could not be evaluated.
    """
    rule = next(selected for selected in task.rules if selected.name == fault.violation.rule)
    ops = [op for op in fault.witness.ops if task.design[op] >= 0]
    if not ops or not carries(rule) or fault.violation.overflow is not None:
        return Conflict((rule,), tuple(sorted(ops)), text=fault.witness.text)

    def clashes(members: Sequence[int]) -> bool | None:
        part: IntArray = np.sort(np.array(members, dtype=np.int64))
        if deadline.passed:
            return None
        return bool(len(part)) and bool(violated_on(session, task.graph, task.package, [rule], task.design, part))

    if not clashes(ops):
        return None
    kept, minimal = _one_by_one(ops, clashes)
    return Conflict((rule,), tuple(sorted(kept)), minimal=minimal, text=fault.witness.text)


def shrink(session: Session, task: Task, ops: Sequence[int], *, solver: str, deadline: Deadline) -> Conflict:
    """A conflict among the rules and some ops that are known to have no place together; given chips stay.

    Rules are left out first, then ops in halves, then entries of the rules' parameters.

    Args:
        session: where to solve.
        task: the design, all of whose given chips are pinned.
        ops: ops that have no place together, as `mend_part` has proven.
        solver: a solver.
        deadline: when to stop looking for a smaller one.

    Raises:
        SolverError: if the solver fails.
    """

    def impossible(rules: Sequence[SelectedRule], members: Sequence[int]) -> bool | None:
        if deadline.passed:
            return None
        if not members or not rules:
            return False
        part = np.sort(np.array(members, dtype=np.int64))
        found = mend_part(session, task, part, solver=solver, rules=rules, time_limit_s=deadline.left_s)
        return found.impossible if found.proven or found.chips is not None else None

    whole = len(ops) == task.graph.n_ops
    used = [rule for rule in task.rules if rule.hard and (whole or carries(rule))]
    used, few_rules = _one_by_one(used, lambda rules: impossible(rules, ops))
    kept, few_ops = list(ops), False
    if all(carries(rule) for rule in used):
        kept, few_ops = quick_explain(list(ops), lambda members: impossible(used, members))
    used, few_entries = _fewer_entries(used, lambda rules: impossible(rules, kept))
    given = tuple(sorted(op for op in kept if task.design[op] >= 0))
    left = tuple(sorted(op for op in kept if task.design[op] < 0))
    return Conflict(tuple(used), given, left, minimal=few_rules and few_ops and few_entries)


def quick_explain(members: list[Member], clash: Callable[[Sequence[Member]], bool | None]) -> tuple[list[Member], bool]:
    """A subset that clashes and, if nothing remained unknown, none of whose members can be left out.

    Args:
        members: members that clash together.
        clash: whether some of them clash; None for unknown, which counts as no.
    """
    unknown = False

    def clashes(some: list[Member]) -> bool:
        nonlocal unknown
        answer = clash(some)
        unknown |= answer is None
        return bool(answer)

    def explain(background: list[Member], grew: bool, some: list[Member]) -> list[Member]:
        if grew and clashes(background):
            return []
        if len(some) == 1:
            return some
        first, second = some[: len(some) // 2], some[len(some) // 2 :]
        of_second = explain(background + first, bool(first), second)
        return explain(background + of_second, bool(of_second), first) + of_second

    kept = explain([], False, members) if members else []
    return kept, not unknown


def _one_by_one(
    members: Sequence[Member], clash: Callable[[Sequence[Member]], bool | None]
) -> tuple[list[Member], bool]:
    """Leaves out each member that the others clash without; whether every answer was known."""
    kept, known = list(members), True
    for member in members:
        without = [other for other in kept if other is not member]
        answer = clash(without)
        known &= answer is not None
        if answer:
            kept = without
    return kept, known


def _fewer_entries(
    rules: list[SelectedRule], clash: Callable[[Sequence[SelectedRule]], bool | None]
) -> tuple[list[SelectedRule], bool]:
    """Leaves entries out of the lists and mappings that rules have as parameters."""
    known = True
    for at, rule in enumerate(rules):
        for name, value in rule.use.parameters.items():
            entries = _entries(value)
            if len(entries) < 2:
                continue

            def with_entries(some: Sequence[Any], at: int = at, name: str = name, value: Any = value) -> bool | None:
                return clash([*rules[:at], _with(rules[at], name, _of(value, some)), *rules[at + 1 :]])

            kept, sure = quick_explain(entries, with_entries)
            known &= sure
            rules[at] = _with(rules[at], name, _of(value, kept))
    return rules, known


def _entries(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(value) if isinstance(value, list) else []


def _of(value: Any, entries: Sequence[Any]) -> Any:
    return dict(entries) if isinstance(value, Mapping) else list(entries)


def _with(rule: SelectedRule, name: str, value: Any) -> SelectedRule:
    return replace(rule, use=replace(rule.use, parameters={**rule.use.parameters, name: value}))
