"""Where the command line begins: Ctrl-C is one line from the first moment, also while the commands are imported.

Imports nothing of the toolkit by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Imports and runs the command line."""
    signal.signal(signal.SIGINT, _leave)
    from chipzinc.cli.app import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_stdout()
    run()


def _keep_stdout() -> None:
    """Leaves stdout to Python: what native code writes there, as HiGHS does now and then, is no part of an answer."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or not a file
        said = sys.stdout
        ours = os.dup(said.fileno())
        by_line = said.isatty() or getattr(said, "write_through", False)  # the latter by PYTHONUNBUFFERED
        sys.stdout = os.fdopen(ours, "w", 1 if by_line else -1, encoding=said.encoding, errors=said.errors)
        os.dup2(os.open(os.devnull, os.O_WRONLY), said.fileno())


def _leave(signum: int, frame: FrameType | None) -> None:
    """Ends the process where it stands: nothing has been begun that would need an end."""
    os.write(2, b"chipzinc: error: interrupted\n")
    os._exit(130)
