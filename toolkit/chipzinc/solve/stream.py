"""Reads MiniZinc's JSON stream: one line in, one event out, errors raised as the toolkit's own.

Must not know where the lines come from, nor of time limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chipzinc.errors import InputError, SolverError
from chipzinc.solve.flatzinc import STATUSES, nonsense, read_dzn
from chipzinc.solve.request import Event, Message, Solution, Statistics

#: The status word for a run that MiniZinc stopped at its time limit; it tells that as an error while compiling.
TIME_OUT = "TIME_OUT"

#: The library of integer-programming solvers, which defines some constraints where our models define them too.
_LINEAR_LIBRARY = "linear/redefinitions.mzn"

#: What MiniZinc calls the faults of whoever wrote the model or the data, as opposed to faults of the solver.
_MODEL_FAULTS = ("syntax error", "type error", "evaluation error", "include error", "assertion failed", "undefined")


def read_line(line: str, seconds: float, folder: str) -> Event | str | None:
    """Return the event in a line, a status word, or None for what nobody needs (comments, timestamps).

    Args:
        line: one line of the stream.
        seconds: time since the run began, in seconds.
        folder: the folder of held files, left out of file names in messages.

    Raises:
        InputError: the line reports a fault of the model or its data.
        SolverError: the line reports another fault, or is not of the protocol.
    """
    try:
        said = json.loads(line, object_hook=_value)
        kind = said["type"]
    except (ValueError, KeyError, TypeError):
        raise nonsense(line) from None
    if kind == "solution":
        return Solution(_values(said.get("output", {})), seconds)
    if kind == "statistics":
        return Statistics(said["statistics"], seconds)
    if kind == "status":
        return str(said["status"])
    if kind == "error":
        if said.get("what") == "time out":
            return TIME_OUT
        raise error(said, folder)
    if kind == "warning":
        return Message(_one_line(said.get("message", "")), seconds, *_place(said, folder))
    text = str(said.get("value", "")).strip()
    if kind == "stdout" and text in STATUSES:
        # Chuffed inside MiniZinc prints this itself and leaves, where a constraint fails as soon as it is posted.
        return STATUSES[text]
    if kind == "stdout" and text and not text.startswith("%"):
        raise nonsense(text)
    return None


def error(said: Mapping[str, Any], folder: str) -> InputError | SolverError:
    """Return the toolkit's error for an error message of the stream."""
    what = str(said.get("what", "error"))
    text = _one_line(said.get("message", "")) or what
    if said.get("symbols"):
        text = f"{text}: {', '.join(map(str, said['symbols']))}"
    file, line, column = _place(said, folder)
    if "already defined" in text and _LINEAR_LIBRARY in text:
        return SolverError("integer-programming solvers such as HiGHS cannot take these models: use gecode or chuffed")
    if file is None and not any(fault in what for fault in _MODEL_FAULTS):
        return SolverError(f"MiniZinc: {what}: {text}" if what not in text else f"MiniZinc: {text}")
    return InputError(text if what in text else f"{what}: {text}", file=file, line=line, column=column)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def _place(said: Mapping[str, Any], folder: str) -> tuple[str | None, int | None, int | None]:
    """Return file, line and column of a message; the innermost place of a call stack, where it has one."""
    stack = said.get("stack") or []
    for location in (said.get("location"), *(call.get("location") for call in reversed(stack))):
        if isinstance(location, Mapping) and location.get("filename"):
            file = str(location["filename"]).removeprefix(folder.rstrip("/") + "/")
            return file, location.get("firstLine"), location.get("firstColumn")
    return None, None, None


def _value(found: dict[str, Any]) -> Any:
    """Decode MiniZinc's JSON for sets and enum members; other objects stay as they are."""
    if len(found) == 1:
        if "set" in found:
            return frozenset(
                member
                for part in found["set"]
                for member in (range(part[0], part[1] + 1) if isinstance(part, list) else [part])
            )
        if "e" in found:
            return found["e"]
    return found


def _values(output: Mapping[str, Any]) -> dict[str, Any]:
    if "json" in output:
        return dict(output["json"])
    return read_dzn(str(output.get("dzn", output.get("default", ""))))
