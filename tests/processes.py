"""What becomes of processes that tests begin; needs a process table in /proc."""

from __future__ import annotations

import time
from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether a process runs on; one that ended and waits for its parent to notice does not."""
    status = Path(f"/proc/{pid}/stat")
    for _ in range(50):
        try:
            if status.read_text().rsplit(")", 1)[1].split()[0] in "ZX":
                return False
        except OSError:
            return False
        time.sleep(0.05)
    return True
