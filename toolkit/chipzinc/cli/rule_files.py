"""`chipzinc rules new` and `rules lint`: for those who write rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.failures import shown_place
from chipzinc.cli.output import Progress, print_json
from chipzinc.errors import InputError
from chipzinc.wording import counted

if TYPE_CHECKING:
    from chipzinc.rule_lint import Finding
    from chipzinc.rules.catalogue import Rule


def new_rule(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new rule's name, such as my_rule.")],
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Write it here, where the hardware spec is.")
    ] = Path(),
    as_json: options.Json = False,
) -> None:
    """Write a rule to begin with: commented, working, with cases that pass."""
    from chipzinc.rules.fresh import new_rule_text

    text, file = new_rule_text(name), folder / f"{name}.mzn"
    try:
        with file.open("x", encoding="utf-8") as fresh:
            fresh.write(text)
    except FileExistsError as error:
        raise InputError("is there already, and stays as it is", file=file) from error
    if as_json:
        print_json({"rule": name, "file": file})
        return
    print(f"{file} written. Select it in a spec in the same folder:\n")
    print(f"rules:\n  - name: {name}\n    parameters: {{kind: softmax, limit: 1}}\n")
    print(f"Check it: chipzinc rules lint {file}")
    print(f"Try its cases: chipzinc rules test {name} --hw SPEC")


def lint_rules(
    rule: Annotated[
        str | None, typer.Argument(metavar="RULE", help="A rule's name or file; all rules without it.")
    ] = None,
    hardware: options.Hardware = None,
    as_json: options.Json = False,
) -> int:
    """Check rule files as MiniZinc reads them, without solving. Exit code 1 where one has an error."""
    from chipzinc.hardware.load import find_spec
    from chipzinc.rule_lint import lint_rule
    from chipzinc.rules.catalogue import all_rules, find_rule, read_rule
    from chipzinc.solve import Session

    spec = None if hardware is None else find_spec(hardware)
    if rule is None:
        rules = all_rules(spec)
    elif rule.endswith(".mzn"):
        rules = [read_rule(Path(rule))]
    else:
        rules = [find_rule(rule, spec)]
    found: list[tuple[Rule, list[Finding]]] = []
    with Progress() as progress, Session(solver="gecode") as session:
        for each in rules:
            progress(f"checking {each.name}")
            found.append((each, lint_rule(session, each)))
    passed = not any(finding.severity == "error" for _, findings in found for finding in findings)
    if as_json:
        print_json({"passed": passed, "rules": [_described(each, findings) for each, findings in found]})
    else:
        _print(found)
    return 0 if passed else 1


def _described(rule: Rule, findings: list[Finding]) -> dict[str, Any]:
    return {"rule": rule.name, "file": rule.path, "findings": [vars(finding) for finding in findings]}


def _print(found: list[tuple[Rule, list[Finding]]]) -> None:
    for rule, findings in found:
        for finding in findings:
            place = ":".join(str(part) for part in (rule.path, finding.line, finding.column) if part is not None)
            print(f"{place}: {finding.severity}: {finding.message}")
            print(shown_place(rule.path, finding.line, finding.column), end="")
    clean = sum(not findings for _, findings in found)
    print(f"{counted(len(found), 'rule')} checked, {clean} of them without anything to say.")
