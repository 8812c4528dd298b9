"""Reads what a FlatZinc solver prints: assignments, a line of dashes after each solution, a closing line.

Must not know where the lines come from, nor of MiniZinc's own JSON stream.
"""

from __future__ import annotations

import json
import re
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


def nonsense(text: str) -> SolverError:
    """Return the error for output that nothing here can read."""
    return SolverError(f"the solver said something that is not MiniZinc's protocol: {text[:120]!r}")


def _number(text: str) -> float | str:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text.strip('"')


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
