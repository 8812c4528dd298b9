"""Seconds a corrected sample on mcm36-ring, all four rules: BERT-Large at op level, and a recurrent network.

`cold` counts compiling the model, as the first batch of a process pays it; `warm` is a second batch, to whose hints
the compiled model is kept. Noisy hints are corrected as `partition` does it; for comparison all of them by the solver,
projected onto forward flow without being untangled, and raw.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.common import print_table, save, toolchains
from chipzinc.correct.batch import Correction, fix, sample
from chipzinc.correct.problem import Mode, Problem
from chipzinc.correct.projection import project, project_monotone
from chipzinc.graph.opgraph import IntArray
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HintContext, Noisy, Uniform
from chipzinc.rules.catalogue import selected_rules
from chipzinc.settle import settle
from chipzinc.solve import Session

SAMPLES = 20
BERT, BERT_HINTS = "bert-large", ("noisy", "noisy, tangled", "noisy, raw", "random")
RECURRENT, RECURRENT_HINTS = "lstm-reader", ("noisy", "noisy, all solved", "noisy, tangled")
LIMIT_S = 60.0
SOLVERS = (("native", "chuffed"), ("native", "gecode"), ("embedded", "chuffed"), ("embedded", "gecode"))
GOALS = {("native", "chuffed"): 0.12, ("embedded", "chuffed"): 0.25, ("embedded", "gecode"): 0.50}
RECURRENT_SOLVERS = (("native", "chuffed"), ("embedded", "chuffed"))
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
    """A batch of hints under a name; settled: those that hold are kept without the solver."""

    name: str
    mode: Mode
    settled: bool
    asked: IntArray
    hinted: IntArray


def main() -> None:
    """Prints the tables."""
    bert, recurrent = table(BERT, SOLVERS, BERT_HINTS), table(RECURRENT, RECURRENT_SOLVERS, RECURRENT_HINTS)
    save("corrections", [dict(zip(("graph", *COLUMNS), each, strict=True)) for each in (*bert, *recurrent)])


def table(name: str, solvers: Sequence[tuple[str, str]], hints: Sequence[str]) -> list[tuple[object, ...]]:
    """Prints a graph's table; returns its rows behind its name."""
    graph, package = load_zoo_graph(name), load_spec("mcm36-ring")
    groups, rules = group_ops(graph, package), selected_rules(package)
    rows = []
    for kind, toolchain in toolchains().items():
        for of_kind, solver in solvers:
            if of_kind != kind or not toolchain.has(solver):
                continue
            for wishes in batches(HintContext(graph, package, groups)):
                if wishes.name not in hints:
                    continue
                problem = Problem(graph, package, rules, groups.group_of)
                with Session(toolchain) as session:
                    cold, corrections = timed(session, problem, wishes, solver)
                    warm, _ = timed(session, problem, wishes, solver)
                rows.append(row(kind, solver, wishes, cold, warm, corrections, GOALS if name == BERT else {}))
    title = f"Corrections: {name} ({graph.n_ops} ops, {groups.n_groups} groups), mcm36-ring, batches of {SAMPLES}"
    print_table(title, COLUMNS, rows)
    return [(name, *each) for each in rows]


def batches(context: HintContext) -> list[Wishes]:
    """Noisy hints as `partition` has them corrected, all by the solver, without untangling and raw; uniform draws."""
    rng, n_chips, edges = np.random.default_rng(0), context.package.n_chips, context.coarsening.edges
    noisy = Noisy().rankings(context, SAMPLES, rng)[..., 0]
    hard = {selected.name for selected in selected_rules(context.package) if selected.hard}
    asked = project(noisy, edges, n_chips, hard)
    uniform = Uniform().rankings(context, SAMPLES, rng)
    return [
        Wishes("noisy", "fix", True, asked, noisy),
        Wishes("noisy, all solved", "fix", False, asked, noisy),
        Wishes("noisy, tangled", "fix", False, project_monotone(noisy, edges, n_chips), noisy),
        Wishes("noisy, raw", "fix", False, noisy, noisy),
        Wishes("random", "sample", False, uniform, uniform[..., 0]),
    ]


def timed(session: Session, problem: Problem, wishes: Wishes, solver: str) -> tuple[float, list[Correction]]:
    """Seconds a corrected sample of one batch, and its corrections."""
    begin = time.perf_counter()
    if wishes.settled:
        batch = settle(session, problem, wishes.asked, mode=wishes.mode, solver=solver, time_limit_s=LIMIT_S)
        corrections = batch.corrections
    else:
        search = fix if wishes.mode == "fix" else sample
        corrections = list(search(session, problem, wishes.asked, solver=solver, time_limit_s=LIMIT_S))
    corrected = sum(each.group_chip is not None for each in corrections)
    return (time.perf_counter() - begin) / max(corrected, 1), corrections


def row(
    kind: str,
    solver: str,
    wishes: Wishes,
    cold: float,
    warm: float,
    corrections: list[Correction],
    goals: Mapping[tuple[str, str], float],
) -> tuple[object, ...]:
    """One row of the table."""
    found = [each for each in corrections if each.group_chip is not None]
    moved = [float((each.group_chip != wishes.hinted[each.sample]).mean()) for each in found]
    goal = goals.get((kind, solver), "") if wishes.name == "noisy" else ""
    late = f"{1 - len(found) / len(corrections):.0%}"
    share = f"{np.mean(moved):.0%}" if moved else "-"
    return (kind, solver, wishes.name, wishes.mode, cold, goal, warm, share, late)


if __name__ == "__main__":
    main()
