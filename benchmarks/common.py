"""Tables with the machine and the versions above them, and the toolchains that benchmarks compare."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Any

import platformdirs

from chipzinc.errors import SolverError
from chipzinc.solve import Toolchain, find_toolchain
from chipzinc.solve.toolchain import ENVIRONMENT

OUTPUT = Path(__file__).parent / "out"
PACKAGES = ("numpy", "scipy", "minizinc")


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def toolchains() -> dict[str, Toolchain]:
    """The embedded MiniZinc, and a native one: the environment's, PATH's, or what native_toolchain.py unpacked."""
    unpacked = Path(platformdirs.user_cache_dir("chipzinc")) / "native-trixie" / "bin" / "minizinc"
    if ENVIRONMENT not in os.environ and unpacked.exists():
        os.environ[ENVIRONMENT] = str(unpacked)
    found = {}
    for kind in ("native", "embedded"):
        try:
            found[kind] = find_toolchain("chuffed", prefer=kind)
        except SolverError as error:
            print(f"no {kind} toolchain: {error}")
    return found


class PeakMemory:
    """Watches the memory of this process and of all that it has running, while it is entered.

    Attributes:
        highest_mb: most resident memory seen at a time, in MB; 0 where the system does not tell.
    """

    def __init__(self) -> None:
        self.highest_mb = 0.0
        self._over = Event()
        self._watch = Thread(target=self._look, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self.highest_mb = max(self.highest_mb, _resident_mb())


def _resident_mb() -> float:
    """Resident memory of this process and its descendants, in MB."""
    parent: dict[int, int] = {}
    pages: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            pages[int(folder.name)] = int((folder / "statm").read_text().split()[1])
        except (OSError, ValueError):
            continue
    ours: set[int] = set()
    more = {os.getpid()}
    while more:
        ours |= more
        more = {child for child, above in parent.items() if above in ours} - ours
    return sum(pages.get(each, 0) for each in ours) * os.sysconf("SC_PAGE_SIZE") / 1e6


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Prints a Markdown table."""
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(columns), *shown]) for at in range(len(columns))]
    print(f"\n## {title}\n")
    for line in (columns, ["-" * width for width in widths], *shown):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |", flush=True)


def _shown(cell: Any) -> str:
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)


def save(name: str, figures: Any) -> None:
    """Keeps figures as JSON with the machine they are from."""
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / f"{name}.json").write_text(json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n")
