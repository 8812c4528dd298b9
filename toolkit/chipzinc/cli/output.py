"""What commands print: JSON and tables on stdout, progress on stderr.

Knows no command and no part of the library. rich is loaded only once something is drawn with it.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Sequence
from threading import Lock, Timer
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.status import Status

_NUMBER = re.compile(r"[-+]?[\d,.]+(e[-+]?\d+)?( to [-+]?[\d,.]+)?( ?(%|[KMG]?i?B|[µm]?s))?")


def print_json(answer: dict[str, Any]) -> None:
    """Prints one JSON object on stdout.

    Raises:
        ValueError: the answer holds a NaN or an infinity, which JSON has no word for.
    """
    json.dump(answer, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    sys.stdout.write("\n")
    sys.stdout.flush()


def finite(value: float) -> float | None:
    """A number for JSON; None for an infinite one."""
    return value if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    """NumPy's scalars and arrays, and paths, as JSON knows them."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Prints a table on stdout; columns after the first whose cells are all numbers are aligned right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for at, column in enumerate(columns):
        numbers = all(_is_number(row[at]) for row in rows)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold", no_wrap=numbers)
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        # A file or a pipe has no width: no cell is cut or folded.
        console.width = max(console.width, 240)
    with console.capture() as drawn:  # written by ourselves, since rich would end the process if nobody reads it
        console.print(table)
    sys.stdout.write(drawn.get())
    sys.stdout.flush()


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, with a unit or to another number if need be; names may begin with a digit too."""
    return cell in ("", "-") or _NUMBER.fullmatch(cell) is not None


class Progress:
    """Says on stderr what a long command is doing, once it has taken a while.

    Called with what is being done. On a terminal a spinner shows it; elsewhere it is a line, at most one in a while.

    Args:
        quiet_seconds: how long a while is.
    """

    def __init__(self, quiet_seconds: float = 2.0) -> None:
        self._quiet_seconds = quiet_seconds
        self._lock = Lock()
        self._doing = ""
        self._spoke = time.monotonic()
        self._status: Status | None = None
        self._timer = Timer(quiet_seconds, self._show)
        self._timer.daemon = True

    def __enter__(self) -> Progress:
        self._spoke = time.monotonic()
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._status is not None:
            self._status.stop()

    def __call__(self, doing: str) -> None:
        """Notes what is being done."""
        self._doing = doing
        self._show()

    def _show(self) -> None:
        with self._lock:
            if self._status is not None:
                self._status.update(self._doing)
            elif not self._doing or time.monotonic() < self._spoke + self._quiet_seconds:
                return
            elif sys.stderr.isatty():
                from rich.console import Console

                self._status = Console(stderr=True).status(self._doing)
                self._status.start()
            else:
                self._spoke = time.monotonic()
                print(f"chipzinc: {self._doing}", file=sys.stderr, flush=True)
