"""From what a command line or a plan names to a graph and a package.

Knows where names are looked for; what is in the files is the library's business.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.graph.load import FixedShapes
    from chipzinc.graph.opgraph import IntArray, OpGraph
    from chipzinc.hardware.degrade import Degraded
    from chipzinc.hardware.package import Package
    from chipzinc.hardware.yaml import FieldPath
    from chipzinc.plans.design import Design
    from chipzinc.plans.plan import Down, GraphReference


ON_DEAD_CHIP = -2
"""Stands for the chip of an op whose design gives it one that is down."""


def check_files(*files: Path | None) -> None:
    """Refuses files that could not be written, before the work that fills them.

    Raises:
        InputError: if one is a folder, or its folder is missing or may not be written into.
    """
    for file in files:
        if file is None:
            continue
        folder = file.resolve().parent
        if not folder.is_dir():
            raise InputError(f"there is no folder '{file.parent}' to write '{file.name}' into")
        if file.is_dir():
            raise InputError("cannot be written: it is a folder", file=file)
        if not os.access(folder, os.W_OK):
            raise InputError(f"cannot be written: no leave to write into '{file.parent}'", file=file)


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
        degraded: the package's chips by their numbers in the spec, where some are down.
        spec_package: the package before anything was down, where something is.
    """

    graph: OpGraph
    package: Package
    sha256: str
    graph_file: Path | None
    fix_shapes: FixedShapes
    hardware: str | None
    degraded: Degraded | None = None
    spec_package: Package | None = None

    @property
    def whole(self) -> Package:
        """The package as its spec has it."""
        return self.package if self.spec_package is None else self.spec_package

    def in_spec(self, chips: IntArray) -> IntArray:
        """Chips of the package by their numbers in the spec, as plans have them; any shape."""
        return chips if self.degraded is None else self.degraded.kept[chips]

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


def load_planned(
    plan: Path, graph: str | None, hardware: str | None, down: Down | None = None
) -> tuple[Inputs, Design, IntArray]:
    """Loads a design with the graph and the package it names, unless others are given.

    Args:
        plan: the design's file.
        graph: a graph instead of the plan's.
        hardware: a package instead of the plan's.
        down: parts of the package that died, beside those that the plan names.

    Returns:
        The inputs, the design, and the chip of the package that it gives each op, -1 for none, -2 for one that is down,
        shape [op].

    Raises:
        InputError: if one is missing or wrong, or the plan is for another graph.
    """
    from chipzinc.hardware.load import find_spec
    from chipzinc.plans.files import load_design

    design = load_design(plan)
    reference = design.plan.graph
    fix_shapes: FixedShapes = {}
    named: FieldPath | None = None
    if graph is None:
        if reference is None:
            raise InputError("names no graph: give one with --graph", file=plan, field="graph")
        graph = reference.name if reference.file is None else str(plan.parent / reference.file)
        named = ("graph", "name" if reference.file is None else "file")
        fix_shapes = reference.fix_shapes
    if hardware is None and design.plan.hardware is not None:
        beside = plan.parent / design.plan.hardware
        hardware = str(beside) if beside.is_file() else design.plan.hardware
        with _named_in(design, ("hardware",)):
            find_spec(hardware)
    with _named_in(design, named):
        inputs = _load(graph, hardware, fix_shapes)
    chips = design.chips(inputs.graph, inputs.package, inputs.sha256)
    return _degraded(inputs, design, chips, down)


@contextmanager
def _named_in(design: Design, path: FieldPath | None) -> Iterator[None]:
    """Tells of what a design names, and what is not there, at the design's line; nothing is changed without a path.

    Raises:
        InputError: the error at its place.
    """
    try:
        yield
    except InputError as error:
        if path is None or (error.file is not None and Path(error.file).exists()):
            raise
        missing = error.message if error.file is None else f"{error.file}: {error.message}"
        raise design.document.error(missing, path) from error


def _degraded(inputs: Inputs, design: Design, chips: IntArray, down: Down | None) -> tuple[Inputs, Design, IntArray]:
    """The same on what is left of the package."""
    import numpy as np

    from chipzinc.designs.down import renumber_rules
    from chipzinc.hardware.degrade import degrade

    named = [part for part in (design.plan.down, down) if part is not None]
    dead_chips, dead_links = [c for part in named for c in part.chips], [k for part in named for k in part.links]
    if not dead_chips and not dead_links:
        return inputs, design, chips
    left = degrade(inputs.package, dead_chips, dead_links)
    package = renumber_rules(inputs.package, left)
    place = np.where(left.place < 0, ON_DEAD_CHIP, left.place)
    return (
        replace(inputs, package=package, spec_package=inputs.package, degraded=left),
        design,
        np.where(chips < 0, chips, place[chips]),
    )


def parse_down(chips: list[str] | None, links: list[str] | None) -> Down:
    """Reads which chips and links died.

    Raises:
        InputError: if one is not a number, or not two joined by a dash.
    """
    from chipzinc.plans.plan import Down

    def numbers(texts: list[str] | None, form: str, field: str) -> list[tuple[int, ...]]:
        parts = [part.strip() for text in texts or () for part in text.split(",")]
        for part in parts:
            if not re.fullmatch(form, part):
                wanted = "a link such as 3-4" if "-" in form else "the number of a chip"
                raise InputError(f"expected {wanted}, got {part!r}", field=field)
        return [tuple(int(number) for number in part.split("-")) for part in parts]

    dead_links = [(source, target) for source, target in numbers(links, r"\d+-\d+", "--links-down")]
    return Down(chips=tuple(c for (c,) in numbers(chips, r"\d+", "--chips-down")), links=tuple(dead_links))


def parse_time_limit(text: str, field: str = "--time-limit") -> float:
    """Reads a time limit, given by an option, in seconds.

    Raises:
        InputError: if it is no time above 0 with a unit.
    """
    from chipzinc.units import MICROSECONDS, parse_quantity

    try:
        seconds = parse_quantity(text, MICROSECONDS, "30s") / 1e6
    except InputError as error:
        raise InputError(error.message, field=field) from None
    if seconds <= 0:
        raise InputError("expected a time above 0", field=field)
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
