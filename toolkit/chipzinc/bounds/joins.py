"""The bound that joins impose: under `triangle_dependency` few chips may feed an item that reads many others.

Let an item, the join, read others directly, its feeders. A chip with a feeder, other than the join's own, is a leaf.
All that leads from a leaf to the join stays on the leaf or goes straight to the join's chip, or the walk over a third
chip would be a longer one than the feeder's edge. So leaves can hold little but feeders, which are items of some size
that each send to the join's chip: they fill few chips badly, and the others have to do the rest. Which items are on the
join's chip, which on leaves and which on other, inner, chips is a linear program, with the number of leaves whole.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chipzinc.bounds.block import Blocks, Rows, blocks_of, direct_edges
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered

_FEWEST_FEEDERS = 5
_MOST_JOINS = 3
_MOST_TOGETHER = 12  # large items of a chip that are counted
_MOST_SIZES = 10  # from which on items are counted
_FIRST_STEP, _PRECISION = 0.01, 0.002
_MARGIN = 1e-5  # share by which an interval is longer than the one tried, and chips more than there are
_INFEASIBLE = 2  # among the results of `scipy.optimize.milp`


def join_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The longest interval in which a join's chip, its leaves and the inner chips are more than there are, in µs.

    Args:
        graph: the graph.
        package: the package.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, None if it is no better than the one known or does not apply: without a join, with chips that
        differ, with backward ops, or where `acyclic_dataflow` or `triangle_dependency` are not hard rules.
    """
    deadline = time.monotonic() + time_limit_s
    rules = hard(package, "acyclic_dataflow") and hard(package, "triangle_dependency")
    blocks = blocks_of(graph, package) if rules and graph.profile is None else None
    if blocks is None:
        return None
    ordered = Ordered.of(graph, package)
    edges = direct_edges(ordered)
    feeders = np.bincount(edges[:, 1], minlength=ordered.items.n_items)
    most = np.argsort(-feeders, kind="stable")[:_MOST_JOINS].tolist()
    joins = [_Zones.of(ordered, blocks, edges, join) for join in most if feeders[join] >= _FEWEST_FEEDERS]
    proven = floor_us
    for whole in (False, True):
        for zones in joins:
            proven = _longest(zones, proven, deadline, whole=whole)
    return proven if proven > floor_us else None


def _longest(zones: _Zones, low: float, deadline: float, *, whole: bool) -> float:
    """The longest interval found to be too short, in µs, from one that is known to be."""
    high, step = np.inf, _FIRST_STEP
    while low < high / (1 + _PRECISION):
        trial = low * (1 + step) if np.isinf(high) else (low + high) / 2
        left = deadline - time.monotonic()
        if left <= 0 or trial > float(zones.time_us.sum()) + zones.other_us:
            break
        if zones.too_short(trial, left, whole=whole):
            low, step = trial, 2 * step
        else:
            high = trial
    return low


@dataclass(frozen=True, eq=False)
class _Zones:
    """A join with all that leads to it: items of the join's chip, of leaves and of inner chips.

    Attributes:
        n_chips: number of chips.
        time_us: of each item, shape [item]; the join is the last of them.
        other_us: work of the items that do not lead to the join.
        precedes: pairs (earlier, later) of items, shape [pair, 2].
        onward: whether the item of a column is the row's or leads to it, shape [item, item].
        feeders: the items that the join reads directly.
        net: net of each pair of its writer and a reader, shape [pair].
        writer: shape [pair].
        reader: shape [pair].
        receive_us: time that a net takes a chip that receives it, shape [net].
        send_us: the same for one that sends it, shape [net].
    """

    n_chips: int
    time_us: FloatArray
    other_us: float
    precedes: IntArray
    onward: BoolArray
    feeders: IntArray
    net: IntArray
    writer: IntArray
    reader: IntArray
    receive_us: FloatArray
    send_us: FloatArray

    @classmethod
    def of(cls, ordered: Ordered, blocks: Blocks, edges: IntArray, join: int) -> _Zones:
        """What leads to a join; items are numbered anew."""
        items, types = ordered.items, ordered.types
        chosen = np.flatnonzero(blocks.ahead[join])
        place = np.full(items.n_items, -1)
        place[chosen] = np.arange(len(chosen))
        precedes = place[items.precedes]
        writer, reader = place[items.net_producer[items.nets.rows]], place[items.nets.ids]
        within = (writer >= 0) & (reader >= 0) & (writer != reader)
        nets, net = np.unique(items.nets.rows[within], return_inverse=True)
        counted = ordered.package.communication == "added" and not items.nets_in_us and ordered.package.on_host is None
        size = items.net_size[nets] if counted else np.zeros(len(nets))
        return cls(
            n_chips=len(types.type_of),
            time_us=blocks.time_us[chosen],
            other_us=float(blocks.time_us.sum() - blocks.time_us[chosen].sum()),
            precedes=precedes[(precedes >= 0).all(axis=1)],
            onward=blocks.ahead[np.ix_(chosen, chosen)],
            feeders=place[edges[edges[:, 1] == join, 0]],
            net=net.reshape(-1),
            writer=writer[within],
            reader=reader[within],
            receive_us=size / (float(types.receive_bytes_per_us[0]) or np.inf),
            send_us=size / (float(types.send_bytes_per_us[0]) or np.inf),
        )

    @cached_property
    def leaf_us(self) -> FloatArray:
        """Least time that each item takes a leaf: a feeder also sends what the join reads; shape [item]."""
        read = self.reader == len(self.time_us) - 1
        least = self.time_us.copy()
        np.add.at(least, self.writer[read], self.send_us[self.net[read]])
        return least

    def too_short(self, interval_us: float, time_limit_s: float, *, whole: bool) -> bool:
        """Whether an interval is proven too short for the chips there are.

        Variables are, for each item, whether it is on a leaf or the join's chip and whether it is on the join's chip;
        for each net whether an inner chip sends it, a leaf receives it, a leaf sends it and the join's chip receives
        it; the other items' work on inner chips, leaves and the join's chip; and the number of leaves. The fewest chips
        are asked for; times are in intervals. Items are whole, or may be divided between zones, which is solved sooner.
        """
        from scipy.optimize import Bounds, LinearConstraint, milp

        n, nets, unit = len(self.time_us), len(self.receive_us), interval_us * (1 + _MARGIN)
        outer, home, each = np.arange(n), n + np.arange(n), np.arange(nets)
        inner_sends, leaf_receives, leaf_sends, home_receives = (2 * n + nets * kind + each for kind in range(4))
        other = 2 * n + 4 * nets + np.arange(3)
        leaves = int(other[-1]) + 1
        work, receive, send = self.time_us / unit, self.receive_us / unit, self.send_us / unit

        rows = Rows()
        rows.add([(home, 1.0), (outer, -1.0)], 0.0)
        for zone in (outer, home):
            rows.add([(zone[self.precedes[:, 0]], 1.0), (zone[self.precedes[:, 1]], -1.0)], 0.0)
        self._transfers(rows, outer, home, (inner_sends, leaf_receives, leaf_sends, home_receives))
        rows.add_one(np.concatenate([home, home_receives, other[2:]]), np.concatenate([work, receive, [1.0]]), 1.0)
        columns = [outer, home, leaf_receives, leaf_sends, other[1:2], np.array([leaves])]
        rows.add_one(np.concatenate(columns), np.concatenate([work, -work, receive, send, [1.0], [-1.0]]), 0.0)
        rows.add_one(other, -np.ones(3), -self.other_us / unit)
        sizes, onward = self._sizes(unit), work @ self.onward
        self._count(rows, unit, sizes, outer, home, leaves)
        self._stay(rows, unit, sizes, np.flatnonzero(onward <= 2), outer, home)

        least, most = np.zeros(leaves + 1), np.ones(leaves + 1)
        most[other], most[leaves] = np.inf, self.n_chips - 1
        most[outer[onward > 2]] = 0
        most[home[onward > 1]] = 0
        least[outer[self.feeders]] = 1
        least[[outer[-1], home[-1]]] = 1
        if (least > most).any():
            return True
        cost = np.zeros(leaves + 1)
        cost[outer], cost[inner_sends], cost[other[0]], cost[leaves] = -work, send, 1.0, 1.0
        integral = np.zeros(leaves + 1)
        integral[: 2 * n], integral[leaves] = whole, 1
        result = milp(
            c=cost,
            constraints=LinearConstraint(rows.matrix(leaves + 1), ub=rows.limits()),
            integrality=integral,
            bounds=Bounds(least, most),
            options={"time_limit": time_limit_s},
        )
        if result.status == _INFEASIBLE and "infeasible" in result.message.lower():
            return True
        fewest = result.mip_dual_bound
        return fewest is not None and float(fewest) + work.sum() > self.n_chips - 1 + _MARGIN

    def _transfers(self, rows: Rows, outer: IntArray, home: IntArray, moved: tuple[IntArray, ...]) -> None:
        """Who sends and receives a net that is written in one zone and read in another."""
        written, read = self.writer, self.reader
        inner_sends, leaf_receives, leaf_sends, home_receives = (columns[self.net] for columns in moved)
        rows.add([(outer[read], 1.0), (outer[written], -1.0), (inner_sends, -1.0)], 0.0)
        rows.add([(outer[read], 1.0), (home[read], -1.0), (outer[written], -1.0), (leaf_receives, -1.0)], 0.0)
        rows.add([(outer[written], 1.0), (home[written], -1.0), (home[read], 1.0), (leaf_sends, -1.0)], 1.0)
        rows.add([(home[read], 1.0), (home[written], -1.0), (home_receives, -1.0)], 0.0)

    def _count(self, rows: Rows, unit: float, sizes: list[float], outer: IntArray, home: IntArray, leaves: int) -> None:
        """Large items fit a chip as few as items fit a bin."""
        for size in sizes:
            together = int(unit / size)
            large = np.flatnonzero(self.leaf_us >= size)
            ones = np.ones(len(large))
            columns = np.concatenate([outer[large], home[large], [leaves]])
            rows.add_one(columns, np.concatenate([ones, -ones, [-together]]), 0.0)
            large = np.flatnonzero(self.time_us >= size)
            ones = np.ones(len(large))
            rows.add_one(home[large], ones, together)
            limit = (self.n_chips - 1.0) * together - len(large)
            rows.add_one(np.append(outer[large], leaves), np.append(-ones, together), limit)

    def _stay(
        self, rows: Rows, unit: float, sizes: list[float], late: IntArray, outer: IntArray, home: IntArray
    ) -> None:
        """What a late item leads to is on its leaf, if it is on one, or on the join's chip; others fit no leaf."""
        for item in late.tolist():
            later = np.flatnonzero(self.onward[:, item])
            counts = [(later, self.leaf_us[later] / unit, 1.0)]
            counts += [(large := later[self.leaf_us[later] >= s], np.ones(len(large)), int(unit / s)) for s in sizes]
            for some, value, limit in counts:
                over = float(value.sum()) - limit
                if over > 0:
                    columns = np.concatenate([outer[some], home[some], [outer[item], home[item]]])
                    rows.add_one(columns, np.concatenate([value, -value, [over, -over]]), limit + over)

    def _sizes(self, unit: float) -> list[float]:
        """Sizes of large items, from which on they are counted."""
        sizes = np.unique(np.concatenate([self.time_us, self.leaf_us]))
        large = sizes[sizes * (_MOST_TOGETHER + 1) > unit]
        apart = np.append(True, np.diff(large) > _MARGIN * large[1:]) if len(large) else np.zeros(0, dtype=bool)
        return [float(size) for size in large[apart][:_MOST_SIZES]]
