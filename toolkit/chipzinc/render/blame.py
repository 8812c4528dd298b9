"""Errors of a rendered model told where their cause stands: in the rule's own file.

MiniZinc finds a rule that is declared wrongly where it is used, which is in a text that nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from chipzinc.errors import InputError, SolverError
from chipzinc.resources import mzn_dir
from chipzinc.rules.catalogue import Rule, SelectedRule

_PARTS = {
    "": "function array[int] of var bool: {name}(array[OP] of var CHIP: chip)",
    "_enforce": "predicate {name}_enforce(array[OP] of var CHIP: chip)",
    "_labels": "function array[int] of string: {name}_labels()",
}

_ENDLESS = re.compile(r"out of bounds|stack|recursi|memory violation", re.IGNORECASE)
"""What the embedded MiniZinc, or a native one, says when its stack is full."""


@contextmanager
def blaming(rules: Sequence[SelectedRule], text: str) -> Iterator[None]:
    """Moves errors raised inside from the rendered text to the rule file they are about, where there is one.

    Args:
        rules: the rules that the text includes.
        text: the rendered text.

    Raises:
        InputError: the error with its file, line and column where the rule's author can mend it.
        SolverError: MiniZinc's end where it fell into a rule without end, with the rules that may be the cause.
    """
    try:
        yield
    except SolverError as error:
        if not _ENDLESS.search(str(error)):
            raise
        own = [selected.rule for selected in rules if selected.rule.path.parent != mzn_dir() / "rules"]
        called = [str(rule.path) for rule in own if _calls_itself(rule)]
        if not called:
            raise
        message = f"MiniZinc ran out of memory: {' or '.join(called)} seems to call itself without an end"
        raise SolverError(message) from error
    except InputError as error:
        raise _moved(error, [selected.rule for selected in rules], text) from error


def _calls_itself(rule: Rule) -> bool:
    """Whether a function of a rule's file stands in more places than that of its declaration."""
    declared = re.findall(r"\b(?:function\b[^;=]*?:|predicate|test)\s*(\w+)\s*\(", rule.code)
    return any(len(re.findall(rf"\b{name}\s*\(", rule.code)) > 1 for name in declared)


def _moved(error: InputError, rules: Sequence[Rule], text: str) -> InputError:
    for rule in rules:
        if "solve item" in error.message and (place := re.search(r"\bsolve\b", rule.code)):
            return _at(rule, place.start(), "a rule has no solve item: it says what holds, the toolkit what is wanted")
        if str(error.file) in (str(rule.path), str(rule.path.resolve())):
            return InputError(error.message, file=rule.path, line=error.line, column=error.column, field=error.field)
    lines = text.splitlines()
    used = lines[error.line - 1] if error.line and error.line <= len(lines) else ""
    for rule in rules:
        for part in ("_enforce", "_labels", ""):
            name = rule.name + part
            declared = re.search(rf"\b{name}\s*\(", rule.code)
            if declared and re.search(rf"\b{name}\b", f"{error.message} {used}"):
                expected = _PARTS[part].format(name=rule.name)
                return _at(rule, declared.start(), f"type error in a declaration: expected '{expected}'")
    return error


def _at(rule: Rule, offset: int, message: str) -> InputError:
    line = rule.code.count("\n", 0, offset) + 1
    column = offset - (rule.code.rfind("\n", 0, offset) + 1) + 1
    return InputError(message, file=rule.path, line=line, column=column)
