"""From what a command line or a plan names to a graph and a package.

Knows where names are looked for; what is in the files is the library's business.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.graph.load import FixedShapes
    from chipzinc.graph.opgraph import IntArray, OpGraph
    from chipzinc.hardware.package import Package
    from chipzinc.plans.design import Design
    from chipzinc.plans.plan import GraphReference


@dataclass(frozen=True)
class Inputs:
    """A graph and a package, and how to name them in a plan.

    Attributes:
        graph: the graph.
        package: the package.
        sha256: the graph's checksum.
        graph_file: the file that the graph was read from; None for a zoo graph.
        fix_shapes: shapes that its open inputs were given.
        hardware: what the user called the package; None where the graph's file carries it.
    """

    graph: OpGraph
    package: Package
    sha256: str
    graph_file: Path | None
    fix_shapes: FixedShapes
    hardware: str | None

    def graph_reference(self, plan: Path | None) -> GraphReference:
        """How a plan at a place names the graph; without a place, by its absolute path."""
        from chipzinc.plans.plan import GraphReference

        file = None if self.graph_file is None else _seen_from(self.graph_file, plan)
        return GraphReference(name=self.graph.name, sha256=self.sha256, file=file, fix_shapes=self.fix_shapes)

    def hardware_reference(self, plan: Path | None) -> str | None:
        """How a plan at a place names the package."""
        if self.hardware is None or not Path(self.hardware).is_file():
            return self.hardware
        return _seen_from(Path(self.hardware), plan)


def load_inputs(graph: str, hardware: str | None, fix_shape: list[str] | None = None) -> Inputs:
    """Loads what a command line names.

    Raises:
        InputError: if either is missing or wrong, or a graph that carries its package is given another.
    """
    from chipzinc.graph.load import parse_fix_shapes

    return _load(graph, hardware, parse_fix_shapes(fix_shape or ()))


def load_planned(plan: Path, graph: str | None, hardware: str | None) -> tuple[Inputs, Design, IntArray]:
    """Loads a design with the graph and the package it names, unless others are given.

    Args:
        plan: the design's file.
        graph: a graph instead of the plan's.
        hardware: a package instead of the plan's.

    Returns:
        The inputs, the design, and the chip it gives each op, -1 for none, shape [op].

    Raises:
        InputError: if one is missing or wrong, or the plan is for another graph.
    """
    from chipzinc.plans.files import load_design

    design = load_design(plan)
    reference = design.plan.graph
    fix_shapes: FixedShapes = {}
    if graph is None:
        if reference is None:
            raise InputError("names no graph: give one with --graph", file=plan, field="graph")
        graph = reference.name if reference.file is None else str(plan.parent / reference.file)
        fix_shapes = reference.fix_shapes
    if hardware is None and design.plan.hardware is not None:
        beside = plan.parent / design.plan.hardware
        hardware = str(beside) if beside.is_file() else design.plan.hardware
    inputs = _load(graph, hardware, fix_shapes)
    return inputs, design, design.chips(inputs.graph, inputs.package, inputs.sha256)


def parse_time_limit(text: str) -> float:
    """Reads a time limit, in seconds.

    Raises:
        InputError: if it is no time above 0 with a unit.
    """
    from chipzinc.units import MICROSECONDS, parse_quantity

    try:
        seconds = parse_quantity(text, MICROSECONDS, "30s") / 1e6
    except InputError as error:
        raise InputError(error.message, field="--time-limit") from None
    if seconds <= 0:
        raise InputError("expected a time above 0", field="--time-limit")
    return seconds


def _load(graph: str, hardware: str | None, fix_shapes: Mapping[str, tuple[int, ...]]) -> Inputs:
    from chipzinc.graph.io import graph_sha256
    from chipzinc.graph.load import load_graph
    from chipzinc.hardware.load import load_spec
    from chipzinc.hardware.placement import placement_package

    loaded = load_graph(graph, fix_shapes=fix_shapes)
    if loaded.placement is not None:
        if hardware is not None:
            raise InputError("carries its own package: leave --hw out", file=loaded.path)
        package = placement_package(loaded.placement, loaded.path)
    elif hardware is None:
        raise InputError("expected a package, such as --hw mcm36-ring")
    else:
        package = load_spec(hardware)
    return Inputs(loaded.graph, package, graph_sha256(loaded.graph), loaded.path, fix_shapes, hardware)


def _seen_from(file: Path, plan: Path | None) -> str:
    """A file's path relative to a plan's folder."""
    if plan is None:
        return str(file.resolve())
    return os.path.relpath(file.resolve(), plan.resolve().parent)
