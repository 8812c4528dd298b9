"""Ends solver processes whose owner is gone: reads session numbers on stdin and kills what is left when it closes.

Runs as a script of its own, without the toolkit, so that it survives whatever ends its owner. One number a line: a
session to watch, or, negative, one that ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

_PROC = Path("/proc")
_TRY_S = 2.0


def kill_session(session: int) -> None:
    """Kill every process of a session; where the system does not list processes, its first process group."""
    if not (_PROC / "self" / "stat").exists():
        with contextlib.suppress(OSError):
            os.killpg(session, signal.SIGKILL)
        return
    end = time.monotonic() + _TRY_S
    # Again until none is left: a process could start another while the list is read.
    while members := session_members(session):
        for process in members:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if time.monotonic() > end:
            return
        time.sleep(0.001)


def session_members(session: int) -> list[int]:
    """Return the numbers of the live processes of a session; one that waits to be reaped is not alive."""
    members = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The program's name stands in parentheses and may hold anything, spaces and parentheses too.
                state, _parent, _group, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(its_session) == session and state not in "ZX":
                    members.append(int(entry.name))
    return members


def main() -> None:
    """Watch until stdin closes, then kill."""
    # Sent to the owner's group by a terminal or a job system; the guard must see its owner out.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    watched: set[int] = set()
    for line in sys.stdin:
        number = int(line)
        if number > 0:
            watched.add(number)
        else:
            watched.discard(-number)
    for session in watched:
        kill_session(session)


if __name__ == "__main__":
    main()
