"""What a spec says of a rule's parameters, as data for MiniZinc.

A parameter's MiniZinc type, declared in the rule's file, decides how its value in the spec is read: where ops are
wanted, names and regular expressions of ops are welcome.
"""

from __future__ import annotations

import re
from typing import Any

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.rules.catalogue import Parameter, SelectedRule


def parameter_data(selected: SelectedRule, graph: OpGraph, *, source: Any = None) -> dict[str, Any]:
    """The data of one selected rule, by MiniZinc name.

    Args:
        selected: the rule and what the spec says of it.
        graph: the graph whose ops its parameters may name.
        source: the spec's file, for messages.

    Raises:
        InputError: if a parameter is missing, unknown, of the wrong type, or matches no op.
    """
    declared = {parameter.name: parameter for parameter in selected.rule.parameters}
    given = selected.use.parameters

    def refuse(name: str, message: str) -> InputError:
        return InputError(message, file=source, line=selected.use.line, field=f"rules.{selected.name}.{name}")

    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise refuse(name, f"the rule has no such parameter; its parameters: {known}")
    data = {}
    for name, parameter in declared.items():
        if name not in given:
            raise refuse(name, f"expected a value of type {parameter.type}")
        try:
            data[f"{selected.name}_{name}"] = _value(given[name], parameter, graph)
        except ValueError as error:
            raise refuse(name, str(error)) from error
    return data


def _value(value: Any, parameter: Parameter, graph: OpGraph) -> Any:
    kind = parameter.type
    array = re.fullmatch(r"array ?\[[^\]]*\] of (.*)", kind)
    if array:
        if not isinstance(value, list):
            raise ValueError(f"expected a list, got {value!r}")
        return [_scalar(item, array.group(1), graph) for item in value]
    return _scalar(value, kind, graph)


def _scalar(value: Any, kind: str, graph: OpGraph) -> Any:
    if kind == "set of OP":
        patterns = value if isinstance(value, list) else [value]
        return {"set": sorted({op + 1 for pattern in patterns for op in ops_matching(pattern, graph)})}
    if kind == "OP":
        ops = ops_matching(value, graph)
        if len(ops) != 1:
            raise ValueError(f"'{value}' matches {len(ops)} ops, expected one")
        return ops[0] + 1
    if kind.startswith("set of "):
        items = value if isinstance(value, list) else [value]
        return {"set": sorted(_scalar(item, kind.removeprefix("set of "), graph) for item in items)}
    if kind == "string":
        return str(value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, got {value!r}")
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"expected a number, got {value!r}")
    if kind != "float" and value != int(value):
        raise ValueError(f"expected a whole number, got {value!r}")
    return float(value) if kind == "float" else int(value)


def ops_matching(pattern: Any, graph: OpGraph) -> list[int]:
    """Ops whose name is the pattern, or else whose whole name the regular expression matches.

    Raises:
        ValueError: if it is no regular expression or matches no op.
    """
    if not isinstance(pattern, str):
        raise ValueError(f"expected the name of an op or a regular expression, got {pattern!r}")
    if pattern in graph.op_index:
        return [graph.op_index[pattern]]
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from error
    ops = [op for op, name in enumerate(graph.op_names) if expression.fullmatch(name)]
    if not ops:
        raise ValueError(f"'{pattern}' matches no op of the graph '{graph.name}'")
    return ops
