"""Which of several threads goes first where there are more of them than processors."""

from __future__ import annotations

import contextlib
import os
import sys
import threading


def yield_more(steps: int) -> None:
    """Raises the niceness of the calling thread and of the processes it will start, where threads have their own.

    Args:
        steps: steps of niceness; three leave about a third of a processor that both want, six a fifth.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice + steps)
