"""What a spec says of a rule's parameters, as data for MiniZinc.

A parameter's MiniZinc type, declared in the rule's file, decides how its value in the spec is read: where ops are
wanted, names and regular expressions of ops are welcome; where tuples are wanted, a mapping is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chipzinc.errors import InputError
from chipzinc.graph.names import matching
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import Parameter, SelectedRule
from chipzinc.rules.types import ArrayOf, ParameterType, Scalar, SetOf, TupleOf, parse_type

Path = tuple[str | int, ...]
"""Keys and places from the rule's parameters to a value."""


class _WrongValueError(ValueError):
    """A value that its type does not allow, and where it stands."""

    def __init__(self, message: str, path: Path) -> None:
        self.path = path
        super().__init__(message)


def parameter_data(selected: SelectedRule, graph: OpGraph, package: Package) -> dict[str, Any]:
    """The data of one selected rule, by MiniZinc name.

    Args:
        selected: the rule and what the spec says of it.
        graph: the graph whose ops its parameters may name.
        package: the package whose chips its parameters may name.

    Raises:
        InputError: if a parameter is missing, unknown, of the wrong type, or matches no op.
    """
    declared = {parameter.name: parameter for parameter in selected.rule.parameters}
    given = selected.use.parameters
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise _refusal(selected, package, (name,), f"the rule has no such parameter; its parameters: {known}")
    data = {}
    for name, parameter in declared.items():
        if name not in given:
            message = f"expected a value of type {parameter.type} under 'parameters'"
            raise _refusal(selected, package, (name,), message)
        reader = _Reader(graph, package.n_chips)
        try:
            data[f"{selected.name}_{name}"] = reader.read(_type(selected, parameter), given[name], (name,))
        except _WrongValueError as error:
            raise _refusal(selected, package, error.path, str(error)) from error
    return data


def parameter_part(selected: SelectedRule, data: dict[str, Any], place: Mapping[int, int]) -> dict[str, Any]:
    """The data of a rule's parameters for a part of the graph.

    Args:
        selected: the rule.
        data: what `parameter_data` says for the whole graph.
        place: 1-based number in the part of each op kept, by its 1-based number in the graph. A rule with a single op
            as a parameter has no data for a part.
    """
    part = dict(data)
    for parameter in selected.rule.parameters:
        name = f"{selected.name}_{parameter.name}"
        part[name] = _kept(_type(selected, parameter), data[name], place)
    return part


def op_sets(selected: SelectedRule, data: dict[str, Any]) -> list[list[int]]:
    """The sets of ops among a rule's parameters, single ops too, each sorted and 1-based.

    Args:
        selected: the rule.
        data: what `parameter_data` says.
    """
    return [
        ops
        for parameter in selected.rule.parameters
        for ops in _sets_in(_type(selected, parameter), data[f"{selected.name}_{parameter.name}"])
    ]


def ops_matching(pattern: Any, graph: OpGraph) -> list[int]:
    """Ops whose name is the pattern, or else whose whole name the regular expression matches.

    Raises:
        ValueError: if it is no regular expression or matches no op.
    """
    if isinstance(pattern, int) and not isinstance(pattern, bool):
        pattern = str(pattern)
    if not isinstance(pattern, str):
        raise ValueError(f"expected the name of an op or a regular expression, got {pattern!r}")
    if pattern in graph.op_index:
        return [graph.op_index[pattern]]
    ops = matching(pattern, graph.op_names)
    if not ops:
        raise ValueError(f"'{pattern}' matches no op of the graph '{graph.name}'")
    return list(ops)


@dataclass(frozen=True)
class _Reader:
    """Reads values by their types."""

    graph: OpGraph
    n_chips: int

    def read(self, type_: ParameterType, value: Any, path: Path) -> Any:
        match type_:
            case ArrayOf((index_set,), item):
                return self._array(index_set, item, value, path)
            case ArrayOf(_, item):
                return self._table(item, value, path)
            case SetOf(Scalar("OP")):
                patterns = value if isinstance(value, list) else [value]
                matched = [self._ops(each, _below(path, value, at)) for at, each in enumerate(patterns)]
                return {"set": sorted({op + 1 for ops in matched for op in ops})}
            case SetOf(item):
                items = value if isinstance(value, list) else [value]
                return {
                    "set": sorted({self._scalar(item, one, _below(path, value, at)) for at, one in enumerate(items)})
                }
            case TupleOf(fields):
                if not isinstance(value, list) or len(value) != len(fields):
                    raise _WrongValueError(f"expected a list of {len(fields)} values, got {value!r}", path)
                return [self.read(field, value[at], (*path, at)) for at, field in enumerate(fields)]
            case Scalar():
                return self._scalar(type_, value, path)

    def _array(self, index_set: str, item: ParameterType, value: Any, path: Path) -> list[Any]:
        if isinstance(value, dict) and isinstance(item, TupleOf) and len(item.fields) == 2:
            first, second = item.fields
            return [[self.read(first, key, (*path, key)), self.read(second, value[key], (*path, key))] for key in value]
        if isinstance(value, dict) and index_set == "OP":
            return self._per_op(item, value, path)
        if not isinstance(value, list):
            mapping = " or a mapping" if index_set == "OP" or isinstance(item, TupleOf) else ""
            raise _WrongValueError(f"expected a list{mapping}, got {value!r}", path)
        wanted = {"OP": self.graph.n_ops, "CHIP": self.n_chips}.get(index_set, len(value))
        if len(value) != wanted:
            raise _WrongValueError(f"{len(value)} values, expected one for each of {wanted}", path)
        return [self.read(item, each, (*path, at)) for at, each in enumerate(value)]

    def _per_op(self, item: ParameterType, value: Mapping[str, Any], path: Path) -> list[Any]:
        """A value for every op, from patterns; where several match, the last one counts."""
        found: dict[int, Any] = {}
        for pattern, each in value.items():
            read = self.read(item, each, (*path, pattern))
            found.update(dict.fromkeys(self._ops(pattern, (*path, pattern)), read))
        silent = [name for op, name in enumerate(self.graph.op_names) if op not in found]
        if silent:
            raise _WrongValueError(f"no pattern matches the op '{silent[0]}': expected a value for every op", path)
        return [found[op] for op in range(self.graph.n_ops)]

    def _table(self, item: ParameterType, value: Any, path: Path) -> list[list[Any]]:
        """Rows of the same length; rows of sets are filled up with empty ones."""
        if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
            raise _WrongValueError(f"expected a list of lists, got {value!r}", path)
        rows = [[self.read(item, each, (*path, at, n)) for n, each in enumerate(row)] for at, row in enumerate(value)]
        width = max((len(row) for row in rows), default=0)
        if not isinstance(item, SetOf) and any(len(row) != width for row in rows):
            raise _WrongValueError("expected rows of the same length", path)
        return [row + [{"set": []} for _ in range(width - len(row))] for row in rows]

    def _scalar(self, type_: Scalar, value: Any, path: Path) -> Any:
        if type_.name == "OP":
            ops = self._ops(value, path)
            if len(ops) != 1:
                raise _WrongValueError(f"'{value}' matches {len(ops)} ops, expected one", path)
            return ops[0] + 1
        if type_.name == "string":
            if not isinstance(value, (str, int, float)):
                raise _WrongValueError(f"expected text, got {value!r}", path)
            return str(value)
        if type_.name == "bool":
            if not isinstance(value, bool):
                raise _WrongValueError(f"expected true or false, got {value!r}", path)
            return value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise _WrongValueError(f"expected a number, got {value!r}", path)
        if type_.name == "float":
            return float(value)
        if value != int(value):
            raise _WrongValueError(f"expected a whole number, got {value!r}", path)
        if type_.name == "CHIP" and not 0 <= value < self.n_chips:
            raise _WrongValueError(f"there is no chip {value}: expected one of 0 to {self.n_chips - 1}", path)
        return int(value)

    def _ops(self, pattern: Any, path: Path) -> list[int]:
        try:
            return ops_matching(pattern, self.graph)
        except ValueError as error:
            raise _WrongValueError(str(error), path) from error


def _below(path: Path, value: Any, at: int) -> Path:
    """The path of a list's entry; that of the value itself where it is no list."""
    return (*path, at) if isinstance(value, list) else path


def _type(selected: SelectedRule, parameter: Parameter) -> ParameterType:
    try:
        return parse_type(parameter.type)
    except ValueError as error:
        raise InputError(str(error), file=selected.rule.path, field=f"{selected.name}_{parameter.name}") from error


def _refusal(selected: SelectedRule, package: Package, path: Path, message: str) -> InputError:
    """An error at the value, or at the nearest thing around it whose place is known."""
    places = selected.use.places
    line, column = selected.use.line, None
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            line, column = places[path[:length]]
            break
    field = f"rules.{selected.name}.{path[0]}"
    return InputError(message, file=package.source, line=line, column=column, field=field)


def _kept(type_: ParameterType, data: Any, place: Mapping[int, int]) -> Any:
    match type_:
        case SetOf(Scalar("OP")):
            return {"set": sorted(place[op] for op in data["set"] if op in place)}
        case TupleOf(fields):
            return [_kept(field, each, place) for field, each in zip(fields, data, strict=True)]
        case ArrayOf(("OP",), item):
            return [_kept(item, data[op - 1], place) for op in sorted(place, key=lambda op: place[op])]
        case ArrayOf((_,), item):
            return [_kept(item, each, place) for each in data]
        case ArrayOf(_, item):
            return [[_kept(item, each, place) for each in row] for row in data]
        case _:
            return data


def _sets_in(type_: ParameterType, data: Any) -> Iterator[list[int]]:
    match type_:
        case SetOf(Scalar("OP")):
            yield data["set"]
        case Scalar("OP"):
            yield [data]
        case TupleOf(fields):
            for field, each in zip(fields, data, strict=True):
                yield from _sets_in(field, each)
        case ArrayOf((_,), item):
            for each in data:
                yield from _sets_in(item, each)
        case ArrayOf(_, item):
            for each in (each for row in data for each in row):
                yield from _sets_in(item, each)
        case _:
            pass
