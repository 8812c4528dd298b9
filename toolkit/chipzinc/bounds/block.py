"""`Blocks`: what one chip of a pipeline may hold, as a mixed-integer program (SciPy's HiGHS).

Under `acyclic_dataflow` or `acyclic_quotient` a chip's items are a block: what lies before it and what lies after it
are ideals and filters, and what it receives and sends follows. Asked for the heaviest block within an interval, the
program's dual bound holds for every chip of every partition.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered

_MARGIN = 1e-6  # by which the solver may miss the dual bound it reports, in units, and a share of all there is to add
_ENOUGH = 0.005  # share between the most work that is proven and that is found, at which to stop
_TIGHT = 0.001  # the same of the time that a block takes
_SHORTEST_S = 0.05
_INFEASIBLE = 2  # among the results of `scipy.optimize.milp`
_MOST_TRIPLES = 10_000
"""Most pairs of an edge and an item beside it that get rows of their own."""

_MOST_ITEMS = 2_500
"""Most items of a graph whose blocks are looked at: tables of pairs of more take long."""


@dataclass(frozen=True)
class Where:
    """Which blocks to look at.

    Attributes:
        inside: an item of the block, -1 for none.
        after: an item that is before the block, -1 for none.
        before: an item that is behind the block, -1 for none.
    """

    inside: int = -1
    after: int = -1
    before: int = -1


class Blocks:
    """The blocks of a graph on chips that are all alike.

    Variables are, for each item, whether it is before the block and whether it is not behind it; for each net whether
    the block receives it and whether it sends it, and whether it passes from what is before the block to the others and
    from the others to what is behind it; for each weight whether the block uses it; and how long it takes, in a unit in
    which a chip's share of the work is about 1, since the solver's tolerances are absolute.

    Args:
        ordered: a graph and a package under a hard `acyclic_dataflow` or `acyclic_quotient`, with chips of one type.

    Attributes:
        time_us: shape [item].
        ahead: whether the item of a column is the row's or before it, shape [item, item].
    """

    def __init__(self, ordered: Ordered) -> None:
        items = ordered.items
        self.time_us: FloatArray = items.time_us[:, 0]
        self.ahead = _ahead(items.n_items, items.precedes)
        share = float(self.time_us.sum()) / len(ordered.types.type_of)
        self._unit_us = max(share, float(self.time_us.max(initial=0.0))) or 1.0
        self._n, self._nets = items.n_items, len(items.nets)
        self._weight_at = 2 * self._n + 4 * self._nets
        self._load_at = self._weight_at + len(items.weight_bytes)
        self._rows, self._slack = Rows(), _MARGIN
        self._order(items.precedes)
        self._transfers(ordered)
        if hard(ordered.package, "triangle_dependency") and hard(ordered.package, "acyclic_dataflow"):
            self._triangles(direct_edges(ordered))
        self._loads(ordered)
        self._cuts(ordered)
        self._memory(ordered)
        self._work_row = self._rows.add_one(*self._work(-1.0), 0.0)
        upto, work = np.arange(self._n), self.time_us / self._unit_us
        self._start_row = self._rows.add_one(upto, work, float(work.sum()))
        self._end_row = self._rows.add_one(self._n + upto, -work, 0.0)
        self._matrix = self._rows.matrix(self._load_at + 1)

    @cached_property
    def between_us(self) -> FloatArray:
        """At most the time of all that lies between two items, these included; 0 if neither is before the other."""
        rounding = 2 * self._n * float(np.finfo(np.float32).eps)
        reach = self.ahead.astype(np.float32)
        later = np.where(self.ahead, (reach * self.time_us.astype(np.float32)) @ reach, 0.0)  # [later, earlier]
        return np.asarray(np.maximum(later, later.T), dtype=np.float64) * (1 - rounding)

    @cached_property
    def until_us(self) -> FloatArray:
        """Time of each item with all that comes before it, shape [item]."""
        return np.asarray(self.ahead @ self.time_us)

    @cached_property
    def since_us(self) -> FloatArray:
        """Time of each item with all that comes after it, shape [item]."""
        return np.asarray(self.time_us @ self.ahead)

    def heaviest_us(self, interval_us: float, where: Where, time_limit_s: float, *, whole: bool = True) -> float:
        """The most work of any block that takes no longer than an interval.

        Args:
            interval_us: the interval.
            where: which blocks.
            time_limit_s: seconds to spend.
            whole: whether items are whole; else the linear relaxation, which is found sooner.

        Returns:
            An upper bound, 0 if there is no block.
        """
        cost = np.zeros(self._load_at + 1)
        np.add.at(cost, *self._work(-1.0))
        least, most = self._fixed(where, interval_us)
        most[-1] = interval_us / self._unit_us + self._slack
        proven = self._solve(cost, least, most, self._rows.limits(), time_limit_s, _ENOUGH, whole=whole)
        return min(interval_us, max(0.0, (self._slack - proven) * self._unit_us))

    def shortest_us(self, where: Where, time_limit_s: float, *, least_work_us: float = 0.0) -> float:
        """The least time of any block that has so much work: a lower bound, infinite if there is none."""
        cost = np.eye(1, self._load_at + 1, self._load_at)[0]
        least, most = self._fixed(where, np.inf)
        most[-1] = np.inf
        limits = self._rows.limits()
        limits[self._work_row] = -least_work_us / self._unit_us
        proven = self._solve(cost, least, most, limits, time_limit_s, _TIGHT)
        return max(0.0, (proven - self._slack) * self._unit_us)

    def farthest_us(self, interval_us: float, start_us: float, beyond_us: float, time_limit_s: float) -> float:
        """Where the block ends that reaches farthest: the work of all that is before its end.

        Args:
            interval_us: what the block takes at most.
            start_us: the most work of all that is before the block.
            beyond_us: an end up to which all are alike; the farther, the sooner it is proven that none is beyond.
            time_limit_s: seconds to spend.

        Returns:
            An upper bound, no less than `beyond_us`.
        """
        unit, n = self._unit_us, self._n
        cost = np.zeros(self._load_at + 1)
        cost[n : 2 * n] = -self.time_us / unit
        least, most = self._within(interval_us, start_us, beyond_us)
        if (least > most).any():
            return beyond_us
        limits = self._rows.limits()
        limits[self._start_row] = start_us / unit + self._slack
        limits[self._end_row] = self._slack - beyond_us / unit
        gap = _TIGHT * interval_us / (start_us + interval_us)
        proven = self._solve(cost, least, most, limits, time_limit_s, gap)
        farthest = min(start_us + interval_us, float(self.time_us.sum()), (self._slack - proven) * unit)
        return max(beyond_us, farthest)

    def _within(self, interval_us: float, start_us: float, beyond_us: float) -> tuple[FloatArray, FloatArray]:
        """Least and most of each variable of a block that begins and ends where `farthest_us` looks."""
        least, most = self._fixed(Where(), interval_us)
        most[-1] = interval_us / self._unit_us + self._slack
        rounding = self._slack * self._unit_us
        latest_us = float(self.time_us.sum()) - self.since_us  # work that is before an item at most
        before, upto = slice(0, self._n), slice(self._n, 2 * self._n)
        most[before][self.until_us > start_us + rounding] = 0
        most[upto][self.until_us > start_us + interval_us + rounding] = 0
        least[upto][latest_us < beyond_us - rounding] = 1
        least[before][latest_us < beyond_us - interval_us - rounding] = 1
        return least, most

    def _solve(
        self,
        cost: FloatArray,
        least: FloatArray,
        most: FloatArray,
        limits: FloatArray,
        time_limit_s: float,
        gap: float,
        *,
        whole: bool = True,
    ) -> float:
        """A lower bound on the cost of any block; infinite if there is none."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        integral = np.zeros(self._load_at + 1)
        integral[: 2 * self._n] = whole
        result = milp(
            c=cost,
            constraints=LinearConstraint(self._matrix, ub=limits),
            integrality=integral,
            bounds=Bounds(least, most),
            options={"time_limit": max(time_limit_s, _SHORTEST_S), "mip_rel_gap": gap},
        )
        if result.status == _INFEASIBLE and "infeasible" in result.message.lower():  # not so a model error
            return np.inf
        proven = result.mip_dual_bound if whole else result.fun
        return -np.inf if proven is None or not np.isfinite(proven) else float(proven)

    def _fixed(self, where: Where, interval_us: float) -> tuple[FloatArray, FloatArray]:
        """Least and most of each variable."""
        n = self._n
        least, most = np.zeros(self._load_at + 1), np.ones(self._load_at + 1)
        before, upto = slice(0, n), slice(n, 2 * n)
        if where.inside >= 0:
            upstream, downstream = self.ahead[where.inside], self.ahead[:, where.inside]
            most[before][downstream] = 0
            least[upto][upstream] = 1
            if np.isfinite(interval_us):
                far = self.between_us[where.inside] > interval_us
                least[before][far & upstream] = 1
                most[upto][far & downstream] = 0
        if where.after >= 0:
            least[before][self.ahead[where.after]] = 1
            least[upto][self.ahead[where.after]] = 1
        if where.before >= 0:
            most[upto][self.ahead[:, where.before]] = 0
            most[before][self.ahead[:, where.before]] = 0
        return least, most

    def _work(self, sign: float) -> tuple[IntArray, FloatArray]:
        """Columns and values of the block's work in units, times a sign."""
        work = sign * self.time_us / self._unit_us
        return np.arange(2 * self._n), np.concatenate([-work, work])

    def _order(self, precedes: IntArray) -> None:
        n, rows = self._n, self._rows
        each = np.arange(n)
        rows.add([(each, 1.0), (n + each, -1.0)], 0.0)
        for shift in (0, n):
            rows.add([(shift + precedes[:, 1], 1.0), (shift + precedes[:, 0], -1.0)], 0.0)

    def _transfers(self, ordered: Ordered) -> None:
        """A net is received if its writer is before the block and a reader inside, sent if a reader is behind it."""
        n, items = self._n, ordered.items
        net, reader = items.nets.rows, items.nets.ids
        writer = items.net_producer[net]
        other = reader != writer
        net, reader, writer = net[other], reader[other], writer[other]
        received, sent = 2 * n + net, 2 * n + self._nets + net
        self._rows.add([(writer, 1.0), (n + reader, 1.0), (reader, -1.0), (received, -1.0)], 1.0)
        self._rows.add([(n + writer, 1.0), (writer, -1.0), (n + reader, -1.0), (sent, -1.0)], 0.0)

    def _triangles(self, edges: IntArray) -> None:
        """An edge does not pass over a block that has an item on another way between its ends."""
        n, rows = self._n, self._rows
        triples = 0
        beside = [np.flatnonzero(self.ahead[v] & self.ahead[:, u]) for u, v in edges.tolist()]
        for place in sorted(range(len(edges)), key=lambda place: len(beside[place])):
            (first, last), items = edges[place].tolist(), beside[place]
            items = items[(items != first) & (items != last)]
            if not len(items):
                continue
            triples += len(items)
            if triples <= _MOST_TRIPLES:
                ones = np.ones(len(items), dtype=np.int64)
                rows.add([(first * ones, 1.0), (n + last * ones, -1.0), (n + items, 1.0), (items, -1.0)], 1.0)
            else:
                count = float(len(items))
                rows.add_one(
                    np.concatenate([[first, n + last], n + items, items]),
                    np.concatenate([[count, -count], np.ones(len(items)), -np.ones(len(items))]),
                    count,
                )

    def _loads(self, ordered: Ordered) -> None:
        """The block takes as long as its work, what it receives and what it sends, or as the longest of the three."""
        n, nets, items, types, package = self._n, self._nets, ordered.items, ordered.types, ordered.package
        rates = [float(types.receive_bytes_per_us[0]), float(types.send_bytes_per_us[0])]
        if items.nets_in_us:
            rates = [1.0, 1.0]
        elif package.communication == "host":
            rates = [float(package.offchip_bytes_per_us[types.chip[0]])] * 2
        if package.on_host is not None and package.on_host[types.chip[0]]:
            rates = [np.inf, np.inf]
        moved = [
            (2 * n + side * nets + np.arange(nets), items.net_size / (rate or np.inf) / self._unit_us)
            for side, rate in enumerate(rates)
        ]
        parts = [self._work(1.0), *moved]
        self._slack += _MARGIN / 10 * float(sum(np.abs(value).sum() for _, value in parts))
        if package.communication != "overlapped":
            parts = [(np.concatenate([column for column, _ in parts]), np.concatenate([value for _, value in parts]))]
        for column, value in parts:
            self._rows.add_one(np.append(column, self._load_at), np.append(value, -1.0), 0.0)

    def _cuts(self, ordered: Ordered) -> None:
        """The links into the block and past it, and those out of it and past it, take no longer than the block."""
        n, nets, items, package = self._n, self._nets, ordered.items, ordered.package
        rate = float(ordered.types.cut_bytes_per_us[:-1].max(initial=0.0))
        hosted = package.communication == "host" or package.on_host is not None
        if hosted or not rate > 0 or not hard(package, "acyclic_dataflow"):
            return
        net, reader = items.nets.rows, items.nets.ids
        writer = items.net_producer[net]
        for side in (0, 1):
            passing = 2 * n + (2 + side) * nets
            self._rows.add([(side * n + writer, 1.0), (side * n + reader, -1.0), (passing + net, -1.0)], 0.0)
            value = items.net_size / rate / self._unit_us
            self._slack += _MARGIN / 10 * float(value.sum())
            self._rows.add_one(np.append(passing + np.arange(nets), self._load_at), np.append(value, -1.0), 0.0)

    def _memory(self, ordered: Ordered) -> None:
        """The weights that the block uses fit a chip."""
        n, items, package = self._n, ordered.items, ordered.package
        room = int(package.sram_bytes[ordered.types.chip[0]])
        resident = package.weights == "resident" and hard(package, "memory_capacity")
        if not resident or items.weight_bytes.sum() <= room:
            return
        weight, user = self._weight_at + items.weights.rows, items.weights.ids
        self._rows.add([(n + user, 1.0), (user, -1.0), (weight, -1.0)], 0.0)
        self._rows.add_one(self._weight_at + np.arange(len(items.weight_bytes)), items.weight_bytes / room, 1 + _MARGIN)


@lru_cache(maxsize=1)
def blocks_of(graph: OpGraph, package: Package) -> Blocks | None:
    """The blocks of a graph's ops, views apart; None if chips differ or there are too many items.

    The last ones are kept, since proofs ask for the same ones in turn.
    """
    ordered = Ordered.of(graph, package)
    return Blocks(ordered) if _are_looked_at(ordered) else None


def has_blocks(graph: OpGraph, package: Package) -> bool:
    """Whether `blocks_of` gives any, which it takes seconds to."""
    return _are_looked_at(Ordered.of(graph, package))


def _are_looked_at(ordered: Ordered) -> bool:
    return len(ordered.types.chip) == 1 and 0 < ordered.items.n_items <= _MOST_ITEMS


class Rows:
    """Rows of matrix @ x <= limit, gathered one after another."""

    def __init__(self) -> None:
        self._row: list[IntArray] = []
        self._column: list[IntArray] = []
        self._value: list[FloatArray] = []
        self._limit: list[FloatArray] = []
        self._count = 0

    def add(self, terms: list[tuple[IntArray, float]], limit: float) -> None:
        """Adds as many rows as each term has columns."""
        count = len(terms[0][0])
        for columns, value in terms:
            self._put(self._count + np.arange(count), columns, np.full(count, value))
        self._limit.append(np.full(count, limit))
        self._count += count

    def add_one(self, columns: IntArray, values: FloatArray, limit: float) -> int:
        """Adds one row and returns its number."""
        self._put(np.full(len(columns), self._count), columns, values)
        self._limit.append(np.array([limit]))
        self._count += 1
        return self._count - 1

    def limits(self) -> FloatArray:
        """A copy of the rows' limits."""
        return np.concatenate(self._limit)

    def matrix(self, width: int) -> Any:  # scipy's sparse arrays have no types
        """The rows as a sparse array."""
        from scipy.sparse import coo_array

        entries = (np.concatenate(self._row), np.concatenate(self._column))
        return coo_array((np.concatenate(self._value), entries), shape=(self._count, width)).tocsr()

    def _put(self, rows: IntArray, columns: IntArray, values: FloatArray) -> None:
        self._row.append(rows)
        self._column.append(columns)
        self._value.append(values)


def _ahead(n: int, precedes: IntArray) -> BoolArray:
    """Whether the item of a column is the row's or before it."""
    ahead = np.eye(n, dtype=bool)
    for earlier, later in precedes[np.argsort(precedes[:, 1], kind="stable")].tolist():
        ahead[later] |= ahead[earlier]
    return ahead


def direct_edges(ordered: Ordered) -> IntArray:
    """Distinct edges between different items, shape [edge, 2]."""
    pairs = ordered.items.item_of[ordered.graph.edges]
    pairs = pairs[(pairs >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])]
    return np.unique(pairs, axis=0).reshape(-1, 2)
