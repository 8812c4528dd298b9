"""From what a user names as a graph to an `OpGraph`: a file of any format read here, or a name of the model zoo.

Knows which importer reads which file, and nothing of what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from chipzinc.errors import InputError
from chipzinc.graph.importers.placement import import_placement, is_placement_document
from chipzinc.graph.io import graph_of_document, is_graph_document, read_json
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import load_zoo_graph

FixedShapes = Mapping[str, tuple[int, ...]]

_LARGEST_SIZE = 2**31 - 1

_FILE_ENDINGS = (".onnx", ".pt2", ".json", ".gz")


@dataclass(frozen=True, eq=False)
class LoadedGraph:
    """A graph, with what came along with it.

    Attributes:
        graph: the graph.
        path: the file it was read from; None for a zoo graph.
        placement: a placement JSON's object, from which `chipzinc.hardware.placement` makes the package it carries.
    """

    graph: OpGraph
    path: Path | None = None
    placement: Mapping[str, Any] | None = None


def load_graph(
    argument: str | Path, *, fix_shapes: FixedShapes | None = None, level: Literal["ops", "modules"] = "ops"
) -> LoadedGraph:
    """Loads a graph file, an .onnx or .pt2 file, a placement JSON, a Hugging Face config, or a zoo graph by name.

    Args:
        argument: a path, or the name of a zoo graph; a path wins where both exist.
        fix_shapes: shapes of inputs that an .onnx or .pt2 file leaves open.
        level: how finely a torch program or configuration is cut into ops.

    Raises:
        InputError: there is no such file or name (close names are offered), or the file is not valid.
    """
    path = Path(argument)
    text = str(argument)
    if not path.exists():
        if os.sep in text or path.suffix in _FILE_ENDINGS:
            raise InputError("no such file", file=path)
        _refuse_fixed_shapes(fix_shapes, text)
        return LoadedGraph(load_zoo_graph(text))
    if path.suffix == ".onnx":
        from chipzinc.graph.importers.onnx_file import import_onnx

        return LoadedGraph(import_onnx(path, fix_shapes=fix_shapes), path)
    if path.suffix == ".pt2":
        from chipzinc.graph.importers.torch_export import import_pt2

        return LoadedGraph(import_pt2(path, level=level, fix_shapes=fix_shapes), path)
    _refuse_fixed_shapes(fix_shapes, text)
    return _load_json(path / "config.json" if path.is_dir() else path, level)


def parse_fix_shapes(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Parses ``name=1,3,640,640``, once per input.

    Raises:
        InputError: a text has another form, a size is no whole number in range, or an input is named twice.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        parts = [part.strip() for part in sizes.split(",")]
        if not equals or not name or not all(part.isdecimal() and 0 < int(part) <= _LARGEST_SIZE for part in parts):
            message = f"expected name=1,3,640,640 with whole numbers from 1 to {_LARGEST_SIZE}, got {text!r}"
            raise InputError(message, field="--fix-shape")
        if name in shapes:
            raise InputError(f"names input {name!r} twice", field="--fix-shape")
        shapes[name] = tuple(int(part) for part in parts)
    return shapes


def _refuse_fixed_shapes(fix_shapes: FixedShapes | None, argument: str) -> None:
    if fix_shapes:
        raise InputError(f"is for .onnx and .pt2 files; the shapes of {argument!r} are settled", field="--fix-shape")


def _load_json(path: Path, level: Literal["ops", "modules"]) -> LoadedGraph:
    document = read_json(path)
    if is_graph_document(document):
        return LoadedGraph(graph_of_document(document, path), path)
    if is_placement_document(document):
        return LoadedGraph(import_placement(document, path), path, document)
    if isinstance(document, dict) and "model_type" in document:
        from chipzinc.graph.importers.hugging_face import import_config_file

        return LoadedGraph(import_config_file(path, level=level), path)
    message = "is neither a graph file, a placement JSON nor a Hugging Face configuration"
    raise InputError(message, file=path)
