"""`slice`: the best way to cut one topological order into consecutive chips, by dynamic programming.

Exact for the order it is given: compute, what a chip receives and sends, what every link carries, memory, and no
edge over a whole chip where the rules forbid it. Knows no solver.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_time_us, op_weight_bytes, tensor_bytes
from chipzinc.hardware.package import Package

_BAND_ENTRIES = 8_000_000
"""Most (first group, length) pairs of one table; longer slices than fit are not considered."""


@dataclass(frozen=True, eq=False)
class _Band:
    """Tables over slices of an order: row i, column l is the slice of groups at places i..i+l.

    Attributes:
        compute_us: shape [chip class, place, length].
        transfer_bytes: received and sent, each shape [place, length].
        cut_bytes: bytes that cross the cut before each place, shape [place + 1].
        fits: whether weights and the largest op fit, shape [chip class, place, length].
        allowed: whether no edge passes over the slice, shape [place, length].
    """

    compute_us: FloatArray
    received: FloatArray
    sent: FloatArray
    cut_bytes: FloatArray
    fits: BoolArray
    allowed: BoolArray


def slice_order(
    graph: OpGraph,
    package: Package,
    coarsening: Coarsening,
    order: IntArray | None = None,
    *,
    no_jumps: bool = True,
) -> IntArray | None:
    """Cuts an order of groups into consecutive slices, the first on chip 0, with the shortest interval.

    Args:
        graph: the graph.
        package: the package; chip k is taken to send over one link to chip k + 1.
        coarsening: the groups.
        order: groups in a topological order, shape [group]; None: as numbered.
        no_jumps: forbid edges that pass over a whole slice, as `triangle_dependency` does where the graph holds
            together.

    Returns:
        Chip of each group, shape [group]; None if no slicing fits the memory and the jumps.
    """
    n = coarsening.n_groups
    order = np.arange(n) if order is None else order
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n)
    op_place = place[coarsening.group_of]
    classes = sorted(set(package.chip_class))
    chips_of = {name: package.chip_class.index(name) for name in classes}
    width = max(1, min(n, _BAND_ENTRIES // n))
    band = _tables(graph, package, op_place, n, width, [chips_of[name] for name in classes])
    cost = _costs(package, band, no_jumps, [chips_of[name] for name in classes])
    ends = _bottleneck([cost[classes.index(name)] for name in package.chip_class], n, width)
    if ends is None:
        return None
    chip_of_place = np.searchsorted(ends, np.arange(n), side="right")
    return np.asarray(chip_of_place[place], dtype=np.int64)


def _tables(graph: OpGraph, package: Package, op_place: IntArray, n: int, width: int, class_chips: list[int]) -> _Band:
    time = op_time_us(graph, package)
    starts = np.arange(n)[:, None]
    ends = np.minimum(starts + np.arange(width)[None, :] + 1, n)
    beyond = starts + np.arange(width)[None, :] >= n

    def span(value: FloatArray | IntArray) -> FloatArray:
        total = np.concatenate([[0.0], np.cumsum(np.bincount(op_place, weights=value, minlength=n))])
        return np.asarray(total[ends] - total[starts])

    compute = np.stack([span(time[:, chip]) for chip in class_chips])
    largest_io = np.zeros(n)
    np.maximum.at(largest_io, op_place, op_io_bytes(graph, package))
    peak = np.maximum.accumulate(largest_io[ends - 1], axis=1)
    weights = span(op_weight_bytes(graph, package)) if package.weights == "resident" else np.zeros_like(peak)
    fits = np.stack([weights + peak <= package.sram_bytes[chip] for chip in class_chips]) & ~beyond
    received, sent, cut = _transfers(graph, package, op_place, n, width)
    reach = np.zeros(n + 1, dtype=np.int64)
    pairs = op_place[graph.edges]
    np.maximum.at(reach, pairs[:, 0] + 1, pairs[:, 1])
    reach = np.maximum.accumulate(reach)[:n]  # last place that anything before place i is read at
    allowed = (ends > reach[:, None]) | (ends == n)
    return _Band(compute, received, sent, cut, fits, allowed)


def _transfers(
    graph: OpGraph, package: Package, op_place: IntArray, n: int, width: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bytes that each slice receives and sends, [place, length] each, and that cross each cut, [place + 1]."""
    size = tensor_bytes(graph, package).astype(np.float64)
    producer = op_place[graph.tensor_producer]
    tensor, reader = graph.tensor_consumers.rows, op_place[graph.tensor_consumers.ids]
    uses = np.unique(np.stack([tensor, reader], axis=1), axis=0).reshape(-1, 2)
    uses = uses[uses[:, 1] > producer[uses[:, 0]]]
    tensor, reader = uses[:, 0], uses[:, 1]
    last = producer.copy()
    np.maximum.at(last, tensor, reader)

    # A slice from i on receives tensor t by its first reader at or after i: readers from the one before, or the
    # producer, up to itself are such starts i.
    first = np.ones(len(tensor), dtype=bool)
    first[1:] = tensor[1:] != tensor[:-1]
    before = np.where(first, producer[tensor], np.concatenate([[0], reader[:-1]]))
    received = _events(before + 1, reader, reader, size[tensor], n, width)
    crossing = last > producer
    begin, end = producer[crossing], last[crossing]
    sent = _events(np.zeros_like(begin), begin, begin, size[crossing], n, width)
    sent -= _events(np.zeros_like(begin), begin, end, size[crossing], n, width)
    cut = np.zeros(n + 2)
    np.add.at(cut, begin + 1, size[crossing])
    np.add.at(cut, end + 1, -size[crossing])
    return np.cumsum(received, axis=1), np.cumsum(sent, axis=1), np.cumsum(cut)[: n + 1]


def _events(low: IntArray, high: IntArray, at: IntArray, size: FloatArray, n: int, width: int) -> FloatArray:
    """Adds `size` at (start i, place `at`) for every i in low..high, as a table over (start, at - start)."""
    low = np.maximum(low, at - width + 1)
    count = np.maximum(0, high - low + 1)
    rows = np.repeat(np.arange(len(at)), count)
    start = low[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    cell = start * width + at[rows] - start
    return np.bincount(cell, weights=size[rows], minlength=n * width).astype(np.float64).reshape(n, width)


def _costs(package: Package, band: _Band, no_jumps: bool, class_chips: list[int]) -> FloatArray:
    """Load of each slice in µs on each class of chips, infinite where it is not allowed; [class, place, length]."""
    rate = float(package.link_bytes_per_us.min()) if package.n_links else np.inf
    cost = band.compute_us
    if package.communication == "added":
        cost = cost + (band.received + band.sent)[None] / rate
    elif package.communication == "overlapped":
        cost = np.maximum(cost, np.maximum(band.received, band.sent)[None] / rate)
    n, width = band.received.shape
    ends = np.minimum(np.arange(n)[:, None] + np.arange(width)[None, :] + 1, n)
    cost = np.maximum(cost, np.maximum(band.cut_bytes[:n, None], band.cut_bytes[ends])[None] / rate)
    usable = band.fits & band.allowed[None] if no_jumps else band.fits
    return np.where(usable, cost, np.inf)


def _bottleneck(cost_of_chip: list[FloatArray], n: int, width: int) -> IntArray | None:
    """Ends of the slices (one past the last place) of the cheapest slicing, or None."""
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    choice: list[IntArray] = []
    result: tuple[float, int] | None = None
    for chip, cost in enumerate(cost_of_chip):
        reached = np.maximum(best[:n, None], cost)
        following, origin = _by_end(reached, n, width)
        choice.append(origin)
        best = following
        if np.isfinite(best[n]) and (result is None or best[n] < result[0]):
            result = (float(best[n]), chip)
    if result is None:
        return None
    ends = [n]
    for chip in range(result[1], 0, -1):
        ends.append(int(choice[chip][ends[-1]]))
    return np.array(ends[::-1])


def _by_end(reached: FloatArray, n: int, width: int) -> tuple[FloatArray, IntArray]:
    """For each end, the least of `reached` over the starts, and that start; both shape [place + 1]."""
    by_end = np.full((width, n + 1), np.inf)
    for length in range(width):
        by_end[length, length + 1 :] = reached[: n - length, length]
    shortest = by_end.argmin(axis=0)
    return by_end[shortest, np.arange(n + 1)], np.arange(n + 1) - shortest - 1
