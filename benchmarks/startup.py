"""How long `chipzinc --help` takes, beside a Python that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.common import print_table, save

RUNS = 11
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "chipzinc --help": [sys.executable, "-m", "chipzinc", "--help"],
}


def seconds(command: list[str]) -> list[float]:
    """Wall times of several runs, after one that does not count."""
    times = []
    for _ in range(RUNS + 1):
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - begin)
    return times[1:]


def main() -> None:
    """Prints the table."""
    rows = [
        (name, min(times), statistics.median(times)) for name, times in ((n, seconds(c)) for n, c in COMMANDS.items())
    ]
    print_table("Start (goal: 0.3 s)", ("command", "least s", "median s"), rows)
    save("startup", rows)


if __name__ == "__main__":
    main()
