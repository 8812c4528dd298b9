"""`Design`: a plan as it stands in a file, which knows the line of everything it says.

Turns names and patterns into the chip of each op. Knows nothing of rules, solvers or scores.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.names import matching
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.yaml import Document, FieldPath
from chipzinc.plans.plan import Plan
from chipzinc.plans.split import Split

NO_CHIP = -1


@dataclass(frozen=True)
class Design:
    """A partition that someone or something has written down, whole or in part.

    Attributes:
        plan: what the file says; of a split file, what is left of it without a graph: nothing.
        document: where each part of it stands.
        split: the content of a split file, else None.
    """

    plan: Plan
    document: Document
    split: Split | None = None

    def chips(self, graph: OpGraph, package: Package, graph_sha256: str | None = None) -> IntArray:
        """The chip that the design gives each op.

        Args:
            graph: the graph.
            package: the package.
            graph_sha256: checksum of the graph, compared where the design names one.

        Returns:
            Chip of each op, -1 where the design says nothing, shape [op].

        Raises:
            InputError: if it is for another graph, or names an op or a chip that does not exist.
        """
        self._check_graph(graph, graph_sha256)
        chips = np.full(graph.n_ops, NO_CHIP, dtype=np.int64)
        if self.split is not None:
            self._place_split(self.split, graph, package, chips)
            return chips
        self._place_patterns(graph, package, chips)
        for name, chip in self.plan.assignment.items():
            path = ("assignment", name)
            chips[self._op(name, graph, path)] = self._chip(chip, package, path)
        return chips

    def whole(self, chips: IntArray, graph: OpGraph) -> IntArray:
        """The same chips, once every op has one.

        Raises:
            InputError: if an op has none.
        """
        left = np.flatnonzero(chips == NO_CHIP)
        if left.size:
            more = f" (and {left.size - 1} more)" if left.size > 1 else ""
            raise self.document.error(f"gives no chip to the op '{graph.op_names[left[0]]}'{more}", ("assignment",))
        return chips

    def _check_graph(self, graph: OpGraph, graph_sha256: str | None) -> None:
        reference = self.plan.graph
        if reference is None:
            return
        if reference.sha256 is not None and graph_sha256 is not None and reference.sha256 != graph_sha256:
            raise self.document.error(
                f"the plan is for another graph: expected the checksum {graph_sha256[:12]}... of '{graph.name}', "
                f"found {reference.sha256[:12]}...",
                ("graph", "sha256"),
            )

    def _place_patterns(self, graph: OpGraph, package: Package, chips: IntArray) -> None:
        for pattern, chip in self.plan.patterns.items():
            path = ("patterns", pattern)
            try:
                matched = matching(pattern, graph.op_names)
            except ValueError as error:
                raise self.document.error(str(error), path, at_key=True) from error
            if not matched:
                raise self.document.error("matches the name of no op", path, at_key=True)
            number = self._chip(chip, package, path)
            for op in matched:
                if chips[op] == NO_CHIP:
                    chips[op] = number

    def _place_split(self, split: Split, graph: OpGraph, package: Package, chips: IntArray) -> None:
        for field, devices in (("fpgas", split.fpgas), ("cpus", split.cpus)):
            numbers = [chip for chip, name in enumerate(package.chip_class) if f"{name}s" == field]
            for at, device in enumerate(devices):
                for place, node in enumerate(device.nodes):
                    if at >= len(numbers):
                        raise self.document.error(
                            f"the package has {len(numbers)} of these, and the split gives ops to one more", (field, at)
                        )
                    path = (field, at, "nodes", place)
                    op = self._op(str(node), graph, path)
                    if chips[op] not in (NO_CHIP, numbers[at]):
                        raise self.document.error(f"the op '{node}' stands on a second device", path)
                    chips[op] = numbers[at]
        if graph.profile is not None:
            _follow_colour(graph.profile.op_colour, chips)

    def _op(self, name: str, graph: OpGraph, path: FieldPath) -> int:
        op = graph.op_index.get(name)
        if op is not None:
            return op
        if name in graph.replicated:
            raise self.document.error("every chip computes this op for itself: leave it out", path, at_key=True)
        close = difflib.get_close_matches(name, graph.op_names, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise self.document.error(f"the graph '{graph.name}' has no op of this name{hint}", path, at_key=True)

    def _chip(self, chip: int, package: Package, path: FieldPath) -> int:
        if chip >= package.n_chips:
            raise self.document.error(f"'{package.name}' has no chip {chip}: expected 0..{package.n_chips - 1}", path)
        return chip


def _follow_colour(op_colour: IntArray, chips: IntArray) -> None:
    """Gives ops without a chip that of the ops of their colour, as split files leave them out."""
    for op in np.flatnonzero((chips != NO_CHIP) & (op_colour >= 0)):
        same = (op_colour == op_colour[op]) & (chips == NO_CHIP)
        chips[same] = chips[op]
