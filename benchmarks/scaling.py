"""Time and memory against the size of a graph: copies of BERT-Large's middle, end to end, on mcm36-ring.

Each size runs in a process of its own, so that its peak memory is its own; MiniZinc's processes count too. The
package is mcm36-ring with as much SRAM as the weights need, since 10,000 ops of BERT do not fit 36 x 32 MiB.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.common import OUTPUT, print_table, save
from chipzinc.graph.opgraph import Incidence, OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import hint_source
from chipzinc.recipe import partition
from chipzinc.solve import Session

SIZES = (300, 1_000, 3_000, 10_000)
SAMPLES = 5
COLUMNS = ("ops", "groups", "seconds", "of it solving", "ms a group", "peak MB", "gap")


def stacked(graph: OpGraph, n_ops: int) -> OpGraph:
    """A graph of about `n_ops` ops: whole copies and a part of one, where each reads what the one before wrote last."""
    copies, rest = divmod(n_ops, graph.n_ops)
    parts = [graph] * copies + ([prefix(graph, rest)] if rest > 1 else [])
    return chained(parts, f"{graph.name}-{n_ops}")


def prefix(graph: OpGraph, n_ops: int) -> OpGraph:
    """The first ops of a graph."""
    tensors: list[int] = np.flatnonzero(graph.tensor_producer < n_ops).tolist()
    weights = [w for w in range(len(graph.weight_elements)) if (graph.weight_users[w] < n_ops).any()]
    return dataclasses.replace(
        graph,
        op_names=graph.op_names[:n_ops],
        op_kinds=graph.op_kinds[:n_ops],
        op_flops=graph.op_flops[:n_ops],
        op_free=graph.op_free[:n_ops],
        tensor_producer=graph.tensor_producer[tensors],
        tensor_elements=graph.tensor_elements[tensors],
        tensor_bits=graph.tensor_bits[tensors],
        tensor_consumers=Incidence.from_rows([[o for o in graph.tensor_consumers[t] if o < n_ops] for t in tensors]),
        weight_elements=graph.weight_elements[weights],
        weight_bits=graph.weight_bits[weights],
        weight_users=Incidence.from_rows([[o for o in graph.weight_users[w] if o < n_ops] for w in weights]),
    )


def chained(parts: list[OpGraph], name: str) -> OpGraph:
    """Graphs end to end: the first op of each reads the last tensor of the one before."""
    names: list[str] = []
    consumers: list[list[int]] = []
    users: list[list[int]] = []
    producers = []
    for copy, part in enumerate(parts):
        offset = len(names)
        if consumers:
            consumers[-1].append(offset)
        names += [f"{copy}/{op}" for op in part.op_names]
        consumers += [(part.tensor_consumers[t] + offset).tolist() for t in range(part.n_tensors)]
        users += [(part.weight_users[w] + offset).tolist() for w in range(len(part.weight_elements))]
        producers.append(part.tensor_producer + offset)
    return OpGraph(
        name=name,
        op_names=tuple(names),
        op_kinds=tuple(kind for part in parts for kind in part.op_kinds),
        op_flops=np.concatenate([part.op_flops for part in parts]),
        op_free=np.concatenate([part.op_free for part in parts]),
        tensor_producer=np.concatenate(producers),
        tensor_elements=np.concatenate([part.tensor_elements for part in parts]),
        tensor_bits=np.concatenate([part.tensor_bits for part in parts]),
        tensor_consumers=Incidence.from_rows(consumers),
        weight_elements=np.concatenate([part.weight_elements for part in parts]),
        weight_bits=np.concatenate([part.weight_bits for part in parts]),
        weight_users=Incidence.from_rows(users),
    )


def roomy(package: Package, graph: OpGraph) -> Package:
    """The package with SRAM in proportion to the graph's weights, as BERT-Large has it."""
    needed = float(graph.weight_elements.sum()) / 335e6
    return dataclasses.replace(package, sram_bytes=(package.sram_bytes * max(1.0, needed)).astype(np.int64))


def measure(n_ops: int) -> dict[str, float]:
    """One size, in this process."""
    graph = stacked(load_zoo_graph("bert-large"), n_ops)
    package = roomy(load_spec("mcm36-ring"), graph)
    begin = time.perf_counter()
    with Session(solver="chuffed", prefer="embedded") as session:
        found = partition(graph, package, session=session, hints=hint_source("noisy"), samples=SAMPLES)
        seconds, peak = time.perf_counter() - begin, peak_mb()
    groups = found.coarsening.n_groups
    return {
        "ops": graph.n_ops,
        "groups": groups,
        "seconds": seconds,
        "of it solving": found.seconds["solve"],
        "ms a group": 1000 * seconds / groups,
        "peak MB": peak,
        "gap": found.gap or 0.0,
    }


def peak_mb() -> float:
    """Peak resident memory of this process and of those it has running, added up."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if _is_ours(int(status.parent.name)):
            line = next((line for line in text.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
            total += int(line.split()[1])
    return total / 1000


def _is_ours(process: int) -> bool:
    import os

    while process > 1:
        if process == os.getpid():
            return True
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            return False
    return False


def main() -> None:
    """Prints the table and draws the plot."""
    rows = []
    for size in SIZES:
        command = [sys.executable, "-m", "benchmarks.scaling", str(size)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    print_table(
        f"Growth: copies of bert-large, mcm36-ring, {SAMPLES} noisy hints, embedded Chuffed",
        COLUMNS,
        [[row[column] for column in COLUMNS] for row in rows],
    )
    save("scaling", rows)
    plot(rows)


def plot(rows: list[dict[str, float]]) -> None:
    """Seconds and megabytes over groups."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    groups = [row["groups"] for row in rows]
    for axis, column, label in zip(axes, ("seconds", "peak MB"), ("seconds", "peak memory, MB"), strict=True):
        axis.loglog(groups, [row[column] for row in rows], "o-")
        axis.set(xlabel="groups", ylabel=label)
        axis.grid(alpha=0.3, which="both")
    figure.savefig(OUTPUT / "scaling.svg")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
