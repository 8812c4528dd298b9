"""`SliceLoads`: what a chip that holds one ideal's items beyond another's has to do.

For nested ideals I and J the slice J minus I costs sums of what each ideal says alone and of products of the two, so
that blocks of pairs are matrix products. Everything is a lower bound of what the throughput model finds, and exact
where links lead from each chip to the next and memory over time does not bind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import FloatArray, Incidence, IntArray
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import ChipTypes, Items, hard
from chipzinc.ideals.lattice import Lattice

_IO_LEVELS = 24
"""Sizes of ops that are told apart; one between two levels counts as the lower."""


class SliceLoads:
    """Loads of slices between the ideals of a lattice.

    Attributes:
        lattice: the ideals by rising least work.
        work_us: least time of each ideal's items, each on its fastest type of chip, shape [ideal].
        cut_bytes: bytes that have to leave each ideal, shape [ideal]; 0 where there are no links.
    """

    def __init__(
        self, items: Items, types: ChipTypes, package: Package, lattice: Lattice, *, no_jumps: bool = False
    ) -> None:
        allowed = np.where(items.refused, np.inf, items.time_us).min(axis=1, initial=np.inf)
        work: FloatArray = lattice.totals(np.where(np.isfinite(allowed), allowed, 0.0))
        self.lattice, _ = lattice.sorted_by(work)
        self.items, self.types, self.package, self.no_jumps = items, types, package, no_jumps
        total = self.lattice.totals
        self.work_us: FloatArray = np.sort(work)
        self.time_us = total(items.time_us)
        self.refused = total(items.refused.astype(np.float64))
        self.nets = _Open(items.nets, items.net_size, self.lattice)
        self.jumps = _Open(items.nets, np.ones(len(items.nets)), self.lattice) if no_jumps else None
        self.host = package.communication == "host"
        self.cut_bytes = np.zeros(len(lattice)) if self.host else self.nets.open_size
        largest = float(items.io_bytes.max(initial=0) + items.weight_bytes.sum())
        self.memory_binds = largest > float(package.sram_bytes[types.chip].min())
        self.weights = _Open(items.weights, items.weight_bytes.astype(np.float64), self.lattice)
        self.forbidden: list[tuple[int, int, int]] = []
        self.levels = _levels(items.io_bytes)
        self.at_level = total((items.io_bytes[:, None] >= self.levels[None, :]).astype(np.float64))

    @property
    def ceiling_us(self) -> float:
        """No slice takes longer, unless it is impossible."""
        rates = [*self.types.receive_bytes_per_us, *self.types.send_bytes_per_us, *self.package.offchip_bytes_per_us]
        slowest = 1.0 if self.items.nets_in_us else min((rate for rate in rates if rate > 0), default=1.0)
        moved = 2 * float(self.items.net_size.sum()) + float(self.items.weight_bytes.sum())
        return float(self.time_us[-1].max()) + moved / slowest

    def block(self, rows: slice, columns: slice) -> FloatArray:
        """Loads in µs of the slices from each row's ideal to each column's, shape [type, row, column].

        Infinite where the one is not part of the other, or where a rule forbids the slice.
        """
        possible = self.lattice.nested(rows, columns)
        if self.jumps is not None:
            possible &= self.jumps.passing(rows, columns) == 0
        passing, same = self.nets.passing(rows, columns), self.nets.unchanged(rows, columns)
        sent, received = self.nets.open_size[columns] - passing, self.nets.open_size[rows, None] - same
        weights, io = self._memory(rows, columns)
        loads = [
            self._of_type(each, rows, columns, sent, received, weights, io) for each in range(len(self.types.chip))
        ]
        load = np.where(possible[None], np.stack(loads), np.inf)
        for kind, before, after in self.forbidden:
            if rows.start <= before < rows.stop and columns.start <= after < columns.stop:
                load[kind, before - rows.start, after - columns.start] = np.inf
        return load

    def forbid(self, before: int, after: int, chip: int) -> None:
        """Rules a slice out on all chips of one chip's type."""
        self.forbidden.append((int(self.types.type_of[chip]), before, after))

    def _of_type(
        self,
        each: int,
        rows: slice,
        columns: slice,
        sent: FloatArray,
        received: FloatArray,
        weights: FloatArray,
        io: FloatArray,
    ) -> FloatArray:
        package, chip = self.package, int(self.types.chip[each])
        compute = self.time_us[columns, each] - self.time_us[rows, each, None]
        sram = float(package.sram_bytes[chip])
        usable = self.refused[columns, each] <= self.refused[rows, each, None]
        if hard(package, "memory_capacity"):
            usable &= io + (weights if package.weights == "resident" else 0.0) <= sram
        if package.weights == "streamed":
            over = np.maximum(weights - np.maximum(sram - io, 0.0), 0.0)
            compute = compute + _over(over, float(package.offchip_bytes_per_us[chip]))
        receive, send = self._transfers(each, received, sent)
        if package.communication == "overlapped":
            load = np.maximum(compute, np.maximum(receive, send))
        else:
            load = compute + receive + send
        return np.where(usable, load, np.inf)

    def _transfers(self, each: int, received: FloatArray, sent: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Time that receiving and sending take on a type of chip, in µs."""
        chip = int(self.types.chip[each])
        if not self.host:
            rates = self.types.receive_bytes_per_us[each], self.types.send_bytes_per_us[each]
            return _over(received, float(rates[0])), _over(sent, float(rates[1]))
        if self.package.on_host is not None and self.package.on_host[chip]:
            return np.zeros_like(received), np.zeros_like(sent)
        if self.items.nets_in_us:
            return received, sent
        rate = float(self.package.offchip_bytes_per_us[chip])
        return _over(received, rate), _over(sent, rate)

    def _memory(self, rows: slice, columns: slice) -> tuple[FloatArray, FloatArray]:
        """Bytes of the slices' weights, and of the largest op's inputs and outputs, shape [row, column] each."""
        if not self.memory_binds:
            none = np.zeros((rows.stop - rows.start, columns.stop - columns.start))
            return none, none
        # a weight is in use unless as many of its users are in the one ideal as in the other
        done = self.weights.done_size[columns] - self.weights.done_size[rows, None]
        weights = done + self.weights.open_size[columns] - self.weights.unchanged(rows, columns)
        io = np.zeros_like(weights)
        for number, level in enumerate(self.levels.tolist()):
            io[self.at_level[columns, number] > self.at_level[rows, number, None]] = level
        return weights, io


@dataclass(frozen=True, eq=False)
class _Rows:
    matrix: Any  # scipy.sparse.csr_array, [ideal, feature]
    weighted: Any


class _Open:
    """Which nets are open at which ideal: some of their items are in it, and some are not.

    Between nested ideals a net's items in the one are those in the other if there are as many.
    """

    def __init__(self, nets: Incidence, size: FloatArray, lattice: Lattice) -> None:
        from scipy.sparse import csr_array

        n, n_items = lattice.has.shape
        whole = np.diff(nets.starts)
        touches = csr_array((np.ones(len(nets.ids)), (nets.ids, nets.rows)), shape=(n_items, len(nets)))
        ideals, opened, counts, done = [], [], [], []
        for rows in lattice.chunks():
            count = np.asarray(lattice.has[rows].astype(np.float64) @ touches)
            ideal, net = np.nonzero((count > 0) & (count < whole))
            ideals.append(ideal + rows.start)
            opened.append(net)
            counts.append(count[ideal, net].round().astype(np.int64))
            done.append((count == whole) @ size)
        ideal, net, inside = np.concatenate(ideals), np.concatenate(opened), np.concatenate(counts)
        self.open_size = np.bincount(ideal, weights=size[net], minlength=n).astype(np.float64)
        self.done_size: FloatArray = np.concatenate(done)
        self._open = _features(ideal, net, size[net], (n, len(nets)))
        self._state = _features(ideal, nets.starts[net] + inside, size[net], (n, len(nets.ids) + 1))

    def passing(self, rows: slice, columns: slice) -> FloatArray:
        """Size of the nets open at both ideals, shape [row, column]."""
        return _product(self._open, rows, columns)

    def unchanged(self, rows: slice, columns: slice) -> FloatArray:
        """Size of the nets open at both ideals with the same items inside, shape [row, column]."""
        return _product(self._state, rows, columns)


def _features(ideal: IntArray, feature: IntArray, weight: FloatArray, shape: tuple[int, int]) -> _Rows:
    from scipy.sparse import csr_array

    return _Rows(
        csr_array((np.ones(len(ideal)), (ideal, feature)), shape=shape),
        csr_array((weight, (ideal, feature)), shape=shape),
    )


def _product(features: _Rows, rows: slice, columns: slice) -> FloatArray:
    return np.asarray((features.weighted[rows] @ features.matrix[columns].T).toarray(), dtype=np.float64)


def _levels(io_bytes: IntArray) -> IntArray:
    """Distinct sizes, or the largest and a spread of the others; rising."""
    sizes: IntArray = np.unique(io_bytes[io_bytes > 0])
    if len(sizes) <= _IO_LEVELS:
        return sizes
    return np.asarray(sizes[np.linspace(0, len(sizes) - 1, _IO_LEVELS).round().astype(np.int64)])


def _over(size: FloatArray, rate: float) -> FloatArray:
    """Time of a size at a rate, infinite for any size at no rate."""
    if rate > 0:
        return size / rate
    return np.where(size > 0, np.inf, 0.0)
