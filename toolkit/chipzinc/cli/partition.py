"""`chipzinc partition`: from a model and a package to a plan."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chipzinc
from chipzinc.cli import options
from chipzinc.cli.failures import INTERRUPTED
from chipzinc.cli.inputs import Inputs, load_inputs, parse_time_limit
from chipzinc.cli.output import Progress, finite, print_json
from chipzinc.cli.tables import print_chips
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.correct.problem import Mode
    from chipzinc.graph.opgraph import IntArray
    from chipzinc.hints.sources import HintSource
    from chipzinc.plans.plan import Plan
    from chipzinc.recipe import Partitioned
    from chipzinc.solve import Session

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
MODES: dict[str, Mode] = {"fix": "fix", "sample": "sample"}


Hints = Annotated[str, typer.Option("--hints", metavar="HINTS", help="greedy, slice, noisy, random, or a plan file.")]
Correction = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="MODE",
        help="fix: nearest to the hint; sample: by the hint's order of chips; optimise comes later.",
    ),
]
Samples = Annotated[int, typer.Option("--samples", min=1, help="Hints to correct; the best partition wins.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")]


def partition_graph(
    graph: options.Graph,
    hardware: options.Hardware = None,
    hints: Hints = "slice",
    mode: Correction = "fix",
    solver: options.Solver = "chuffed",
    samples: Samples = 1,
    time_limit: options.TimeLimit = "5min",
    seed: Seed = 0,
    evaluator: options.Evaluator = None,
    output: options.PlanOutput = None,
    fix_shape: options.FixShape = None,
    as_json: options.Json = False,
) -> int:
    """Give every op a chip so that the rules hold and the pipeline runs fast."""
    from chipzinc.plans.files import save_plan
    from chipzinc.recipe import partition
    from chipzinc.solve import Session
    from chipzinc.throughput.evaluator import CommandEvaluator

    begin = time.monotonic()
    correction, limit_s = _mode(mode), parse_time_limit(time_limit)
    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        source = _hint_source(hints, inputs)
        judge = None if evaluator is None else CommandEvaluator(evaluator, lambda chips: _document(inputs, chips))
        import_s = time.monotonic() - begin
        with Session(solver=solver) as session:
            found = partition(
                inputs.graph,
                inputs.package,
                session=session,
                hints=source,
                mode=correction,
                solver=solver,
                samples=samples,
                time_limit_s=limit_s,
                seed=seed,
                evaluator=judge,
                progress=progress,
            )
            tools = _tools(session, solver)
    answer = _answer(found, inputs, tools)
    answer["seconds"] = found.seconds | {"import": import_s, "total": time.monotonic() - begin}
    if output is not None:
        made = {"hints": hints, "mode": mode, "samples": samples, "seed": seed, "time_limit": time_limit, **tools}
        save_plan(_plan(inputs, found, output, answer, {"chipzinc": chipzinc.__version__, **made}), output)
    if as_json:
        print_json(answer)
    else:
        _print(found, inputs, answer, output)
    return INTERRUPTED if found.interrupted else 0


def _mode(mode: str) -> Mode:
    if mode == "optimise":
        raise InputError("optimise comes in a later version; this one has fix and sample", field="--mode")
    if mode not in MODES:
        raise InputError(f"expected {' or '.join(MODES)}, got {mode!r}", field="--mode")
    return MODES[mode]


def _hint_source(hints: str, inputs: Inputs) -> HintSource:
    """A source by name, or the whole partition of a plan file."""
    from chipzinc.hints.sources import Given, hint_source
    from chipzinc.plans.files import load_design

    if not Path(hints).is_file():
        return hint_source(hints)
    design = load_design(Path(hints))
    return Given(design.whole(design.chips(inputs.graph, inputs.package, inputs.sha256), inputs.graph))


def _tools(session: Session, solver: str) -> dict[str, str]:
    """What solved, by name and version."""
    toolchain = session.toolchain
    assert toolchain is not None
    used = toolchain.solver(solver)
    return {"solver": f"{used.name} {used.version}", "minizinc": f"{toolchain.version} ({toolchain.kind})"}


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
    from chipzinc.throughput.model import ThroughputModel

    model = ThroughputModel(inputs.graph, inputs.package)
    print_chips(model, found.chips, model.evaluate(found.chips))
    seconds = answer["seconds"]
    if found.bound is not None:
        print(f"No valid partition is below {found.bound.value_us:.2f} µs ({found.bound.name}): gap {found.gap:.1%}.")
    else:
        print(f"The judge's interval: {found.interval_us:.2f} µs.")
    print(
        f"{answer['samples']} of {answer['samples'] + answer['timed_out']} samples corrected, "
        f"{found.moved_share:.0%} of {answer['groups']} groups moved from their hint; "
        f"{answer['solver']} on MiniZinc {answer['minizinc']}: {seconds['solve']:.1f} s of {seconds['total']:.1f} s."
    )
    print(f"Rules that hold: {', '.join(answer['rules']) or 'none selected'}.")
    if output is not None:
        print(f"Plan written to {output}")
