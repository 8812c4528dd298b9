"""The values that a field of a spec takes one after another, and the package that each of them makes.

Knows specs and placement files, no graphs.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipzinc.errors import InputError
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.hardware.spec import MAX_CHIPS
from chipzinc.hardware.yaml import FieldPath, parse_yaml, read_yaml

Value = int | float | str

CHIPS = "chips"
"""Short name of the number of chips; those that come or go are of the last class."""

OF_EVERY_CLASS = ("sram", "sram_bandwidth", "peak", "overhead", "offchip_bandwidth")
"""Short names of a field that every class of chips has."""

LINKS = "links"
"""Short name of `topology.link_bandwidth`."""

MOST_VALUES = 200

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*([A-Za-zµ/]*)")


@dataclass(frozen=True)
class Sweep:
    """A field of a spec and its values in their order.

    Attributes:
        field: its short name, or its dotted name such as ``chips[0].peak``.
        values: as a spec would have them.
    """

    field: str
    values: tuple[Value, ...]

    def package(self, package: Package, value: Value) -> Package:
        """The package with one of the values; its rules stay.

        Raises:
            InputError: if the spec has no such field, or the value does not suit it.
        """
        try:
            return replace(_with_value(package, self.field, value), rules=package.rules)
        except InputError as error:
            where = "" if error.field in (None, "--sweep", self.field) else f"{error.field}: "
            raise InputError(f"{self.field}={value}: {where}{error.message}", field="--sweep") from error


def parse_sweep(text: str) -> Sweep:
    """Reads a sweep: ``chips=4..36``, ``sram=16MiB..64MiB``, ``links=2GB/s,8GB/s``, ``chips=4..36:8``.

    A range of whole numbers takes every one of them, a range of quantities doubles from the first on; a step after a
    colon says otherwise. Lists and ranges may be mixed.

    Raises:
        InputError: if it cannot be read, or means too many values.
    """
    name, equals, listed = text.partition("=")
    if not equals or not name.strip() or not listed.strip():
        raise InputError(f"expected a field and its values, as in chips=4..36, got {text!r}", field="--sweep")
    values = [value for part in listed.split(",") for value in _values(part.strip())]
    distinct = tuple(dict.fromkeys(values))
    if len(distinct) > MOST_VALUES:
        raise InputError(f"{len(distinct)} values; at most {MOST_VALUES} are swept at a time", field="--sweep")
    return Sweep(name.strip(), distinct)


def _values(part: str) -> list[Value]:
    if ".." not in part:
        value = parse_yaml(part).data
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise InputError(f"expected a value or a range such as 4..36, got {part!r}", field="--sweep")
        return [value]
    ends, _, step = part.partition(":")
    first, last = (_quantity(end) for end in ends.split("..", 1))
    unit = first[1] or last[1]
    if first[1] and last[1] != first[1]:
        raise InputError(f"expected one unit for both ends of a range, got {part!r}", field="--sweep")
    low, high = first[0], last[0]
    by = _quantity(step) if step else None
    if by is not None and by[1] not in ("", unit):
        raise InputError(f"expected a step in {unit or 'no unit'}, got {step!r}", field="--sweep")
    if not low <= high or (by is not None and by[0] <= 0):
        raise InputError(f"expected a range from a smaller to a larger value, got {part!r}", field="--sweep")
    if by is None and not unit and (low % 1 or high % 1):
        raise InputError(f"expected a step, as in {ends}:{(high - low) / 4:g}, got {part!r}", field="--sweep")
    if by is None and unit and low == 0:
        raise InputError(f"expected a range of quantities from above 0, or with a step, got {part!r}", field="--sweep")
    return _between(low, high, by[0] if by else None, unit)


def _between(low: float, high: float, step: float | None, unit: str) -> list[Value]:
    """Values from one to another, both included where the steps meet the last."""
    if step is None and not unit:
        step = 1
    if step is None:
        numbers = [low * 2**k for k in range(int(np.floor(np.log2(high / low) + 1e-9)) + 1)]
    else:
        count = int(np.floor((high - low) / step + 1e-9)) + 1
        if count > MOST_VALUES:
            raise InputError(f"{count} values; at most {MOST_VALUES} are swept at a time", field="--sweep")
        numbers = [low + k * step for k in range(count)]
    if unit:
        return [f"{number:.12g} {unit}" for number in numbers]
    return [int(number) if number % 1 == 0 else float(f"{number:.12g}") for number in numbers]


def _quantity(text: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise InputError(f"expected a number with or without a unit, got {text!r}", field="--sweep")
    return float(match.group(1)), match.group(2)


def _with_value(package: Package, field: str, value: Value) -> Package:
    if package.source is None:
        raise InputError("the package has no file in which a field could be changed", field="--sweep")
    if package.communication == "host" and package.source.suffix == ".json":
        return _with_placement_value(package, field, value)
    document = read_yaml(package.source)
    data = copy.deepcopy(document.data)
    if field == CHIPS:
        _set_chips(data, value)
    elif field in OF_EVERY_CLASS:
        for chip in data["chips"]:
            chip[field] = value
    else:
        _set(data, _path("topology.link_bandwidth" if field == LINKS else field), value)
    return build_package(replace(document, data=data))


def _with_placement_value(package: Package, field: str, value: Value) -> Package:
    """A placement JSON has fields of its own; short names stand for two of them."""
    assert package.source is not None
    data = json.loads(package.source.read_text(encoding="utf-8"))
    known = {CHIPS: "maxFPGAs", "sram": "maxSizePerFPGA"}
    name = known.get(field, field)
    if name not in ("maxFPGAs", "maxCPUs", "maxSizePerFPGA"):
        raise InputError("a placement JSON has chips, sram, maxFPGAs, maxCPUs and maxSizePerFPGA", field="--sweep")
    return placement_package(data | {name: value}, package.source)


def _set_chips(data: dict[str, Any], value: Value) -> None:
    """Gives the package so many chips."""
    if isinstance(value, str) or not 1 <= value <= MAX_CHIPS or value % 1:
        raise InputError(f"expected a whole number from 1 to {MAX_CHIPS}", field="--sweep")
    others = sum(chip["count"] for chip in data["chips"][:-1])
    if value <= others:
        raise InputError(f"the classes before the last have {others} chips already", field="--sweep")
    data["chips"][-1]["count"] = int(value) - others


def _path(dotted: str) -> FieldPath:
    """Keys and indices of a dotted name such as ``chips[0].sram``."""
    if not re.fullmatch(r"[a-z_]+(\[\d+\])*(\.[a-z_]+(\[\d+\])*)*", dotted):
        raise InputError("expected a field's name, such as links or chips[0].peak", field="--sweep")
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|\d+", dotted))


def _set(data: Any, path: FieldPath, value: Value) -> None:
    """Changes a value in place; one that is missing is added to the mapping it belongs to."""
    at = data
    for part in path[:-1]:
        at = _below(at, part)
    last = path[-1]
    if isinstance(at, dict) and isinstance(last, str):
        at[last] = value
        return
    _below(at, last)
    if not isinstance(at, list) or not isinstance(last, int):
        raise InputError(f"there is no '{last}' in the spec", field="--sweep")
    at[last] = value


def _below(at: Any, part: str | int) -> Any:
    try:
        return at[part]
    except (KeyError, IndexError, TypeError):
        raise InputError(f"there is no '{part}' in the spec", field="--sweep") from None
