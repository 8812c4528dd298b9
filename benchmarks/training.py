"""Samples a second of training: PPO with the solver in the loop, on training graphs drawn at random, by toolchain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.common import print_table, save, toolchains
from chipzinc.solve.toolchain import ENVIRONMENT

UPDATES = 60
GOALS = {"embedded": 8.0}
COLUMNS = ("toolchain", "solver", "updates", "samples", "seconds", "samples/s", "goal")


def main() -> None:
    """Prints the table."""
    found = toolchains()
    rows = []
    for kind in found:
        ran = trained(kind)
        row = (kind, "chuffed", ran["updates"], ran["samples"], ran["seconds"], ran["samples_per_s"])
        rows.append((*row, GOALS.get(kind, "")))
    print_table("Training: every training graph on mcm16-ring and mcm36-ring, one drawn an update", COLUMNS, rows)
    save("training", [dict(zip(COLUMNS, each, strict=True)) for each in rows])


def trained(kind: str) -> dict[str, float]:
    """What `chipzinc train` says of a short run with a toolchain."""
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT or kind == "native"}
    with tempfile.TemporaryDirectory() as folder:
        words = [str(Path(sys.executable).with_name("chipzinc")), "train", "-o", f"{folder}/run", "--json"]
        words += ["--begin", "plain", "--variations", "0", "--imitation", "0", "--updates", str(UPDATES)]
        ran = subprocess.run([*words, "--teach", "0.05s"], env=environment, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))


if __name__ == "__main__":
    main()
