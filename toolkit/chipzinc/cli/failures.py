"""How a command ends: one line on stderr, a documented exit code, one JSON object where it was asked for.

Below that one line, where the place of the fault is known to the column, stand the line at fault and a caret.

Knows no command. Exit codes: 0 yes; 1 a clear no; 2 bad input; 3 no answer (time limit, solver failure, a defect of
ours); 130 Ctrl-C; 141 the reader of our output went away; 143 ended by SIGTERM.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec

import typer

from chipzinc.cli.output import print_json
from chipzinc.errors import ChipzincError, InfeasibleError, InputError

P = ParamSpec("P")

_SHOWN, _SHOWN_BEFORE = 160, 100
"""Characters of a line that are shown with a caret, and how many of them at most before it."""

BAD_INPUT, NO_ANSWER, INTERRUPTED, NO_READER, TERMINATED = 2, 3, 130, 141, 143


def answers(command: Callable[P, int | None], fields: Sequence[str] = ()) -> Callable[P, int]:
    """Makes a command end with one line and its exit code whatever happens in it.

    Args:
        command: returns its exit code (None is 0) and, where it has ``as_json``, prints one object on stdout.
        fields: what that object always has; null where the command ends without an answer.

    Returns:
        The command, which prints such an object for every exit code but 2 and the interrupted ones.
    """

    @wraps(command)
    def ending(*args: P.args, **kwargs: P.kwargs) -> int:
        as_json = bool(kwargs.get("as_json"))
        try:
            return command(*args, **kwargs) or 0
        except ChipzincError as error:
            return _end(error, str(error), error.exit_code, as_json, fields)
        except BrokenPipeError:
            # Python would flush stdout once more at exit, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return NO_READER
        except OSError as error:
            if error.filename is None:
                return _defect(error, as_json, fields)
            return _end(error, f"{error.filename}: {error.strerror}", BAD_INPUT, as_json, fields)
        except (typer.TyperException, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            return _defect(error, as_json, fields)

    return ending


def run(app: typer.Typer) -> None:
    """Runs the command line and leaves the process with the exit code of what it ran."""
    signal.signal(signal.SIGTERM, _terminate)
    left: list[int] = []
    atexit.register(_leave, left)  # before any other, and so called after all of them
    try:
        status = app(prog_name="chipzinc", standalone_mode=False)
    except typer.TyperException as error:
        status = _say(_usage(error), BAD_INPUT)
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    if status == INTERRUPTED:
        _say("interrupted", INTERRUPTED)
    left.append(status or 0)
    sys.exit(status)


def _leave(left: list[int]) -> None:
    """Ends the process here while a thread still computes: one in native code would abort the interpreter's own end."""
    if left and any(thread.daemon and thread.is_alive() for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(left[0])


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Turns SIGTERM into an exit that runs the clean-up of solver processes."""
    raise SystemExit(TERMINATED)


def _usage(error: typer.TyperException) -> str:
    """What a usage error says, after the name of the command it was made in."""
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = "" if context is None else context.command_path.removeprefix("chipzinc").strip()
    return f"{command}: {text}" if command else text


def _defect(error: Exception, as_json: bool, fields: Sequence[str]) -> int:
    hint = "" if "CHIPZINC_TRACEBACK" in os.environ else " (CHIPZINC_TRACEBACK=1 shows where)"
    return _end(error, f"internal error: {type(error).__name__}: {error}{hint}", NO_ANSWER, as_json, fields)


def _end(error: Exception, line: str, status: int, as_json: bool, fields: Sequence[str]) -> int:
    if "CHIPZINC_TRACEBACK" in os.environ:
        traceback.print_exception(error)
    if as_json and status != BAD_INPUT:
        print_json(dict.fromkeys(fields) | _answer(error, line, status))
    _say(line, status)
    if isinstance(error, InputError):
        print(shown_place(error.file, error.line, error.column), end="", file=sys.stderr)
    return status


def shown_place(file: str | Path | None, line: int | None, column: int | None) -> str:
    """The line of a file with a caret below the column, as two lines; empty where there is nothing to show."""
    if file is None or line is None or column is None:
        return ""
    try:
        with Path(file).open(encoding="utf-8") as lines:
            text = next(itertools.islice(lines, line - 1, None), "").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        return ""
    first = max(0, column - 1 - _SHOWN_BEFORE)
    shown = text[first : first + _SHOWN].expandtabs(1)
    if not shown.isprintable() or column > len(text) + 1:
        return ""
    return f"    {shown}\n    {' ' * (column - 1 - first)}^\n"


def _answer(error: Exception, line: str, status: int) -> dict[str, Any]:
    """The JSON object of a command that found no, or nothing."""
    answer: dict[str, Any] = {"valid": None if status == NO_ANSWER else False, "error": line}
    if isinstance(error, InfeasibleError):
        answer |= {"rule": error.rule, "op": error.op}
    return answer


def _say(line: str, status: int) -> int:
    print(f"chipzinc: error: {' '.join(line.split())}", file=sys.stderr)
    return status
