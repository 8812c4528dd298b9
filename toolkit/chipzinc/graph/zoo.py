"""The model zoo by name: which graphs there are, how they are split, and the graphs themselves.

Reads the committed table and files only; knows nothing of how `models/make_zoo.py` made them.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

from chipzinc.errors import InputError
from chipzinc.graph.io import load_graph_file
from chipzinc.graph.opgraph import OpGraph
from chipzinc.resources import models_dir

Family = Literal["cnn", "rnn", "transformer", "branching"]
Split = Literal["train", "validation", "test"]

_COUNTS = ("ops", "edges", "flops", "weights")


@dataclass(frozen=True)
class ZooEntry:
    """One row of the table.

    Attributes:
        name: what the command line calls the graph.
        family: ``cnn`` and ``rnn`` are plain; every ``transformer`` and ``branching`` graph is for tests only.
        split: what the graph may be used for.
        ops: ops of the graph, free ones included, replicated ones not.
        edges: distinct (producer, consumer) pairs.
        flops: floating-point operations of one inference.
        weights: weight elements, each shared weight once.
        source: exporter, and the publication that describes the architecture.
        licence: SPDX identifier of the code or file that the graph was exported from.
        sha256: the graph's identity, `chipzinc.graph.io.graph_sha256`.
    """

    name: str
    family: Family
    split: Split
    ops: int
    edges: int
    flops: int
    weights: int
    source: str
    licence: str
    sha256: str


def read_zoo_index(directory: Path) -> tuple[ZooEntry, ...]:
    """Reads the table of a folder of graphs; an empty one where there is none yet."""
    path = directory / "index.tsv"
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return tuple(_entry(row) for row in rows)


def _entry(row: dict[str, Any]) -> ZooEntry:
    return ZooEntry(**(row | {name: int(row[name]) for name in _COUNTS}))


def write_zoo_index(directory: Path, entries: Iterable[ZooEntry]) -> None:
    """Writes the table, in the order given."""
    columns = [field.name for field in fields(ZooEntry)]
    rows = ["\t".join(str(getattr(entry, column)) for column in columns) for entry in entries]
    (directory / "index.tsv").write_text("\n".join(["\t".join(columns), *rows]) + "\n", encoding="utf-8")


@cache
def zoo() -> dict[str, ZooEntry]:
    """Every graph of the zoo by name, in the table's order."""
    return {entry.name: entry for entry in read_zoo_index(zoo_dir())}


def zoo_dir() -> Path:
    """The folder of the graphs and their table."""
    return models_dir() / "graphs"


def zoo_names(*, split: Split | None = None, family: Family | None = None) -> tuple[str, ...]:
    """Names of the graphs of a split and a family, in the table's order; None takes all."""
    return tuple(
        entry.name for entry in zoo().values() if split in (None, entry.split) and family in (None, entry.family)
    )


def load_zoo_graph(name: str) -> OpGraph:
    """Loads a graph of the zoo.

    Raises:
        InputError: the zoo has no such graph (the message offers close names), or its file is damaged.
    """
    if name not in zoo():
        close = difflib.get_close_matches(name, zoo(), n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise InputError(f"the model zoo has no graph {name!r}{hint}")
    return load_graph_file(graph_path(zoo_dir(), name))


def graph_path(directory: Path, name: str) -> Path:
    """The file of a graph in a folder of graphs."""
    return directory / f"{name}.json.gz"
