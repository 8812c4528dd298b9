"""`chipzinc compare`: methods on graphs with several seeds, under the same samples or the same time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chipzinc.cli import options
from chipzinc.cli.failures import INTERRUPTED, NO_ANSWER
from chipzinc.cli.inputs import check_files, load_inputs, parse_time_limit
from chipzinc.cli.output import Progress, print_json, print_table
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.baselines.driver import Budget
    from chipzinc.compare.case import Case, Method
    from chipzinc.compare.runs import Run
    from chipzinc.compare.table import Comparison
    from chipzinc.solve import Session

FIELDS = ("reference", "budget", "rows")
BY_SAMPLES = ("greedy", "random", "annealing")
BY_TIME = (*BY_SAMPLES, "slice", "optimise")
_SHOWN = ("graph", "method", "interval_us", "speedup", "speedup_low", "speedup_high", "bound/interval")

Graphs = Annotated[
    list[str] | None, typer.Argument(metavar="GRAPH...", help="Graphs, each a file or a name of the model zoo.")
]
Split = Annotated[
    Literal["train", "validation", "test"] | None, typer.Option("--split", help="Add this split of the model zoo.")
]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        metavar="METHOD",
        help="greedy, random, noisy, annealing, slice, optimise, cp-sat, policy, finetuned, scratch, ordered, or "
        "another package's; settings as in annealing:temperature=0.02,batch=10. May be given several times.",
    ),
]
Samples = Annotated[int | None, typer.Option("--samples", min=1, help="Samples for each run of a method that samples.")]
Limit = Annotated[str | None, typer.Option("--time-limit", metavar="TIME", help="Wall time for each run.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Runs of each method that draws, by seeds from --seed on.")]
Reference = Annotated[
    str | None, typer.Option("--reference", metavar="METHOD", help="What speedups are over: the first if not said.")
]
RunsFile = Annotated[
    Path | None,
    typer.Option("--runs", metavar="FILE", help="Keep each run in this file of JSON lines, and do not run it again."),
]
Tables = Annotated[
    list[Path] | None, typer.Option("-o", "--output", metavar="FILE", help="Write the table as .csv, .json or .md.")
]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw what each sample or second brought.")]


def compare_methods(
    graphs: Graphs = None,
    split: Split = None,
    hardware: options.Hardware = None,
    method: Methods = None,
    samples: Samples = None,
    time_limit: Limit = None,
    seeds: Seeds = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The first seed.")] = 0,
    solver: options.Solver = "chuffed",
    reference: Reference = None,
    runs_file: RunsFile = None,
    output: Tables = None,
    plot: Plot = None,
    as_json: options.Json = False,
) -> int:
    """Compare methods on graphs, under equal samples or equal time."""
    from chipzinc.compare.runs import RunFile, run_all
    from chipzinc.solve import Session

    _check_files(output, plot, runs_file)
    budget = _budget(samples, time_limit)
    methods = _methods(method or (BY_TIME if samples is None else BY_SAMPLES), budget, reference)
    names = _graphs(graphs, split)
    kept, found, interrupted = RunFile(runs_file), list[Any](), False
    with Progress() as progress, Session(solver=solver) as session:
        cases = [_case(name, hardware, session, solver, progress) for name in names]
        _check_names(cases)
        try:
            for run in run_all(cases, methods, range(seed, seed + seeds), budget, kept, progress):
                found.append(run)
        except KeyboardInterrupt:
            interrupted = True
    if not found:
        raise KeyboardInterrupt
    once = [name for name, each in methods.items() if not each.draws]
    comparison = _comparison(cases, found, range(seed, seed + seeds), reference, once)
    rows = comparison.rows()
    _write(comparison, rows, output, plot, by_samples=samples is not None and time_limit is None)
    if as_json:
        asked = {"samples": budget.samples, "seconds": budget.seconds}
        errors = [_failure(run) for run in found if run.error]
        print_json({"reference": comparison.reference, "budget": asked, "rows": rows, "errors": errors})
    else:
        _print(comparison, rows, found)
    answered = any(run.interval_us is not None for run in found)
    return INTERRUPTED if interrupted else 0 if answered else NO_ANSWER


def _check_files(output: list[Path] | None, plot: Path | None, runs_file: Path | None) -> None:
    """Refuses files that could not be written, before a long run."""
    from chipzinc.plotting import check_plot_file
    from chipzinc.tabular import check_table_file

    for table in output or ():
        check_table_file(table, "--output")
    if plot is not None:
        check_plot_file(plot)
    check_files(*(output or ()), plot, runs_file)


def _budget(samples: int | None, time_limit: str | None) -> Budget:
    from chipzinc.baselines.driver import Budget

    if samples is None and time_limit is None:
        raise InputError("expected --samples, --time-limit, or both, as every run's budget")
    return Budget(samples, None if time_limit is None else parse_time_limit(time_limit))


def _methods(names: tuple[str, ...] | list[str], budget: Budget, reference: str | None) -> dict[str, Method]:
    from chipzinc.compare.parsing import parse_method

    methods = {name: parse_method(name) for name in names}
    for name, method in methods.items():
        if budget.seconds is None and not method.samples:
            raise InputError(f"'{name}' takes no samples: give --time-limit", field="--method")
    if reference is not None and reference not in methods:
        raise InputError(f"expected one of the methods compared, {', '.join(methods)}", field="--reference")
    return methods


def _graphs(graphs: list[str] | None, split: Literal["train", "validation", "test"] | None) -> list[str]:
    from chipzinc.graph.zoo import zoo_names

    names = list(dict.fromkeys([*(graphs or ()), *(zoo_names(split=split) if split else ())]))
    if not names:
        raise InputError("expected a graph, or --split with a part of the model zoo")
    return names


def _case(name: str, hardware: str | None, session: Session, solver: str, progress: Progress) -> Case:
    from chipzinc.compare.case import Case

    progress(f"importing {name}")
    inputs = load_inputs(name, hardware)
    return Case(inputs.graph, inputs.package, session, solver, progress)


def _check_names(cases: list[Case]) -> None:
    """Refuses graphs that a table could not tell apart."""
    names = [case.graph.name for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two graphs are called '{name}': the table could not tell them apart", field="GRAPH")


def _comparison(
    cases: list[Case], found: list[Run], seeds: range, reference: str | None, once: list[str]
) -> Comparison:
    from chipzinc.bounds.simple import simple_bound
    from chipzinc.compare.table import Comparison

    bounds = {case.graph.name: simple_bound(case.graph, case.package).value_us for case in cases}
    return Comparison.of(found, seeds, reference, bounds, once)


def _write(
    comparison: Comparison,
    rows: list[dict[str, Any]],
    output: list[Path] | None,
    plot: Path | None,
    *,
    by_samples: bool,
) -> None:
    from chipzinc.plotting import save_plot
    from chipzinc.tabular import write_table

    for file in output or ():
        write_table(rows, file)
    if plot is not None:
        y_label = f"throughput over {comparison.reference}'s, geometric mean"
        x_label = "samples" if by_samples else "seconds"
        save_plot(plot, comparison.lines(by_samples=by_samples), x_label=x_label, y_label=y_label)


def _failure(run: Run) -> dict[str, Any]:
    return {"graph": run.graph, "method": run.method, "seed": run.seed, "error": run.error}


def _print(comparison: Comparison, rows: list[dict[str, Any]], found: list[Run]) -> None:
    from chipzinc.tabular import cell_text

    columns = (*_SHOWN, "better", "worse", "no_answer", "samples", "seconds")
    print_table(columns, [[cell_text(row[name]) or "-" for name in columns] for row in rows])
    graphs, seeds = len(comparison.graphs), len(comparison.seeds)
    print(
        f"speedup: throughput over {comparison.reference}'s, geometric mean over graphs ({graphs}), seeds ({seeds}), "
        f"with its 95 % bootstrap interval over seeds. better, worse: graphs where it is."
    )
    for failure in dict.fromkeys(f"{run.graph}: {run.method}: {run.error}" for run in found if run.error):
        print(f"No answer: {failure}")
