"""`RawGraph`: what every importer hands over, a model as the exporter spelt it.

Knows nothing of file formats; `chipzinc.graph.build` turns it into an `OpGraph`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Value:
    """Static shape and width of one named value.

    Attributes:
        shape: sizes, outermost first.
        bits: bits of one element.
        index: whether the elements are indices or truth values (64-bit integers, booleans), which compilers turn into
            addresses, and not data or quantised weights.
    """

    shape: tuple[int, ...]
    bits: int
    index: bool = False


@dataclass(frozen=True)
class Stored:
    """A tensor that travels with the model.

    Attributes:
        identity: names that share one identity share one tensor (tied weights).
        trained: a parameter; ops on parameters stay ops. Ops on other stored tensors (buffers, tables, indices)
            are folded, as every compiler folds them.
    """

    identity: str
    trained: bool


@dataclass(frozen=True)
class RawNode:
    """One operation as exported.

    Attributes:
        name: unique name.
        kind: canonical kind.
        inputs: values read as data, in canonical order (`chipzinc.graph.flops`); shapes, axes and the like are not.
        outputs: values written.
        attributes: what the flop count needs beyond shapes.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RawGraph:
    """A model as exported.

    Attributes:
        name: the model's name.
        values: every value by name.
        inputs: names of the graph's inputs.
        outputs: names of its outputs.
        stored: names of the stored tensors.
        nodes: operations, in any order.
        source: where it came from, for people.
    """

    name: str
    values: Mapping[str, Value]
    inputs: frozenset[str]
    outputs: tuple[str, ...]
    stored: Mapping[str, Stored]
    nodes: tuple[RawNode, ...]
    source: str = ""
