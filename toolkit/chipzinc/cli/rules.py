"""`chipzinc rules`: what rules there are and what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.output import print_json, print_table

if TYPE_CHECKING:
    from chipzinc.rules.catalogue import Rule


def list_rules(hardware: options.Hardware = None, as_json: options.Json = False) -> None:
    """List the rules that ship, and with --hw those beside the spec."""
    from chipzinc.rules.catalogue import all_rules

    rules = all_rules(_spec_file(hardware))
    if as_json:
        print_json({"rules": [_described(rule) for rule in rules]})
    else:
        print_table(
            ["rule", "parameters", "what it says"],
            [[rule.name, ", ".join(parameter.name for parameter in rule.parameters), rule.summary] for rule in rules],
        )


def show_rule(
    name: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
    hardware: options.Hardware = None,
    as_json: options.Json = False,
) -> None:
    """Show what a rule says of itself, and where its file stands."""
    from chipzinc.rules.catalogue import find_rule

    rule = find_rule(name, _spec_file(hardware))
    if as_json:
        print_json(_described(rule) | {"doc": rule.doc})
        return
    print(f"{rule.name}: {rule.doc}\n")
    for parameter in rule.parameters:
        print(f"parameter {parameter.name}: {parameter.type}")
    for case in rule.cases:
        places = ", ".join(f"{op}: {chip}" for op, chip in case.chip.items())
        edges = ", ".join(f"{source} -> {target}" for source, target in case.edges)
        print(f"{'allowed' if case.allowed else 'refused'}: {edges or 'no edges'}; chips {places}")
    print(f"\n{rule.path}")


def _spec_file(hardware: str | None) -> Path | None:
    from chipzinc.hardware.load import find_spec

    return None if hardware is None else find_spec(hardware)


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "summary": rule.summary,
        "file": rule.path,
        "parameters": {parameter.name: parameter.type for parameter in rule.parameters},
        "has_lean_form": rule.has_lean_form,
    }
