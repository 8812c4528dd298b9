"""Reads what a FlatZinc solver prints: assignments, a line of dashes after each solution, a closing line.

Must not know where the lines come from, nor of MiniZinc's own JSON stream.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from typing import Any

from chipzinc.errors import SolverError
from chipzinc.solve.request import Event, FlatModel, Solution, Statistics

#: What FlatZinc solvers print when they end without a proof of their last solution.
STATUSES = {
    "=====UNSATISFIABLE=====": "UNSATISFIABLE",
    "=====UNBOUNDED=====": "UNBOUNDED",
    "=====UNSATorUNBOUNDED=====": "UNSAT_OR_UNBOUNDED",
    "=====UNKNOWN=====": "UNKNOWN",
    "=====ERROR=====": "ERROR",
}
_COUNTER = "%%%mzn-stat: "


class FlatZincReader:
    """Turns the lines of one run into events, as `stream.read_line` does for MiniZinc's stream."""

    def __init__(self, flat: FlatModel) -> None:
        self._complete = "ALL_SOLUTIONS" if flat.is_satisfaction else "OPTIMAL_SOLUTION"
        self._assignments: list[str] = []

    def read(self, line: str, seconds: float) -> Event | str | None:
        """Return the event that a line completes, a status word, or None.

        Raises:
            SolverError: the line is none that FlatZinc solvers print.
        """
        text = line.strip()
        if text == "----------":
            values = read_dzn("\n".join(self._assignments))
            self._assignments = []
            return Solution(values, seconds)
        if text == "==========":
            return self._complete
        if text in STATUSES:
            return STATUSES[text]
        if text.startswith(_COUNTER):
            name, _, value = text.removeprefix(_COUNTER).partition("=")
            return Statistics({name: _number(value)}, seconds)
        if text.startswith("%"):
            return None
        if not self._assignments and _NAME.match(text) is None:
            raise nonsense(text)
        self._assignments.append(text)
        return None


class Restored:
    """Gives solutions of a compiled model back what compiling took out: fixed variables, and dimensions of arrays.

    Args:
        reader: reads the solver's lines.
        output: the output model that MiniZinc writes beside FlatZinc, over numbers and booleans.
    """

    def __init__(self, reader: Callable[[str, float], Event | str | None], output: str) -> None:
        self._reader = reader
        shown = set(_SHOWN.findall(output))
        self._definitions = {name: value for name, value in _DEFINITION.findall(output) if name in shown}
        fixed = [name for name, value in self._definitions.items() if not _WORD.search(_SHAPE.sub("", value))]
        self._fixed = read_dzn("\n".join(f"{name} = {self._definitions.pop(name)};" for name in fixed))

    def read(self, line: str, seconds: float) -> Event | str | None:
        """Return what the reader returns, solutions with all that the model's own text calls by name."""
        event = self._reader(line, seconds)
        if not isinstance(event, Solution):
            return event
        said = event.values

        def known(word: re.Match[str]) -> str:
            return json.dumps(said[word[0]]) if word[0] in said else word[0]

        made: dict[str, Any] = {}
        for name, value in self._definitions.items():
            with contextlib.suppress(SolverError):  # what only MiniZinc could evaluate stays out
                made |= read_dzn(f"{name} = {_WORD.sub(known, value)};")
        own = {name: value for name, value in said.items() if not _made(name)}
        return Solution({**own, **self._fixed, **made}, seconds)


def _made(name: str) -> bool:
    return name.startswith("X_INTRODUCED_")


def nonsense(text: str) -> SolverError:
    """Return the error for output that nothing here can read."""
    return SolverError(f"the solver said something that is not MiniZinc's protocol: {text[:120]!r}")


def _number(text: str) -> float | str:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text.strip('"')


_DEFINITION = re.compile(r"^(?:array \[[^]]*\] of )?(?:set of )?[^:;\n\"(]+: *(\w+) = ([^;\n]*);$", re.MULTILINE)
_SHOWN = re.compile(r'\\"(\w+)\\" : ')
_WORD = re.compile(r"[A-Za-z_]\w*")
_SHAPE = re.compile(r"\b(?:array\dd|true|false)\b")
_NAME = re.compile(r"\w+\s*=")
_ITEM = re.compile(r"\s*(\w+)\s*=\s*([^;]*);")
_ARRAY = re.compile(r"array(\d)d\(((?:\s*-?\d+\s*\.\.\s*-?\d+\s*,)+)\s*(\[.*\])\s*\)\s*$", re.DOTALL)
_RANGE = re.compile(r"(-?\d+)\s*\.\.\s*(-?\d+)")


def read_dzn(text: str) -> dict[str, Any]:
    """Read the assignments that solvers print for FlatZinc: numbers, booleans, sets and (multi-dimensional) arrays."""
    return {name: _dzn_value(value.strip()) for name, value in _ITEM.findall(text)}


def _dzn_value(text: str) -> Any:
    array = _ARRAY.match(text)
    if array:
        flat = _dzn_list(array[3])
        sizes = [int(high) - int(low) + 1 for low, high in _RANGE.findall(array[2])]
        for size in reversed(sizes[1:]):
            flat = [flat[start : start + size] for start in range(0, len(flat), size)] if size else []
        return flat
    if text.startswith("["):
        return _dzn_list(text)
    if text.startswith("{"):
        return frozenset(json.loads(f"[{text[1:-1]}]"))
    span = _RANGE.fullmatch(text)
    if span:
        return frozenset(range(int(span[1]), int(span[2]) + 1))
    try:
        return json.loads(text)
    except ValueError:
        raise SolverError(f"the solver printed a value that is none of FlatZinc's: {text[:80]!r}") from None


def _dzn_list(text: str) -> list[Any]:
    if "{" in text or ".." in text:
        return [_dzn_value(part) for part in re.findall(r"\{[^}]*\}|-?\d+\s*\.\.\s*-?\d+", text)]
    try:
        found: list[Any] = json.loads(text)
    except ValueError:
        raise SolverError(f"the solver printed an array that is none of FlatZinc's: {text[:80]!r}") from None
    return found
