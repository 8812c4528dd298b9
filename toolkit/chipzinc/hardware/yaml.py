"""YAML with YAML 1.2's numbers and booleans, and the line and column of every value.

Nothing but plain data comes out: no tags, no objects. Knows nothing of what the data means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from chipzinc.errors import InputError

FieldPath = tuple[str | int, ...]
"""Keys and indices from the document's root to a value, such as ``("chips", 0, "sram")``."""

MAX_NODES: Final = 1_000_000
"""Values a document may expand to; aliases of aliases can make a small file enormous."""


@dataclass(frozen=True)
class Document:
    """A YAML document and where its parts stand.

    Attributes:
        data: mappings, lists, text, numbers, booleans and None.
        file: where it was read from, for messages.
        values: 1-based (line, column) of each value.
        keys: 1-based (line, column) of each mapping key, under the path of its value.
    """

    data: Any
    file: Path | None
    values: dict[FieldPath, tuple[int, int]] = field(default_factory=dict)
    keys: dict[FieldPath, tuple[int, int]] = field(default_factory=dict)

    def error(self, message: str, path: FieldPath = (), *, at_key: bool = False) -> InputError:
        """An `InputError` that points at a value, its key, or the nearest thing around it that exists."""
        marks = self.keys if at_key else self.values
        for length in range(len(path), -1, -1):
            mark = marks.get(path[:length]) or self.values.get(path[:length])
            if mark:
                line, column = mark
                return InputError(message, file=self.file, line=line, column=column, field=dotted(path) or None)
        return InputError(message, file=self.file, field=dotted(path) or None)


def dotted(path: FieldPath) -> str:
    """A path as people write it, such as ``chips[0].sram``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_yaml(file: Path) -> Document:
    """Reads a YAML (or JSON) file.

    Raises:
        InputError: if it cannot be read or is no well-formed YAML, with line and column.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text: byte {error.start}", file=file) from error
    return parse_yaml(text, file)


def parse_yaml(text: str, file: Path | None = None) -> Document:
    """Parses one YAML document.

    Raises:
        InputError: on bad syntax, a duplicate or non-text key, or a tag, with line and column.
    """
    try:
        root = yaml.compose(text, Loader=_Yaml12Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = f"not valid YAML: {error.problem or error.context}"
        raise InputError(message, file=file, line=line, column=column) from error
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {' '.join(str(error).split())}", file=file) from error
    except RecursionError as error:
        raise InputError("not valid YAML: nested too deeply", file=file) from error
    document = Document(None, file)
    data = _Builder(document).build(root, ()) if root is not None else None
    return Document(data, file, document.values, document.keys)


class _Yaml12Loader(yaml.SafeLoader):
    """SafeLoader whose plain scalars follow YAML 1.2's core schema, where ``on`` is text and ``1e9`` a number."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012 - the name and type are PyYAML's


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Yaml12Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), list(_first))


class _Builder:
    """Turns composed nodes into data, noting where each stands."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.open: set[int] = set()
        self.count = 0

    def build(self, node: yaml.Node, path: FieldPath) -> Any:
        self.count += 1
        self.document.values[path] = _mark(node)
        if self.count > MAX_NODES:
            raise self.document.error(f"expands to more than {MAX_NODES} values", path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if id(node) in self.open:
            raise self.document.error("an alias stands inside its own anchor", path)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            self._plain(node, "seq", path)
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        self._plain(node, "map", path)
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.document.error("a key has to be plain text", path)
            key = key_node.value
            here = (*path, key)
            if key in result:
                self.document.keys[here] = _mark(key_node)
                raise self.document.error(f"the key '{key}' is given twice", here, at_key=True)
            self.document.keys[here] = _mark(key_node)
            result[key] = self.build(value_node, here)
        return result

    def _scalar(self, node: yaml.ScalarNode, path: FieldPath) -> Any:
        text: str = node.value
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" | "float" as kind:
                return self._number(text, kind, path)
            case _:
                raise self.document.error(f"the tag '{node.tag}' is not allowed", path)

    def _number(self, text: str, kind: str, path: FieldPath) -> int | float:
        try:
            if kind == "int":
                return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
            return float(text if any(character.isdigit() for character in text) else text.replace(".", ""))
        except ValueError as error:
            raise self.document.error(f"not a number: {text[:40]!r}", path) from error

    def _plain(self, node: yaml.Node, kind: str, path: FieldPath) -> None:
        if node.tag != f"tag:yaml.org,2002:{kind}":
            raise self.document.error(f"the tag '{node.tag}' is not allowed", path)


def _mark(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
