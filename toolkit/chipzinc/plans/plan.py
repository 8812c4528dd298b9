"""`Plan`: what a plan file may hold, and what each part means.

Knows nothing of files; `plan.schema.json` beside this module is generated from it.
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


class GraphReference(BaseModel):
    """The graph that a plan is for.

    Attributes:
        name: the graph's name.
        sha256: checksum of the graph's content; a plan for another graph is refused. A hand design may omit it.
        file: where the graph was read from, relative to the plan; absent for a graph of the zoo.
        fix_shapes: shapes that its open inputs were given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None
    file: str | None = None
    fix_shapes: Mapping[str, tuple[int, ...]] = Field(default_factory=dict)


class Down(BaseModel):
    """Parts of the package that died.

    Attributes:
        chips: dead chips, by their number in the spec's pipeline order.
        links: dead links, as [from chip, to chip].
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    chips: tuple[Chip, ...] = ()
    links: tuple[tuple[Chip, Chip], ...] = ()


class Plan(BaseModel):
    """A partition, whole or in part, and how it came about.

    Attributes:
        version: version of this format.
        graph: the graph it partitions; a bare name will do in a hand design.
        hardware: the package: a name in hw_specs/, or a spec file relative to the plan; a placement JSON needs none.
        down: parts of the package that died; chips keep their numbers, and no op is on a dead one.
        rules: names of the rules it was checked against.
        assignment: chip of each op; a hand design may leave ops out.
        patterns: chip of every op whose whole name a regular expression matches, for ops that `assignment` leaves
            out; the first that matches decides.
        score: what was computed for it when it was written.
        provenance: how it came about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    graph: Annotated[
        GraphReference | None, BeforeValidator(lambda value: {"name": value} if isinstance(value, str) else value)
    ] = None
    hardware: str | None = None
    down: Down = Field(default_factory=Down)
    rules: tuple[str, ...] = ()
    assignment: Mapping[str, Chip] = Field(default_factory=dict)
    patterns: Mapping[Pattern, Chip] = Field(default_factory=dict)
    score: Mapping[str, Any] = Field(default_factory=dict)
    provenance: Mapping[str, Any] = Field(default_factory=dict)


def plan_json_schema() -> dict[str, Any]:
    """The JSON Schema of plan files."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Plan.model_json_schema()}


def assignment_of(graph: OpGraph, chips: IntArray) -> dict[str, int]:
    """A partition as a plan's assignment.

    Args:
        graph: the graph.
        chips: chip of each op, -1 for none, shape [op].

    Returns:
        Chip by op name, for the ops that have one.
    """
    return {graph.op_names[op]: int(chips[op]) for op in np.flatnonzero(chips >= 0)}
