"""How good the partitions are, and how near their proofs: the search beside slices and CP-SAT at equal time.

Sections run alone or together: `python -m benchmarks.optimise bert zoo --seconds 60`. Each keeps its runs in
benchmarks/out and goes on where it stopped; `--again` forgets them. Without a section named, all run but the zoo, which
takes hours; of it those figures are printed that are there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.common import OUTPUT, PeakMemory, machine, print_table, save
from benchmarks.scaling import roomy, stacked
from chipzinc.baselines.driver import Budget
from chipzinc.compare.case import Case
from chipzinc.compare.parsing import method_names, parse_method
from chipzinc.compare.runs import Run, RunFile, run_all
from chipzinc.graph.load import load_graph
from chipzinc.graph.zoo import load_zoo_graph, zoo_names
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.policy.curriculum import Variation, varied
from chipzinc.solve import Session

PLACEMENT = Path(__file__).parents[2] / "shared" / "data" / "placement"
PLACEMENT_GOALS = {"bert24_inference": 17.790, "resnet50_training": 78.632}
RIVALS = ("slice", "cp-sat")
SEARCH = "optimise"
BERT_LIMITS_S = (10.0, 30.0, 60.0)
BERT_GAP = 0.05
PLACEMENT_LIMIT_S = 10.0
PROOF_LIMIT_S = 60.0
LARGE_OPS, LARGE_LIMIT_S, LARGE_MB = 10_000, 120.0, 8_000
ZOO_LIMIT_S, ZOO_GOAL = 60.0, 0.97
PACKAGES_LIMIT_S, PACKAGES_GRAPHS = 30.0, ("resnet50", "bert-base", "inception-v3", "gru-lm")
SAME = 1e-4  # relative difference of intervals below which neither is worse
NO_TRANSFERS = 1e12  # bytes per µs of a link whose transfers take no time


def bert(seconds: float | None) -> None:
    """BERT-Large on 36 chips, all rules, communication added: 10, 30 and 60 s."""
    limits = BERT_LIMITS_S if seconds is None else (seconds,)
    runs = {limit: _runs("bert", "bert-large", load_spec("mcm36-ring"), limit) for limit in limits}
    rows = [(limit, *_row(run)) for limit, found in runs.items() for run in found]
    print_table("BERT-Large, mcm36-ring, communication added", ("limit s", *COLUMNS), rows)
    for limit, found in runs.items():
        lost = [run.method for run in found if _worse(found[0], run)]
        print(f"At {limit:g} s {SEARCH} is worse than: {', '.join(lost) or 'none'} (goal: none).")
    last = runs[max(runs)][0]
    print(f"Gap at {max(runs):g} s: {_percent(_gap(last))} (goal: at most {BERT_GAP:.0%}).")


def compute(seconds: float | None) -> None:
    """BERT-Large on 36 chips where transfers take no time: reached in 5 s, proven in 60 s."""
    package = load_spec("mcm36-ring")
    package = dataclasses.replace(package, link_bytes_per_us=np.full(package.n_links, NO_TRANSFERS))
    found = _runs("compute", "bert-large", package, seconds or PROOF_LIMIT_S)
    print_table(
        "BERT-Large, mcm36-ring, compute only",
        ("limit s", *COLUMNS),
        [(found[0].budget_seconds, *_row(r)) for r in found],
    )
    best = found[0]
    at = next((at for _, at, us in best.curve if us <= (best.interval_us or 0) * (1 + SAME)), None)
    proven = f"proven in {best.seconds:.1f} s" if best.proven else f"not proven in {best.seconds:.1f} s"
    print(f"{SEARCH}: the best after {at or 0:.1f} s (goal: 5 s), {proven} (goal: 60 s).")


def placement(seconds: float | None) -> None:
    """Placement files: the contiguous optimum in 10 s, with its proof in 60 s."""
    rows = []
    for file in sorted(PLACEMENT.glob("*.json")) if PLACEMENT.is_dir() else ():
        if "nodes" not in json.loads(file.read_text(encoding="utf-8")):
            continue  # a split of a graph
        loaded = load_graph(str(file))
        assert loaded.placement is not None
        package = placement_package(loaded.placement, file)
        with Session(solver="chuffed") as session:
            case = Case(loaded.graph, package, session)
            for limit in (seconds,) if seconds else (PLACEMENT_LIMIT_S, PROOF_LIMIT_S):
                (run,) = _run_all("placement", case, (SEARCH,), limit)
                rows.append((file.stem, limit, *_row(run), PLACEMENT_GOALS.get(file.stem, "")))
    if not rows:
        print(f"\nNo placement files in {PLACEMENT.name}: nothing to compare.")
        return
    print_table("Placement files: largest load, in the file's unit", ("graph", "limit s", *COLUMNS, "goal"), rows)


def large(seconds: float | None) -> None:
    """10,000 ops: a valid, improved partition with a bound in 120 s under 8 GB; the hint is greedy's, corrected."""
    limit = seconds or LARGE_LIMIT_S
    graph = stacked(load_zoo_graph("bert-large"), LARGE_OPS)
    package = roomy(load_spec("mcm36-ring"), graph)
    kept = len(_file("large").all())
    with PeakMemory() as peak, Session(solver="chuffed") as session:
        case = Case(graph, package, session)
        (run,) = _run_all("large", case, (SEARCH,), limit)
        (hint,) = _run_all("large", case, ("greedy",), limit)
    rows = [(limit, *_row(run)), ("", *_row(hint))]
    print_table(f"{graph.n_ops} ops: copies of BERT-Large's middle, mcm36-ring", ("limit s", *COLUMNS), rows)
    if run.interval_us and hint.interval_us:
        print(f"Better than the hint's correction by {_percent(hint.interval_us / run.interval_us - 1)}.")
    print(f"{run.seconds:.0f} s (goal: {LARGE_LIMIT_S:g} s).")
    if kept < len(_file("large").all()):
        print(f"Peak memory, MiniZinc's processes included: {peak.highest_mb:,.0f} MB (goal: {LARGE_MB:,} MB).")


def packages(seconds: float | None) -> None:
    """Meshes, chips of two classes and two-way rings: the search beside its rivals at equal time."""
    limit = seconds or PACKAGES_LIMIT_S
    rows = []
    for package in (varied(Variation(16, topology="ring-two-way")), *map(load_spec, ("hetero9-mesh", "simba36"))):
        for name in PACKAGES_GRAPHS:
            graph = load_zoo_graph(name)
            found = _runs("packages", name, roomy(package, graph), limit)
            lost = [run.method for run in found if _worse(found[0], run)]
            rows.append((package.name, name, *(_interval(run) for run in found), *_bound(found[0]), ", ".join(lost)))
    columns = ("package", "graph", SEARCH, *_rivals(), "bound", "bound/interval", "worse than")
    print_table(f"Other packages, {limit:g} s a method", columns, rows)
    save("optimise-packages", [dict(zip(columns, row, strict=True)) for row in rows])


def zoo(
    seconds: float | None, graphs: Sequence[str] = (), rivals: Sequence[str] = RIVALS, *, only_kept: bool = False
) -> None:
    """Every graph of the zoo on 16 chips: how near the bound, and who does better at equal time.

    A partition that is proven the best is compared with nobody.
    """
    rivals = [name for name in rivals if name in _rivals()]
    limit, package = seconds or ZOO_LIMIT_S, load_spec("mcm16-ring")
    rows: list[tuple[object, ...]] = []
    tight: list[float] = []
    losses, failed = dict.fromkeys(rivals, 0), 0
    for name in graphs or zoo_names():
        found = _runs("zoo", name, package, limit, rivals, only_kept=only_kept, spare=True)
        if not found:
            continue
        best = found[0]
        lost = [run.method for run in found[1:] if _worse(best, run)]
        for method in lost:
            losses[method] += 1
        failed += best.interval_us is None
        near = _nearness(best)
        tight += [] if near is None else [near]
        intervals = [_interval(run) for run in found] + ["proven"] * (1 + len(rivals) - len(found))
        rows.append((name, *intervals, *_bound(best), ", ".join(lost)))
    if not rows:
        print("\nNo runs of the zoo yet: python -m benchmarks.optimise zoo")
        return
    columns = ("graph", SEARCH, *rivals, "bound", "bound/interval", "worse than")
    print_table(f"Zoo, mcm16-ring, {limit:g} s a graph and method", columns, rows)
    mean = np.exp(np.mean(np.log(tight))) if tight else 0.0
    print(f"Geometric mean of bound/interval over {len(tight)} graphs: {mean:.4f} (goal: {ZOO_GOAL}).")
    lost_to = ", ".join(f"{count} to {method}" for method, count in losses.items())
    print(f"Graphs lost: {lost_to} (goal: none); without an answer: {failed}.")
    save("optimise-zoo", [dict(zip(columns, row, strict=True)) for row in rows])


COLUMNS = ("method", "interval µs", "bound µs", "gap", "proven", "seconds", "note")
SECTIONS: dict[str, Callable[[float | None], None]] = {
    "bert": bert,
    "compute": compute,
    "placement": placement,
    "large": large,
    "packages": packages,
    "zoo": zoo,
}


def _rivals() -> tuple[str, ...]:
    """Methods beside the search, those that are there."""
    return tuple(name for name in RIVALS if name in method_names())


def _runs(
    section: str,
    name: str,
    package: Package,
    limit: float,
    rivals: Sequence[str] | None = None,
    *,
    only_kept: bool = False,
    spare: bool = False,
) -> list[Run]:
    """The search first, then its rivals, on a graph of the zoo; empty if one would have to be run and must not.

    Rivals that may be spared are, where the search has proven that nothing is better than what it found.
    """
    graph, methods = load_zoo_graph(name), (SEARCH, *(_rivals() if rivals is None else rivals))
    if only_kept:
        kept = {(run.graph, run.method): run for run in _file(section).all() if run.budget_seconds == limit}
        best = kept.get((graph.name, SEARCH))
        needed = methods[:1] if spare and best is not None and best.proven else methods
        return [kept[graph.name, each] for each in needed] if all((graph.name, m) in kept for m in needed) else []
    with Session(solver="chuffed") as session:
        case = Case(graph, package, session)
        found = _run_all(section, case, methods[:1], limit)
        return found if spare and found[0].proven else found + _run_all(section, case, methods[1:], limit)


def _run_all(section: str, case: Case, methods: Sequence[str], limit: float) -> list[Run]:
    parsed = {name: parse_method(name) for name in methods}
    return list(run_all([case], parsed, [0], Budget(seconds=limit), _file(section), _say))


def _file(section: str) -> RunFile:
    OUTPUT.mkdir(exist_ok=True)
    return RunFile(OUTPUT / f"optimise-{section}.jsonl")


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _row(run: Run) -> tuple[object, ...]:
    bound = "-" if run.bound_us is None else f"{run.bound_us:.3f}"
    proven = "yes" if run.proven else "no"
    return (run.method, _interval(run), bound, _percent(_gap(run)), proven, run.seconds, run.error or "")


def _interval(run: Run) -> str:
    return "-" if run.interval_us is None else f"{run.interval_us:.3f}"


def _bound(run: Run) -> tuple[str, str]:
    """A run's bound, and that over its interval."""
    near = _nearness(run)
    return ("-" if run.bound_us is None else f"{run.bound_us:.3f}", "-" if near is None else f"{near:.4f}")


def _nearness(run: Run) -> float | None:
    return run.bound_us / run.interval_us if run.interval_us and run.bound_us else None


def _gap(run: Run) -> float | None:
    return run.interval_us / run.bound_us - 1 if run.interval_us and run.bound_us else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _worse(ours: Run, theirs: Run) -> bool:
    """Whether the search's partition is worse than another method's."""
    if theirs is ours or theirs.interval_us is None:
        return False
    return ours.interval_us is None or ours.interval_us > theirs.interval_us * (1 + SAME)


def main() -> None:
    """All sections but the zoo, of which the figures are printed that are there."""
    for name, section in SECTIONS.items():
        if name != "zoo":
            section(None)
    zoo(None, only_kept=True)


def run_sections() -> None:
    """The sections named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimise", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="what to run")
    parser.add_argument("--seconds", type=float, help="another time limit than the goal's")
    parser.add_argument("--graphs", nargs="+", default=(), help="graphs of the zoo, all if not said")
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=RIVALS, help="of the zoo, beside the search")
    parser.add_argument("--again", action="store_true", help="forget the runs that are kept")
    parser.add_argument("--kept", action="store_true", help="of the zoo, print what is kept and run nothing")
    asked = parser.parse_args()
    for name in asked.sections:
        if name not in SECTIONS:
            parser.error(f"no section {name!r}: expected {', '.join(SECTIONS)}")
    for name in set(asked.graphs) - set(zoo_names()):
        parser.error(f"the zoo has no graph {name!r}")
    for what, value in machine().items():
        print(f"{what}: {value}")
    if not asked.sections:
        main()
    for name in asked.sections:
        if asked.again:
            (OUTPUT / f"optimise-{name}.jsonl").unlink(missing_ok=True)
        if name == "zoo":
            zoo(asked.seconds, asked.graphs, asked.rivals, only_kept=asked.kept)
        else:
            SECTIONS[name](asked.seconds)


if __name__ == "__main__":
    run_sections()
