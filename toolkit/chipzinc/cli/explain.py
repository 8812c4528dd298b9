"""`chipzinc explain`: why no valid partition exists, line by line, and what would help."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.inputs import Inputs, load_inputs, load_planned, parse_time_limit
from chipzinc.cli.output import Progress, print_json
from chipzinc.wording import counted, format_bytes

if TYPE_CHECKING:
    from chipzinc.designs.conflict import Conflict
    from chipzinc.designs.explain import Explanation, Suggestion
    from chipzinc.hardware.yaml import Document, FieldPath
    from chipzinc.plans.design import Design
    from chipzinc.rules.catalogue import SelectedRule

FIELDS = ("valid", "conflicts", "suggestions", "seconds")
SHOWN_MEMBERS = 12


def explain_design(
    subject: Annotated[str, typer.Argument(metavar="PLAN|GRAPH", help="A design, or anything that partition takes.")],
    graph: options.OtherGraph = None,
    hardware: options.Hardware = None,
    solver: options.Solver = "chuffed",
    time_limit: options.TimeLimit = "30s",
    as_json: options.Json = False,
) -> int:
    """Say why a design has no valid completion, or a graph no valid partition, and what would help."""
    import numpy as np

    from chipzinc.designs.completion import mending_task
    from chipzinc.designs.explain import explain
    from chipzinc.grouping import group_ops
    from chipzinc.solve import Session

    begin, limit_s = time.monotonic(), parse_time_limit(time_limit)
    with Progress() as progress:
        progress(f"reading {subject}")
        design: Design | None = None
        if _is_design(Path(subject)):
            inputs, design, chips = load_planned(Path(subject), graph, hardware)
        else:
            inputs = load_inputs(subject, hardware)
            chips = np.full(inputs.graph.n_ops, -1)
        groups = group_ops(inputs.graph, inputs.package)
        task = mending_task(inputs.graph, inputs.package, groups, chips)
        with Session(solver=solver) as session:
            left_s = max(0.1, limit_s - (time.monotonic() - begin))
            found = explain(session, task, groups, solver=solver, time_limit_s=left_s, progress=progress)
    answer = _answer(found, inputs, design) | {"seconds": time.monotonic() - begin}
    if as_json:
        print_json(answer)
    else:
        _print(found, answer)
    return 0 if found.feasible else 1


def _is_design(file: Path) -> bool:
    """Whether the file is a design rather than a graph; one that is missing is what its name's ending says."""
    if file.suffix in (".csv", ".yaml", ".yml"):
        return True
    if not file.is_file() or file.suffix != ".json":
        return False
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(said, dict) and bool(said.keys() & {"assignment", "patterns", "fpgas"})


def _answer(found: Explanation, inputs: Inputs, design: Design | None) -> dict[str, Any]:
    names = inputs.graph.op_names
    return {
        "valid": found.feasible,
        "conflicts": [
            {"minimal": conflict.minimal, "text": conflict.text, "members": list(_members(conflict, inputs, design))}
            for conflict in found.conflicts
        ],
        "more": found.more,
        "suggestions": [
            {
                "change": suggestion.change,
                "to": suggestion.to,
                "not_enough": suggestion.not_enough,
                "proven": suggestion.proven,
                "ops": [names[op] for op in suggestion.ops],
            }
            for suggestion in found.suggestions
        ],
    }


def _members(conflict: Conflict, inputs: Inputs, design: Design | None) -> list[dict[str, Any]]:
    spec = _spec(inputs)
    members = [member for rule in conflict.rules for member in _rule_members(rule, spec, inputs)]
    for op in conflict.given:
        name = inputs.graph.op_names[op]
        members.append({"kind": "op", "op": name} | _given(name, design))
    members += [{"kind": "open op", "op": inputs.graph.op_names[op]} for op in conflict.open]
    return members


def _rule_members(rule: SelectedRule, spec: Document | None, inputs: Inputs) -> list[dict[str, Any]]:
    """The rule, and the entries of its parameters by their lines."""
    source = inputs.package.source
    of_rule = {"kind": "rule", "rule": rule.name, "file": source, "line": rule.use.line}
    of_rule |= {"rule_file": rule.rule.path, "rule_line": rule.rule.line_of(rule.name)}
    members: list[dict[str, Any]] = [of_rule]
    at = _place_in(spec, rule.name)
    for name, value in rule.use.parameters.items():
        written = _written(spec, at, name)
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value) if _is_list(value) else ():
            place = written.index(entry) if isinstance(written, list) and entry in written else key
            line = None if spec is None else _line(spec, ("rules", at, "parameters", name, place))
            shown = f"{key}: {entry}" if isinstance(value, dict) else str(entry)
            members.append(
                {"kind": "parameter", "rule": rule.name, "field": name, "entry": shown, "file": source, "line": line}
            )
    return members


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _spec(inputs: Inputs) -> Document | None:
    from chipzinc.hardware.yaml import read_yaml

    source = inputs.package.source
    return None if source is None or source.suffix not in (".yaml", ".yml") else read_yaml(source)


def _place_in(spec: Document | None, rule: str) -> int:
    """Where the spec's list of rules has a rule."""
    uses = [] if spec is None else spec.data.get("rules", [])
    names = [use if isinstance(use, str) else use["name"] for use in uses]
    return names.index(rule) if rule in names else 0


def _written(spec: Document | None, at: int, name: str) -> Any:
    uses = [] if spec is None else spec.data.get("rules", [])
    use = uses[at] if at < len(uses) else None
    return use.get("parameters", {}).get(name) if isinstance(use, dict) else None


def _line(document: Document, path: FieldPath) -> int | None:
    mark = document.keys.get(path) or document.values.get(path)
    return mark[0] if mark else None


def _given(name: str, design: Design | None) -> dict[str, Any]:
    """The chip that a design gives an op, and the line where it does."""
    if design is None:
        return {}
    document, plan = design.document, design.plan
    if name in plan.assignment:
        path: FieldPath = ("assignment", name)
        return {"chip": plan.assignment[name], "file": document.file, "line": _line(document, path)}
    for pattern, chip in plan.patterns.items():
        if re.fullmatch(pattern, name):
            line = _line(document, ("patterns", pattern))
            return {"chip": chip, "pattern": pattern, "file": document.file, "line": line}
    return {"file": document.file}


def _print(found: Explanation, answer: dict[str, Any]) -> None:
    if found.feasible:
        print("Nothing to explain: a valid partition exists.")
        return
    for number, conflict in enumerate(answer["conflicts"], start=1):
        proof = "nothing can be left out" if conflict["minimal"] else "perhaps not the smallest"
        print(f"Conflict {number} ({proof})" + (f": {conflict['text']}" if conflict["text"] else ""))
        for member in conflict["members"][:SHOWN_MEMBERS]:
            print(f"  {_member(member)}")
        if len(conflict["members"]) > SHOWN_MEMBERS:
            print(f"  ... and {len(conflict['members']) - SHOWN_MEMBERS} more; --json has them all")
    if found.more:
        print(f"{found.more} more violated instances share ops with these; verify lists them.")
    for suggestion in found.suggestions:
        print(_suggestion(suggestion))


def _member(member: dict[str, Any]) -> str:
    line = member.get("line")
    place = f"{member['file']}:{line}: " if member.get("file") and line else ""
    match member["kind"]:
        case "rule":
            return f"{place}rule {member['rule']} ({member['rule_file']}:{member['rule_line']})"
        case "parameter":
            return f"{place}{member['rule']}.{member['field']}: {member['entry']}"
        case "open op":
            return f"{member['op']}, wherever it goes"
    return f"{place}{member['op']} on chip {member['chip']}" if "chip" in member else f"{place}{member['op']}"


def _suggestion(suggestion: Suggestion) -> str:
    sure = "proven" if suggestion.proven else "not proven"
    if suggestion.to is None:
        most = suggestion.not_enough
        what = f"{format_bytes(most)} of SRAM a chip" if suggestion.change == "sram" else counted(most, "chip")
        return f"Not even {what} would be enough by itself ({sure})."
    match suggestion.change:
        case "moves":
            ops = counted(suggestion.to, "op")
            return f"Moving {ops} makes it valid (that fewer cannot is {sure}): chipzinc repair does it."
        case "sram":
            size, less = format_bytes(suggestion.to), format_bytes(suggestion.not_enough)
            return f"{size} of SRAM a chip would be enough (that {less} is not, is {sure})."
        case "chips":
            return f"{suggestion.to} chips would be enough (that {suggestion.not_enough} are not, is {sure})."
