"""`chipzinc verify`: whether a design keeps the rules, and how fast it would run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.inputs import load_planned, parse_time_limit
from chipzinc.cli.output import Progress, finite, print_json, print_table
from chipzinc.cli.tables import print_chips

if TYPE_CHECKING:
    from chipzinc.verify import Verdict, Violation

FIELDS = ("valid", "interval_us", "violations", "rules")
SHOWN_VIOLATIONS = 20


def verify_plan(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="A plan, a table op,chip (CSV), or a split file.")],
    graph: Annotated[
        str | None, typer.Option("--graph", metavar="GRAPH", help="The graph, instead of the one that the plan names.")
    ] = None,
    hardware: options.Hardware = None,
    time_limit: options.TimeLimit = "5min",
    as_json: options.Json = False,
) -> int:
    """Check a plan against every rule and score it, valid or not."""
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.solve import Session
    from chipzinc.throughput.model import ThroughputModel
    from chipzinc.verify import verify

    limit_s = parse_time_limit(time_limit)
    with Progress() as progress:
        progress(f"reading {plan}")
        inputs, design, chips = load_planned(plan, graph, hardware)
        design.whole(chips, inputs.graph)
        rules = selected_rules(inputs.package)
        progress("checking the rules")
        with Session(solver="gecode") as session:
            (verdict,) = verify(session, inputs.graph, inputs.package, rules, chips[None], time_limit_s=limit_s)
        model = ThroughputModel(inputs.graph, inputs.package)
        evaluation = model.evaluate(chips)
    if as_json:
        interval = finite(float(evaluation.interval_us[0]))
        print_json(
            _answer(verdict) | {"interval_us": interval, "throughput_per_s": 1e6 / interval if interval else None}
        )
    else:
        print_chips(model, chips, evaluation)
        _print_verdict(verdict)
    return 0 if verdict.valid else 1


def _answer(verdict: Verdict) -> dict[str, Any]:
    return {
        "valid": verdict.valid,
        "penalty": verdict.penalty,
        "rules": verdict.counts,
        "violations": [_described(violation) for violation in verdict.violations],
    }


def _described(violation: Violation) -> dict[str, Any]:
    return {
        "rule": violation.rule,
        "instance": violation.instance,
        "label": violation.label,
        "soft_weight": violation.soft_weight,
    }


def _print_verdict(verdict: Verdict) -> None:
    print(f"{'Valid' if verdict.valid else 'Not valid'}: {len(verdict.violations)} violations.")
    if not verdict.violations:
        return
    shown = verdict.violations[:SHOWN_VIOLATIONS]
    print_table(
        ["rule", "where", ""],
        [[each.rule, each.label, "" if each.soft_weight is None else f"soft, {each.soft_weight:g}"] for each in shown],
    )
    if len(shown) < len(verdict.violations):
        print(f"... and {len(verdict.violations) - len(shown)} more; --json has them all.")
