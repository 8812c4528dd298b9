"""`make bench`: every benchmark, or those named on the command line."""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.common import machine

ALL = ("startup", "corrections", "designs", "scaling", "optimise", "training")


def main() -> None:
    """Prints the machine and the tables."""
    for what, value in machine().items():
        print(f"{what}: {value}")
    for name in sys.argv[1:] or ALL:
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
