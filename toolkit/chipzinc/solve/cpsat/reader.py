"""Reads FlatZinc: declarations, constraints and the solve item, as plain data.

Must not know any solver, nor what a constraint means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chipzinc.errors import InputError

_TOKEN = re.compile(r'"[^"]*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\.|::|[A-Za-z_]\w*|[][(){},:;=]|\S')


class Name(str):
    """What a text calls by its name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A set of integers: inclusive intervals, ascending."""

    intervals: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A constraint or an annotation with its arguments."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable: its domain (None for any integer), and what it equals, if that is said."""

    name: str
    is_bool: bool
    domain: Span | None
    value: Any = None


@dataclass(slots=True)
class Items:
    """All that a FlatZinc text says.

    Args:
        variables: in the order of declaration.
        arrays: named parameters and arrays, constants and names as their elements.
        outputs: name to the index ranges of an array, empty for a single variable.
        constraints: in order.
        goal: ``satisfy``, ``minimize`` or ``maximize``.
        objective: what is optimised.
        search: annotations of the solve item.
        booleans: names of what is printed as true and false.
    """

    variables: list[Variable] = field(default_factory=list)
    arrays: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    constraints: list[Call] = field(default_factory=list)
    goal: str = "satisfy"
    objective: Any = None
    search: list[Any] = field(default_factory=list)
    booleans: set[str] = field(default_factory=set)


def read(text: str) -> Items:
    """Read a FlatZinc text.

    Raises:
        InputError: something in it is no FlatZinc over integers and booleans; says what.
    """
    items = Items()
    tokens = _Tokens(text)
    while tokens.peek():
        first = tokens.take()
        if first == "predicate":
            while tokens.take() != ";":
                pass
            continue
        if first == "constraint":
            items.constraints.append(_call(tokens))
            list(_annotations(tokens))
        elif first == "solve":
            items.search = list(_annotations(tokens))
            items.goal = tokens.take()
            items.objective = None if items.goal == "satisfy" else tokens.expression()
        else:
            _declaration(first, tokens, items)
        tokens.expect(";")
    return items


def _call(tokens: _Tokens) -> Call:
    call = tokens.expression()
    if not isinstance(call, Call):
        raise InputError(f"the flat model has the constraint {call!r}; expected a name with arguments")
    return call


def _annotations(tokens: _Tokens) -> Iterator[Any]:
    while tokens.peek() == "::":
        tokens.take()
        yield tokens.expression()


def _declaration(first: str, tokens: _Tokens, items: Items) -> None:
    is_array = first == "array"
    if is_array:
        while tokens.take() != "of":
            pass
        first = tokens.take()
    is_variable = first == "var"
    kind, domain = _type(tokens.take() if is_variable else first, tokens)
    if kind not in ("int", "bool") and (is_variable or kind != "set"):
        raise InputError(f"the flat model has a {'var ' * is_variable}{kind}; CP-SAT is given integers and booleans")
    tokens.expect(":")
    name = tokens.take()
    for note in _annotations(tokens):
        if note == "output_var":
            items.outputs[name] = ()
        elif isinstance(note, Call) and note.name == "output_array":
            items.outputs[name] = tuple(note.arguments[0])
    value = None
    if tokens.peek() == "=":
        tokens.take()
        value = tokens.expression()
    if kind == "bool":
        items.booleans.add(name)
    if is_variable and not is_array:
        items.variables.append(Variable(name, kind == "bool", domain, value))
    else:
        items.arrays[name] = value


def _type(first: str, tokens: _Tokens) -> tuple[str, Span | None]:
    """Return the kind of value that a type says, and the values it allows."""
    if first == "set":
        tokens.expect("of")
        _type(tokens.take(), tokens)
        return "set", None
    if first in ("int", "bool", "float"):
        return first, None
    domain = tokens.rest_of(first)
    return ("int", domain) if isinstance(domain, Span) else (first, None)


class _Tokens:
    """The words of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self._words = _TOKEN.findall(re.sub(r"(?m)^\s*%.*$", "", text))
        self._next = 0

    def peek(self) -> str:
        return self._words[self._next] if self._next < len(self._words) else ""

    def take(self) -> str:
        word = self.peek()
        if not word:
            raise InputError("the flat model breaks off; expected `;`")
        self._next += 1
        return word

    def expect(self, word: str) -> None:
        found = self.take()
        if found != word:
            raise InputError(f"the flat model has {found!r} where {word!r} is expected")

    def expression(self) -> Any:
        return self.rest_of(self.take())

    def rest_of(self, word: str) -> Any:
        """Return the expression that begins with a word already taken."""
        if word == "[":
            return self._list("]")
        if word == "{":
            return Span(tuple((value, value) for value in sorted(set(self._list("}")))))
        if word in ("true", "false"):
            return word == "true"
        if word[0].isdigit() or word[0] == "-":
            return self._number(word)
        if not (word[0].isalpha() or word[0] in '_"'):
            raise InputError(f"the flat model has {word!r} where a value is expected")
        if self.peek() == "(":
            self.take()
            return Call(word, tuple(self._list(")")))
        return Name(word)

    def _number(self, word: str) -> int | Span:
        try:
            low = int(word)
            if self.peek() != "..":
                return low
            self.take()
            high = int(self.take())
        except ValueError:
            raise InputError(f"the flat model has the number {word}; CP-SAT is given integers") from None
        return Span(((low, high),) if low <= high else ())

    def _list(self, end: str) -> list[Any]:
        found = []
        while self.peek() != end:
            found.append(self.expression())
            if self.peek() == ",":
                self.take()
            elif self.peek() != end:
                raise InputError(f"the flat model has {self.peek()!r} where ',' or {end!r} is expected")
        self.take()
        return found
