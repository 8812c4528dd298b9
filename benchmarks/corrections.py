"""Seconds a corrected sample: BERT-Large at op level on mcm36-ring, all four rules, by solver and kind of hint.

`cold` counts compiling the model, as the first batch of a process pays it; `warm` is a second batch, to whose hints
the compiled model is kept. `raw` hints are corrected without the projection onto forward flow, for comparison.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from benchmarks.common import print_table, save, toolchains
from chipzinc.correct.batch import Correction, fix, sample
from chipzinc.correct.problem import Problem
from chipzinc.correct.projection import project_monotone
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HintContext, Noisy, Uniform
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session

SAMPLES = 20
LIMIT_S = 60.0
SOLVERS = (("native", "chuffed"), ("native", "gecode"), ("embedded", "chuffed"), ("embedded", "gecode"))
GOALS = {("native", "chuffed"): 0.12, ("embedded", "chuffed"): 0.25, ("embedded", "gecode"): 0.50}
COLUMNS = (
    "toolchain",
    "solver",
    "hints",
    "mode",
    "s a sample, cold",
    "goal",
    "s a sample, warm",
    "groups moved",
    "timed out",
)


@dataclass(frozen=True)
class Wishes:
    """A batch of hints under a name."""

    name: str
    mode: str
    asked: IntArray
    hinted: IntArray


def main() -> None:
    """Prints the table."""
    graph, package = load_zoo_graph("bert-large"), load_spec("mcm36-ring")
    groups = group_ops(graph, package)
    rows = []
    for kind, toolchain in toolchains().items():
        for of_kind, solver in SOLVERS:
            if of_kind != kind or not toolchain.has(solver):
                continue
            for wishes in batches(HintContext(graph, package, groups)):
                problem = Problem(graph, package, selected_rules(package), groups.group_of)
                with Session(toolchain) as session:
                    cold, corrections = timed(session, problem, wishes, solver)
                    warm, _ = timed(session, problem, wishes, solver)
                rows.append(row(kind, solver, wishes, cold, warm, corrections))
    title = f"Corrections: bert-large ({graph.n_ops} ops, {groups.n_groups} groups), mcm36-ring, batches of {SAMPLES}"
    print_table(title, COLUMNS, rows)
    save("corrections", [dict(zip(COLUMNS, each, strict=True)) for each in rows])


def batches(context: HintContext) -> list[Wishes]:
    """Noisy hints, projected and raw, and uniform draws."""
    rng = np.random.default_rng(0)
    noisy = Noisy().rankings(context, SAMPLES, rng)[..., 0]
    coarsening: Coarsening = context.coarsening
    projected = project_monotone(noisy, coarsening.edges, context.package.n_chips)
    uniform = Uniform().rankings(context, SAMPLES, rng)
    return [
        Wishes("noisy", "fix", projected, noisy),
        Wishes("noisy, raw", "fix", noisy, noisy),
        Wishes("random", "sample", uniform, uniform[..., 0]),
    ]


def timed(session: Session, problem: Problem, wishes: Wishes, solver: str) -> tuple[float, list[Correction]]:
    """Seconds a corrected sample of one batch, and its corrections."""
    search = fix if wishes.mode == "fix" else sample
    begin = time.perf_counter()
    corrections = list(search(session, problem, wishes.asked, solver=solver, time_limit_s=LIMIT_S))
    corrected = sum(each.group_chip is not None for each in corrections)
    return (time.perf_counter() - begin) / max(corrected, 1), corrections


def row(
    kind: str, solver: str, wishes: Wishes, cold: float, warm: float, corrections: list[Correction]
) -> tuple[object, ...]:
    """One row of the table."""
    found = [each for each in corrections if each.group_chip is not None]
    moved = [float((each.group_chip != wishes.hinted[each.sample]).mean()) for each in found]
    goal = GOALS.get((kind, solver), "") if wishes.name == "noisy" else ""
    late = f"{1 - len(found) / len(corrections):.0%}"
    share = f"{np.mean(moved):.0%}" if moved else "-"
    return (kind, solver, wishes.name, wishes.mode, cold, goal, warm, share, late)


if __name__ == "__main__":
    main()
