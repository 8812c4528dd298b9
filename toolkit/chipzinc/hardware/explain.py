"""What pydantic refused, as one line that says where it stands in the file and what was expected.

Knows no model's fields. Used for every file of ours that people write.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chipzinc.errors import InputError
from chipzinc.hardware.yaml import Document, FieldPath


def first_problem(
    document: Document, error: ValidationError, known_keys: Callable[[FieldPath], Iterable[str]]
) -> InputError:
    """The refusal that stands first in the file; a missing key comes last, since a misspelt one is missing too.

    Args:
        document: what was validated.
        error: pydantic's refusal.
        known_keys: the keys that may stand where an unknown one does, given its path.
    """
    problems = error.errors(include_url=False, include_input=True)
    missing = [problem["type"] == "missing" for problem in problems]
    located = zip(missing, (_explain(document, problem, known_keys) for problem in problems), strict=True)
    return min(located, key=lambda found: (found[0], found[1].line or 0, found[1].column or 0))[1]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A closing half-sentence that names the nearest known name, or all of them where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; expected one of: {', '.join(names)}"


def _explain(document: Document, problem: ErrorDetails, known_keys: Callable[[FieldPath], Iterable[str]]) -> InputError:
    path = _path_in(document.data, problem["loc"])
    match problem["type"]:
        case "extra_forbidden":
            return document.error(f"unknown key{did_you_mean(str(path[-1]), known_keys(path))}", path, at_key=True)
        case "missing":
            missing = str(problem["loc"][-1])
            return document.error(f"the key '{missing}' is missing", path)
        case "value_error":
            return document.error(problem["msg"].removeprefix("Value error, "), path)
        case _:
            message = problem["msg"].replace("Input should be", "expected").replace("valid dictionary", "mapping")
            return document.error(f"{message}, got {_shown(problem['input'])}", path)


def _path_in(data: Any, loc: tuple[str | int, ...]) -> FieldPath:
    """The part of pydantic's location that exists in the file; tags of unions and missing keys do not."""
    path: list[str | int] = []
    for part in loc:
        inside = isinstance(data, dict) and part in data
        if inside or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            path.append(part)
    return tuple(path)


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool)) else type(value).__name__
    text = {"NoneType": "nothing", "dict": "a mapping", "list": "a list"}.get(text, text)
    return text if len(text) <= 60 else text[:57] + "..."
