"""`Plan`: what a plan file may hold, and what each part means.

Knows nothing of files; what stands below a field is what editors show of it (`schema.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from chipzinc.graph.opgraph import IntArray, OpGraph

Chip = Annotated[int, Field(strict=True, ge=0)]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class GraphReference(_Fields):
    """The graph that a plan is for."""

    name: str
    """The graph's name."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    """Checksum of the graph's content; a plan for another graph is refused. A hand design may omit it."""

    file: str | None = None
    """Where the graph was read from, relative to the plan; absent for a graph of the zoo."""

    fix_shapes: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)
    """Shapes that its open inputs were given."""


class Down(_Fields):
    """Parts of the package that died."""

    chips: tuple[Chip, ...] = ()
    """Dead chips, by their number in the spec's pipeline order."""

    links: tuple[tuple[Chip, Chip], ...] = ()
    """Dead links, as [from chip, to chip]."""


def _by_name(graph: object) -> object:
    return {"name": graph} if isinstance(graph, str) else graph


class Plan(_Fields):
    """A partition, whole or in part, and how it came about."""

    editor_schema: Annotated[str | None, Field(alias="$schema", exclude=True)] = None
    """Where an editor finds the schema of plans; nothing else reads it."""

    version: Literal[1] = 1
    """Version of this format."""

    graph: Annotated[
        GraphReference | None, BeforeValidator(_by_name, json_schema_input_type=GraphReference | str | None)
    ] = None
    """The graph it partitions; a bare name will do in a hand design."""

    hardware: str | None = None
    """The package: a name in hw_specs/, or a spec file relative to the plan; a placement JSON needs none."""

    down: Down = Field(default_factory=Down)
    """Parts of the package that died; chips keep their numbers, and no op is on a dead one."""

    rules: tuple[str, ...] = ()
    """Names of the rules it was checked against."""

    assignment: Mapping[str, Chip] = Field(default_factory=dict)
    """Chip of each op; a hand design may leave ops out."""

    patterns: Mapping[Pattern, Chip] = Field(default_factory=dict)
    """Chip of every op whose whole name a regular expression matches, for ops that `assignment` leaves out; the first
    that matches decides.
    """

    score: Mapping[str, Any] = Field(default_factory=dict)
    """What was computed for it when it was written."""

    provenance: Mapping[str, Any] = Field(default_factory=dict)
    """How it came about."""


def assignment_of(graph: OpGraph, chips: IntArray) -> dict[str, int]:
    """A partition as a plan's assignment.

    Args:
        graph: the graph.
        chips: chip of each op, -1 for none, shape [op].

    Returns:
        Chip by op name, for the ops that have one.
    """
    return {graph.op_names[op]: int(chips[op]) for op in np.flatnonzero(chips >= 0)}
