"""`chipzinc partition`: from a model and a package to a plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chipzinc
from chipzinc.cli import options
from chipzinc.cli.asked import OPTIMISE, WORKERS, Asked
from chipzinc.cli.failures import INTERRUPTED
from chipzinc.cli.inputs import Inputs, check_files, load_inputs
from chipzinc.cli.output import Progress, finite, print_json
from chipzinc.cli.policy import POLICY, Finetune, Policy, check_policy_options, policy_source
from chipzinc.cli.tables import described_distribution, print_chips, print_distribution
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.graph.opgraph import IntArray
    from chipzinc.hints.sources import HintSource
    from chipzinc.plans.plan import Plan
    from chipzinc.recipe import Partitioned
    from chipzinc.solve import Session
    from chipzinc.throughput.evaluator import Evaluator

FIELDS = (
    "valid",
    "interval_us",
    "throughput_per_s",
    "bound_us",
    "gap",
    "chips_used",
    "ops",
    "groups",
    "moved",
    "samples",
    "timed_out",
    "solver",
    "minizinc",
    "seconds",
    "rules",
)

Hints = Annotated[
    str, typer.Option("--hints", metavar="HINTS", help="greedy, slice, noisy, random, policy, or a plan file.")
]
Correction = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="optimise: search from the hint; fix: nearest to the hint; sample: by the hint's order of chips.",
    ),
]
Solvers = Annotated[
    str,
    typer.Option("--solver", help="The solver, by its MiniZinc name: chuffed, gecode, ...; to optimise, a list too."),
]
Limit = Annotated[
    str | None,
    typer.Option(
        "--time-limit", metavar="TIME", help="Longest time to search: 30s if not said, 5min to correct hints."
    ),
]
Objective = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="OBJECTIVE",
        help="interval, latency, chips_used, moved, energy, penalty, or a mix: 'interval > energy', '2 interval + "
        "energy'; "
        "where op times are ranges worst_case or quantile:0.95.",
    ),
]
Iterations = Annotated[
    int | None, typer.Option("--iterations", min=0, help="Neighbourhoods to search: the same result each time.")
]
Samples = Annotated[
    int,
    typer.Option(
        "--samples", min=1, max=10_000, help="Hints to correct, or to choose a start from; the best partition wins."
    ),
]
Sweep = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="FIELD=VALUES",
        help="Partition for each value of a field of the spec: chips=4..36, sram=16MiB..64MiB, links=2GB/s,8GB/s; "
        "then -o writes a table.",
    ),
]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw what a sweep found.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")]


def partition_graph(
    graph: options.Graph,
    hardware: options.Hardware = None,
    hints: Hints = "slice",
    mode: Correction = OPTIMISE,
    solver: Solvers = "chuffed",
    samples: Samples = 1,
    objective: Objective = None,
    iterations: Iterations = None,
    time_limit: Limit = None,
    seed: Seed = 0,
    evaluator: options.Evaluator = None,
    op_times: options.OpTimes = None,
    sweep: Sweep = None,
    plot: Plot = None,
    policy: Policy = None,
    finetune: Finetune = None,
    output: options.PlanOutput = None,
    fix_shape: options.FixShape = None,
    as_json: options.Json = False,
) -> int:
    """Give every op a chip so that the rules hold and the pipeline runs fast."""
    from chipzinc.plans.files import save_plan
    from chipzinc.solve import Session
    from chipzinc.throughput.evaluator import CommandEvaluator

    begin = time.monotonic()
    asked = Asked(mode, tuple(solver.split(",")), samples, objective, iterations, time_limit, seed, op_times)
    check_policy_options(hints, policy, finetune)
    if plot is not None and sweep is None:
        raise InputError("draws a sweep: give --sweep", field="--plot")
    if sweep is not None:
        asked.check_sweeps(hints, evaluator)
        return _sweep(asked, sweep, graph, hardware, fix_shape, output, plot, as_json)
    check_files(output)
    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        judge = None if evaluator is None else CommandEvaluator(evaluator, lambda chips: _document(inputs, chips))
        import_s = time.monotonic() - begin
        source, interrupted = _source(hints, inputs, asked, policy, finetune, judge, progress)
        asked = asked.hurried() if interrupted else asked
        with Session(solver=asked.solvers[0]) as session:
            order = source if hints == POLICY and finetune is None else None
            found = asked.run(inputs, session, source, judge, progress, order)
            tools = _tools(session, asked.solvers)
    found = replace(found, interrupted=found.interrupted or interrupted)
    answer = _answer(found, inputs, tools)
    answer["seconds"] = found.seconds | {"import": import_s, "total": time.monotonic() - begin}
    if output is not None:
        learned = {name: value for name, value in (("policy", policy), ("finetune", finetune)) if value is not None}
        made = {"hints": hints, **learned, **asked.provenance(), **tools}
        save_plan(_plan(inputs, found, output, answer, {"chipzinc": chipzinc.__version__, **made}), output)
    if as_json:
        print_json(answer)
    else:
        _print(found, inputs, answer, output)
    return INTERRUPTED if found.interrupted else 0


def _sweep(
    asked: Asked,
    sweep: str,
    graph: str,
    hardware: str | None,
    fix_shape: list[str] | None,
    output: Path | None,
    plot: Path | None,
    as_json: bool,
) -> int:
    from chipzinc.cli.sweep import check_sweep, sweep_graph

    parsed = check_sweep(sweep, output, plot)
    with Progress() as progress:
        progress(f"importing {graph}")
        return sweep_graph(
            load_inputs(graph, hardware, fix_shape),
            parsed,
            solvers=asked.solvers,
            workers=WORKERS,
            limit_s=asked.limit_s,
            iterations=asked.iterations,
            seed=asked.seed,
            output=output,
            plot=plot,
            as_json=as_json,
            progress=progress,
        )


def _source(
    hints: str,
    inputs: Inputs,
    asked: Asked,
    policy: str | None,
    finetune: int | None,
    judge: Evaluator | None,
    progress: Progress,
) -> tuple[HintSource, bool]:
    """A policy, a source by name, or the whole partition of a plan file; and whether Ctrl-C ended fine-tuning."""
    from chipzinc.hints.sources import Given, hint_source
    from chipzinc.plans.files import load_design

    if hints == POLICY:
        counted = asked.iterations is not None
        return policy_source(
            inputs,
            policy,
            finetune,
            solver=asked.solvers[0],
            seed=asked.seed,
            judge=judge,
            counted=counted,
            progress=progress,
        )
    if not Path(hints).is_file():
        return hint_source(hints), False
    design = load_design(Path(hints))
    return Given(design.whole(design.chips(inputs.graph, inputs.package, inputs.sha256), inputs.graph)), False


def _tools(session: Session, solvers: Sequence[str]) -> dict[str, str]:
    """What solved, by name and version."""
    toolchain = session.toolchain
    assert toolchain is not None
    used = [toolchain.solver(solver) for solver in solvers]
    names = ", ".join(f"{solver.name} {solver.version}" for solver in used)
    return {"solver": names, "minizinc": f"{toolchain.version} ({toolchain.kind})"}


def _answer(found: Partitioned, inputs: Inputs, tools: dict[str, str]) -> dict[str, Any]:
    interval_us = finite(found.interval_us)
    return {
        "valid": found.verdict.valid,
        "interval_us": interval_us,
        "throughput_per_s": 1e6 / interval_us if interval_us else None,
        "bound_us": None if found.bound is None else found.bound.value_us,
        "gap": None if found.gap is None else finite(found.gap),
        "chips_used": len(set(found.chips.tolist())),
        "ops": inputs.graph.n_ops,
        "groups": found.coarsening.n_groups,
        "moved": found.moved,
        "moved_share": found.moved_share,
        "samples": found.samples,
        "timed_out": found.timed_out,
        "memory_rounds": found.memory_rounds,
        "penalty": found.verdict.penalty,
        "rules": found.verdict.counts,
        **tools,
        **_searched(found),
        **_robust(found),
    }


def _searched(found: Partitioned) -> dict[str, Any]:
    """What else a search has to tell."""
    from chipzinc.improve import Optimised

    if not isinstance(found, Optimised):
        return {}
    return {
        "objective": found.objective,
        "objective_values": [finite(value) for value in found.values],
        "bound": None if found.bound is None else found.bound.name,
        "proven": found.proven,
        "iterations": found.iterations,
        "improvements": found.improvements,
        "incumbents": [
            {"seconds": round(each.seconds, 3), "interval_us": finite(each.interval_us)} for each in found.incumbents
        ],
        "failure": found.failure,
    }


def _robust(found: Partitioned) -> dict[str, Any]:
    """What a search for the worst case or a quantile has to tell."""
    from chipzinc.robust import RobustOptimised

    if not isinstance(found, RobustOptimised) or found.distribution is None:
        return {}
    bound = found.robust_bound
    return {
        "robust": {
            "objective": found.objective,
            "value_us": finite(found.robust_us),
            "bound_us": None if bound is None else bound.value_us,
            "gap": finite(found.robust_us / bound.value_us - 1) if bound and bound.value_us > 0 else None,
        },
        "interval_distribution": described_distribution(found.distribution),
    }


def _plan(inputs: Inputs, found: Partitioned, place: Path, answer: dict[str, Any], provenance: dict[str, Any]) -> Plan:
    from chipzinc.plans.plan import Plan, assignment_of

    scored = ("interval_us", "throughput_per_s", "bound_us", "gap", "chips_used", "penalty")
    return Plan(
        graph=inputs.graph_reference(place),
        hardware=inputs.hardware_reference(place),
        rules=tuple(found.verdict.counts),
        assignment=assignment_of(inputs.graph, found.chips),
        score={name: answer[name] for name in scored},
        provenance=provenance,
    )


def _document(inputs: Inputs, chips: IntArray) -> dict[str, Any]:
    """The plan that a foreign judge is given: graph, package and assignment, by absolute paths."""
    from chipzinc.plans.plan import Plan, assignment_of

    plan = Plan(
        graph=inputs.graph_reference(None),
        hardware=inputs.hardware_reference(None),
        assignment=assignment_of(inputs.graph, chips),
    )
    return plan.model_dump(mode="json", exclude_defaults=True) | {"version": plan.version}


def _print(found: Partitioned, inputs: Inputs, answer: dict[str, Any], output: Path | None) -> None:
    from chipzinc.robust import RobustOptimised
    from chipzinc.throughput.model import ThroughputModel

    model = ThroughputModel(inputs.graph, inputs.package)
    print_chips(model, found.chips, model.evaluate(found.chips))
    seconds = answer["seconds"]
    if isinstance(found, RobustOptimised) and found.distribution is not None:
        print_distribution(found.distribution)
        robust = answer["robust"]
        bounded = f"no valid partition is below {robust['bound_us'] or 0.0:.2f} µs"
        print(f"{robust['objective']}: {robust['value_us']:.2f} µs; {bounded}.")
    elif found.bound is not None:
        print(f"No valid partition is below {found.bound.value_us:.2f} µs ({found.bound.name}): gap {found.gap:.1%}.")
    else:
        print(f"The judge's interval: {found.interval_us:.2f} µs.")
    solved = (
        f"{answer['solver']} on MiniZinc {answer['minizinc']}: {seconds['solve']:.1f} s of {seconds['total']:.1f} s."
    )
    if "iterations" in answer:
        last = "proven best" if answer["proven"] else "not proven best"
        print(
            f"{answer['iterations']} neighbourhoods searched, {answer['improvements']} held better ({last}); {solved}"
        )
    else:
        print(
            f"{answer['samples']} of {answer['samples'] + answer['timed_out']} samples corrected, "
            f"{found.moved_share:.0%} of {answer['groups']} groups moved from their hint; {solved}"
        )
    print(f"Rules that hold: {', '.join(answer['rules']) or 'none selected'}.")
    if output is not None:
        print(f"Plan written to {output}")
