"""`Pipelines`: a family of ideals of one graph on one package, ready for the dynamic program, and what it gives chips.

Says which stages the package's rules leave; knows no bound and no hint.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.bottleneck import Stages, Table, shortest, stages_in_any_order, stages_in_order
from chipzinc.ideals.items import ChipTypes, Items, chip_types, hard, make_items
from chipzinc.ideals.lattice import Ideal, Lattice, all_ideals
from chipzinc.ideals.loads import SliceLoads


@dataclass(frozen=True, eq=False)
class Ordered:
    """A graph's items on a package, before ideals are chosen.

    Attributes:
        graph: the graph.
        package: the package.
        types: the package's chips by type.
        items: the graph's items.
    """

    graph: OpGraph
    package: Package
    types: ChipTypes
    items: Items

    @classmethod
    def of(
        cls,
        graph: OpGraph,
        package: Package,
        *,
        group_of: IntArray | None = None,
        left_out: BoolArray | None = None,
    ) -> Ordered:
        """Makes items of a graph's ops; see `make_items`. Without groups, views are left out at least."""
        types = chip_types(graph, package)
        if group_of is None:
            left_out = _views(graph) if left_out is None else _views(graph) | left_out
        return cls(graph, package, types, make_items(graph, package, types, group_of=group_of, left_out=left_out))

    def every_ideal(self, limit: int, deadline: float | None = None) -> list[Ideal] | None:
        """All ideals, or None if there are more than `limit`."""
        return all_ideals(self.items.n_items, self.items.precedes, limit, deadline)

    def chips(self, chip_of_item: IntArray) -> IntArray:
        """Chip of each op, shape [op], by that of each item, shape [item].

        Ops without an item share the chip of the first op before them that has one, else of the first one after.
        """
        item_of = self.items.item_of
        chips = np.full(self.graph.n_ops, -1, dtype=np.int64)
        chips[item_of >= 0] = chip_of_item[item_of[item_of >= 0]]
        for source, target in self.graph.edges.tolist():
            if chips[target] < 0:
                chips[target] = chips[source]
        for source, target in self.graph.edges[::-1].tolist():
            if chips[source] < 0:
                chips[source] = chips[target]
        return np.maximum(chips, 0)

    def restrict(self, chips: IntArray) -> IntArray:
        """Chip of each item, shape [item], by that of its first op; of ops, shape [op]."""
        rows = np.flatnonzero(self.items.item_of >= 0)
        _, first = np.unique(self.items.item_of[rows], return_index=True)
        return np.asarray(chips[rows[first]])

    def pipelines(
        self, ideals: Iterable[Ideal], *, no_jumps: bool = False, any_order: bool = False, skipping: bool = False
    ) -> Pipelines:
        """The pipelines whose chips are slices between some ideals.

        Args:
            ideals: the ideals.
            no_jumps: forbid edges that pass over a whole chip.
            any_order: chips may come in another order than that of their numbers.
            skipping: a chip may have no slice.
        """
        lattice = Lattice.of(ideals, self.items.n_items)
        loads = SliceLoads(self.items, self.types, self.package, lattice, no_jumps=no_jumps)
        stages = stages_in_any_order(self.types) if any_order else stages_in_order(self.types, skipping=skipping)
        return Pipelines(self, loads, stages)


@dataclass(frozen=True, eq=False)
class Pipelines:
    """The pipelines over a family of ideals.

    Attributes:
        ordered: the graph and the package.
        loads: costs of slices.
        stages: orders of chips.
    """

    ordered: Ordered
    loads: SliceLoads
    stages: Stages

    def shortest(
        self, start_us: float, *, floor_us: float = 0.0, deadline: float | None = None, most_us: float = np.inf
    ) -> tuple[float, Table | None]:
        """See `chipzinc.ideals.bottleneck.shortest`."""
        return shortest(self.loads, self.stages, start_us, floor_us=floor_us, deadline=deadline, most_us=most_us)

    @property
    def floor_us(self) -> float:
        """No pipeline over any ideals is shorter: the largest item, and the work over all chips."""
        types, items = self.ordered.types, self.ordered.items
        least = np.where(items.refused, np.inf, items.time_us).min(axis=1, initial=np.inf)
        share = float(self.loads.work_us[-1]) / len(types.type_of) if len(types.chip) == 1 else 0.0
        return max(float(least[np.isfinite(least)].max(initial=0.0)), share)

    def load_us(self, slices: list[tuple[int, int, int]]) -> float:
        """What the longest of some slices (ideal before, ideal after, chip) takes, or a link between them, in µs."""
        types, loads = self.ordered.types, self.loads
        longest = 0.0
        for before, after, chip in slices:
            load = loads.block(slice(before, before + 1), slice(after, after + 1))[types.type_of[chip], 0, 0]
            link = loads.cut_bytes[after] / max(float(types.cut_bytes_per_us[chip]), np.finfo(float).tiny)
            longest = max(longest, float(load), float(link))
        return longest

    def chips(self, slices: list[tuple[int, int, int]]) -> IntArray:
        """Chip of each op in a pipeline of slices (ideal before, ideal after, chip), shape [op]."""
        has = self.loads.lattice.has
        chip_of_item = np.zeros(self.ordered.items.n_items, dtype=np.int64)
        for before, after, chip in slices:
            chip_of_item[has[after] & ~has[before]] = chip
        return self.ordered.chips(chip_of_item)


def _views(graph: OpGraph) -> BoolArray:
    """Free ops that cost nothing where the one op is that they read; shape [op]."""
    reads = np.bincount(graph.edges[:, 1], minlength=graph.n_ops)
    uses = np.bincount(graph.weight_users.ids, minlength=graph.n_ops)
    return np.asarray(graph.op_free & (reads <= 1) & (uses == 0))


def may_skip(package: Package) -> bool:
    """Whether a chip may stay empty before one that is used."""
    return not hard(package, "no_skipped_chips")
