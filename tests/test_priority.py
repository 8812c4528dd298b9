"""A thread that yields takes the processes along that it starts, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from chipzinc.priority import yield_more


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own")
def test_a_thread_yields_with_the_processes_it_starts() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    seen: list[int] = []

    def work() -> None:
        yield_more(3)
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        started = subprocess.run(
            [sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True, text=True, check=True
        )
        seen.append(int(started.stdout))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [min(before + 3, 19)] * 2
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
