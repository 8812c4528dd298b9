"""The MiniZinc types that a rule's parameters may have, as trees.

Knows MiniZinc's notation only, neither specs nor graphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias


@dataclass(frozen=True)
class Scalar:
    """A single value: ``int``, ``float``, ``bool``, ``string``, ``OP``, ``CHIP``, or a range of numbers."""

    name: str


@dataclass(frozen=True)
class SetOf:
    """A set of values."""

    item: Scalar


@dataclass(frozen=True)
class TupleOf:
    """Values of several types, one after another."""

    fields: tuple[ParameterType, ...]


@dataclass(frozen=True)
class ArrayOf:
    """An array.

    Attributes:
        index_sets: ``int``, ``OP``, ``CHIP`` or another set, one a dimension.
        item: type of its elements.
    """

    index_sets: tuple[str, ...]
    item: ParameterType


ParameterType: TypeAlias = Scalar | SetOf | TupleOf | ArrayOf


@cache
def parse_type(text: str) -> ParameterType:
    """Parses a type as a rule file declares it.

    Raises:
        ValueError: if no value in a spec could be of this type.
    """
    text = " ".join(text.split())
    if array := re.fullmatch(r"(?:array ?\[([^\]]*)\]|list) of (.*)", text):
        index_sets = tuple(part.strip() for part in (array.group(1) or "int").split(","))
        if len(index_sets) > 2:
            raise ValueError(f"the type '{text}' has more than two dimensions")
        return ArrayOf(index_sets, parse_type(array.group(2)))
    if set_ := re.fullmatch(r"set of (.*)", text):
        item = parse_type(set_.group(1))
        if not isinstance(item, Scalar):
            raise ValueError(f"the type '{text}' is no set of plain values")
        return SetOf(item)
    if tuple_ := re.fullmatch(r"tuple ?\((.*)\)", text):
        return TupleOf(tuple(parse_type(part) for part in _fields(tuple_.group(1))))
    if re.match(r"(var|opt|record|any)\b", text):
        raise ValueError(f"a parameter of type '{text}' cannot be given in a spec")
    return Scalar(text.removeprefix("par "))


def _fields(text: str) -> Iterator[str]:
    """The parts between commas that no bracket holds."""
    depth, start = 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    if text[start:].strip():
        yield text[start:]


def has_single_op(type_: ParameterType) -> bool:
    """Whether a value of the type names a certain op, which a part of the graph may lack; a set of ops does not."""
    match type_:
        case Scalar(name):
            return name == "OP"
        case SetOf():
            return False
        case TupleOf(fields):
            return any(has_single_op(field) for field in fields)
        case ArrayOf(_, item):
            return has_single_op(item)
