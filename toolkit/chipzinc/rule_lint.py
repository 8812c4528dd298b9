"""Checks rule files without solving: `chipzinc rules lint`.

MiniZinc checks the types, in the models that verify and partition would render; where a file has cases, their data is
compiled as well, which finds what only values show. Faults are told at their place in the rule's file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chipzinc.errors import InputError
from chipzinc.hardware.package import RuleUse
from chipzinc.render.blame import blaming
from chipzinc.render.data import problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, VERIFY_TEMPLATE, render_text
from chipzinc.resources import mzn_dir
from chipzinc.rule_tests import trial_of
from chipzinc.rules.cases import RuleCase
from chipzinc.rules.catalogue import Rule, SelectedRule
from chipzinc.rules.types import parse_type
from chipzinc.solve import Message, Session, SolveRequest, Text

_TYPES_ONLY = "--model-check-only"
_UNDEFINED = "undefined result"
"""What MiniZinc warns of at an index out of bounds and the like; that a case's values clash is no fault."""
_BARE = RuleCase(allowed=True, line=1, chips=2, chip={"a": 0, "b": 1}, edges=(("a", "b"),), sram=(10**6,) * 2)


@dataclass(frozen=True)
class Finding:
    """Something about a rule file.

    Attributes:
        severity: an ``error`` keeps the rule from working; a ``warning`` may mean that it says something else.
        message: what, in one line.
        line: 1-based line in the rule's file, where known.
        column: 1-based column, where known.
    """

    severity: Literal["error", "warning"]
    message: str
    line: int | None = None
    column: int | None = None


def lint_rule(session: Session, rule: Rule, *, solver: str = "gecode") -> list[Finding]:
    """Checks a rule file; the first error ends it.

    Args:
        session: where MiniZinc runs.
        rule: the rule.
        solver: the solver to compile for.

    Raises:
        SolverError: if MiniZinc failed for another reason than the rule.
    """
    try:
        _check_declarations(rule)
        cases = rule.cases
        found = dict.fromkeys(
            finding
            for template in (VERIFY_TEMPLATE, PARTITION_TEMPLATE)
            for finding in _compile(session, rule, cases[0] if cases else _BARE, template, solver, bool(cases))
        )
    except InputError as error:
        return [Finding("error", error.message, error.line, error.column)]
    return [*found, *_gaps(rule, cases)]


def refuse_faulty(session: Session, rule: Rule, solver: str) -> None:
    """Raises the error that linting a user's rule finds; rules that ship have none.

    Raises:
        InputError: if the rule has an error, with its place.
    """
    if rule.path.parent == mzn_dir() / "rules":
        return
    for finding in lint_rule(session, rule, solver=solver):
        if finding.severity == "error":
            raise InputError(finding.message, file=rule.path, line=finding.line, column=finding.column)


def _check_declarations(rule: Rule) -> None:
    for parameter in rule.parameters:
        try:
            parse_type(parameter.type)
        except ValueError as error:
            raise InputError(str(error), file=rule.path, line=rule.line_of(f"{rule.name}_{parameter.name}")) from error


def _compile(
    session: Session, rule: Rule, case: RuleCase, template: str, solver: str, with_data: bool
) -> Iterator[Finding]:
    """What MiniZinc says of the rule in one of the models; without data it checks types alone."""
    trial = trial_of(rule, [case])
    rules = (SelectedRule(rule, RuleUse(rule.name, case.parameters)),)
    text = render_text(template, trial.graph, trial.package, rules)
    data: tuple[Text, ...] = ()
    if with_data:
        chips = np.array([list(case.chip.values())])
        values = problem_data(trial.graph, trial.package, rules) | (
            {"n_partitions": 1, "partition": chips.tolist(), "with_labels": True} if template == VERIFY_TEMPLATE else {}
        )
        data = (Text("lint.json", json.dumps(values)),)
    request = SolveRequest(
        solver=solver,
        models=(Text("lint.mzn", text),),
        data=data,
        statistics=False,
        extra_flags=() if with_data else (_TYPES_ONLY,),
    )
    with blaming(rules, text):
        for event in session.solve(request):
            if isinstance(event, Message) and event.file == str(rule.path.resolve()) and _UNDEFINED in event.text:
                yield Finding("warning", event.text, event.line, event.column)


def _gaps(rule: Rule, cases: Sequence[RuleCase]) -> Iterator[Finding]:
    """What a rule should have and can do without."""
    if not rule.doc:
        yield Finding("warning", "no documentation: expected a comment /*** ... */ that says what the rule is for")
    if not rule.has_labels:
        yield Finding("warning", f"no labels: verify would number its instances; expected {rule.name}_labels()")
    for verdict, wanted in (("@allowed", True), ("@refused", False)):
        if not any(case.allowed == wanted for case in cases):
            yield Finding("warning", f"no {verdict} case for `chipzinc rules test`")
