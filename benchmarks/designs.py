"""Seconds to verify, explain and repair designs of BERT-Large on mcm36-ring, at op level, with the four seed rules.

`cold` is a process from its start to its end; `warm` is one more judgement in a process that has a MiniZinc running, as
`verify --watch` makes them. The designs are the partition of hints `slice`, the same with 1 % of its ops on chips drawn
uniformly, and one drawn uniformly as a whole, which violates what there is to violate.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_table, save
from chipzinc.designs.judgement import judge_design
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HintContext, slice_hint
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session

GRAPH, PACKAGE = "bert-large", "mcm36-ring"
WRONG_SHARE, SEEDS = 0.01, (0, 1, 2)
WARM_RUNS = 3
GOALS_S = {"verify, cold": 3.0, "verify, warm": 1.0, "explain": 30.0, "repair": 30.0}
COLUMNS = ("what", "design", "s", "goal s", "said")


def main() -> None:
    """Prints the table."""
    graph, package = load_zoo_graph(GRAPH), load_spec(PACKAGE)
    groups = group_ops(graph, package)
    valid = groups.expand(slice_hint(HintContext(graph, package, groups)))
    designs = {"valid": valid} | {f"1 % wrong, seed {seed}": disturbed(valid, package.n_chips, seed) for seed in SEEDS}
    designs["uniform"] = np.random.default_rng(0).integers(0, package.n_chips, graph.n_ops)
    rows: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory() as folder, Session(solver="gecode", prefer="embedded") as session:
        for name, chips in designs.items():
            plan = written(Path(folder) / "design.json", graph, chips)
            seconds, answer = asked("verify", plan)
            rows.append(("verify, cold", name, seconds, GOALS_S["verify, cold"], violations(answer)))
            rules, faults = selected_rules(package), 0
            took = []
            for _ in range(1 + WARM_RUNS):
                begin = time.perf_counter()
                faults = len(judge_design(session, graph, package, rules, chips).faults)
                took.append(time.perf_counter() - begin)
            rows.append(
                ("verify, warm", name, float(np.median(took[1:])), GOALS_S["verify, warm"], f"{faults} violations")
            )
            if "wrong" in name:
                for command in ("explain", "repair"):
                    seconds, answer = asked(command, plan)
                    rows.append((command, name, seconds, GOALS_S[command], said(command, answer)))
    print(f"load: {os.getloadavg()[0]:.1f}")
    print_table(f"Designs: {GRAPH} ({graph.n_ops} ops), {PACKAGE}", COLUMNS, rows)
    save("designs", [dict(zip(COLUMNS, row, strict=True)) for row in rows])


def disturbed(valid: IntArray, n_chips: int, seed: int) -> IntArray:
    """The design with some ops elsewhere."""
    rng = np.random.default_rng(seed)
    wrong = rng.choice(len(valid), round(WRONG_SHARE * len(valid)), replace=False)
    chips = valid.copy()
    chips[wrong] = (valid[wrong] + rng.integers(1, n_chips, len(wrong))) % n_chips
    return chips


def written(file: Path, graph: OpGraph, chips: IntArray) -> Path:
    """A design in a file."""
    assignment = dict(zip(graph.op_names, chips.tolist(), strict=True))
    file.write_text(json.dumps({"graph": {"name": GRAPH}, "hardware": PACKAGE, "assignment": assignment}))
    return file


def asked(command: str, plan: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of a command in a process of its own, and its answer."""
    begin = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "chipzinc", command, str(plan), "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    return time.perf_counter() - begin, json.loads(ended.stdout)


def violations(answer: dict[str, Any]) -> str:
    """What verify says, in short."""
    return f"{len(answer['violations'])} violations"


def said(command: str, answer: dict[str, Any]) -> str:
    """What explain or repair says, in short."""
    if answer.get("error"):
        return str(answer["error"])
    if command == "repair":
        proof = "proven least" if answer["proven"] else f"gap {answer['moved'] - answer['bound']} ops"
        return f"{answer['moved']} ops moved, at least {answer['bound']}: {proof}"
    minimal = sum(conflict["minimal"] for conflict in answer["conflicts"])
    return f"{minimal} of {len(answer['conflicts'])} conflicts minimal, {len(answer['suggestions'])} suggestions"


if __name__ == "__main__":
    main()
