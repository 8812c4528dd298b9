"""`chipzinc rules`: what rules there are, what they say, and whether they keep to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.output import Progress, print_json, print_table

if TYPE_CHECKING:
    from chipzinc.rule_tests import CaseResult
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
    """Show what a rule says of itself, its parameters, its cases and its MiniZinc."""
    from chipzinc.rules.catalogue import find_rule

    rule = find_rule(name, _spec_file(hardware))
    if as_json:
        print_json(_described(rule) | {"doc": rule.doc, "source": rule.source})
        return
    print(f"{rule.name}: {rule.doc}\n")
    for parameter in rule.parameters:
        print(f"parameter {parameter.name}: {parameter.type}")
    for case in rule.cases:
        places = ", ".join(f"{op}: {chip}" for op, chip in case.chip.items())
        edges = ", ".join(f"{source} -> {target}" for source, target in case.edges)
        given = "".join(f"; {name}: {value}" for name, value in case.parameters.items())
        print(f"{'allowed' if case.allowed else 'refused'}: {edges or 'no edges'}; chips {places}{given}")
    print(f"\n{rule.path}:\n\n{rule.source}")


def try_rules(
    name: Annotated[str | None, typer.Argument(metavar="RULE", help="The rule's name; all rules without it.")] = None,
    hardware: options.Hardware = None,
    solver: Annotated[
        list[str] | None,
        typer.Option(
            "--solver", help="Try on this solver; may be repeated. Without: on Gecode, Chuffed, and CP-SAT if found."
        ),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Try the allowed and refused assignments in rule files.

    A case fails where the rule says otherwise or for other reasons, where the chips do not determine what the rule
    says, or where its form for solving does not agree. Exit code 1 where a case fails or a rule lacks cases.
    """
    from chipzinc.rule_lint import refuse_faulty
    from chipzinc.rule_tests import check_rule
    from chipzinc.rules.catalogue import all_rules, find_rule
    from chipzinc.solve import Session

    spec = _spec_file(hardware)
    rules = all_rules(spec) if name is None else [find_rule(name, spec)]
    tried: list[dict[str, Any]] = []
    with Progress() as progress:
        for number, each in enumerate(solver or _solvers_found()):
            with Session(solver=each) as session:
                for rule in rules if number == 0 else ():
                    refuse_faulty(session, rule, each)
                for rule in rules:
                    progress(f"trying {rule.name} on {each}")
                    tried.append(_tried(rule, each, check_rule(session, rule, each)))
    passed = all(one["passed"] for one in tried)
    if as_json:
        print_json({"passed": passed, "rules": tried})
        return 0 if passed else 1
    print_table(
        ["rule", "solver", "cases", "failed"],
        [[one["rule"], one["solver"], str(one["cases"]), str(len(one["failures"]))] for one in tried],
    )
    for one in tried:
        for failure in one["failures"]:
            print(f"{one['file']}:{failure['line']}: {failure['problem']} ({one['solver']})")
        for verdict in one["missing"]:
            print(f"{one['file']}: no {verdict} case")
    return 0 if passed else 1


def _solvers_found() -> list[str]:
    """Gecode and Chuffed, without which nothing works, and CP-SAT where there is one."""
    from chipzinc.solve.toolchain import is_found

    return ["gecode", "chuffed", *(["cp-sat"] if is_found("cp-sat") else [])]


def _tried(rule: Rule, solver: str, results: list[CaseResult]) -> dict[str, Any]:
    verdicts = {"@allowed" if result.case.allowed else "@refused" for result in results}
    missing = sorted({"@allowed", "@refused"} - verdicts)
    failures = [{"line": result.case.line, "problem": problem} for result in results for problem in result.problems]
    return {
        "rule": rule.name,
        "file": rule.path,
        "solver": solver,
        "passed": not failures and not missing,
        "cases": len(results),
        "failures": failures,
        "missing": missing,
    }


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
