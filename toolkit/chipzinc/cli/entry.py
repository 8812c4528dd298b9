"""Where the command line begins: Ctrl-C is one line from the first moment, also while the commands are imported.

Imports nothing of the toolkit by itself.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Imports and runs the command line."""
    signal.signal(signal.SIGINT, _leave)
    from chipzinc.cli.app import main as run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


def _leave(signum: int, frame: FrameType | None) -> None:
    """Ends the process where it stands: nothing has been begun that would need an end."""
    os.write(2, b"chipzinc: error: interrupted\n")
    os._exit(130)
