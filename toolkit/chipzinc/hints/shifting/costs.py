"""What items cost on chips, as arrays that compiled code reads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chipzinc.graph.opgraph import FloatArray, Incidence, IntArray
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered


class Lists(NamedTuple):
    """Rows of numbers: row r has ids[starts[r] : starts[r + 1]]."""

    starts: IntArray
    ids: IntArray


class Costs(NamedTuple):
    """What items cost on chips; nothing of it changes.

    Attributes:
        time_us: shape [item, chip], infinite where a chip refuses an item.
        before: items that each item follows.
        after: items that follow it.
        nets: nets that each item touches.
        touching: items that each net touches.
        producer: item that writes each net, shape [net].
        size: bytes of each net, shape [net].
        weights: weights that each item uses.
        weight_bytes: shape [weight].
        io_bytes: shape [item].
        sram_bytes: shape [chip].
        us_per_offchip_byte: shape [chip].
        us_per_received: of a byte on the fastest link that enters the chip, shape [chip]; infinite where none does.
        us_per_sent: of a byte on the fastest link that leaves it, shape [chip].
        routes: links from one chip to another, in row n_chips * one + other.
        us_per_linked: of a byte on each link, shape [link].
        link_from: chip that each link leaves, shape [link].
        link_to: chip that it enters, shape [link].
        streamed: whether weights that do not fit are streamed.
        overlapped: whether transfers and computation overlap.
        keeps_memory: whether memory at rest has to hold what is on a chip.
        prices_triangles: whether a chip may not feed another that it reaches on a longer way.
    """

    time_us: FloatArray
    before: Lists
    after: Lists
    nets: Lists
    touching: Lists
    producer: IntArray
    size: FloatArray
    weights: Lists
    weight_bytes: IntArray
    io_bytes: IntArray
    sram_bytes: IntArray
    us_per_offchip_byte: FloatArray
    us_per_received: FloatArray
    us_per_sent: FloatArray
    routes: Lists
    us_per_linked: FloatArray
    link_from: IntArray
    link_to: IntArray
    streamed: bool
    overlapped: bool
    keeps_memory: bool
    prices_triangles: bool


def costs_of(ordered: Ordered) -> Costs:
    """What items cost, for a package with a hard `acyclic_dataflow` whose transfers use links.

    Arrays are of the same types for all, since code is compiled for these.
    """
    items, package, types = ordered.items, ordered.package, ordered.types
    kinds, n = types.type_of, items.n_items
    earlier, later = items.precedes.T
    return Costs(
        time_us=np.ascontiguousarray(np.where(items.refused, np.inf, items.time_us)[:, kinds]),
        before=_lists(later, earlier, n),
        after=_lists(earlier, later, n),
        nets=_lists(items.nets.ids, items.nets.rows, n),
        touching=_rows(items.nets),
        producer=items.net_producer.astype(np.int64),
        size=items.net_size.astype(np.float64),
        weights=_lists(items.weights.ids, items.weights.rows, n),
        weight_bytes=items.weight_bytes.astype(np.int64),
        io_bytes=items.io_bytes.astype(np.int64),
        sram_bytes=package.sram_bytes.astype(np.int64),
        us_per_offchip_byte=_inverse(package.offchip_bytes_per_us),
        us_per_received=_inverse(types.receive_bytes_per_us[kinds]),
        us_per_sent=_inverse(types.send_bytes_per_us[kinds]),
        routes=_rows(package.routes),
        us_per_linked=_inverse(package.link_bytes_per_us),
        link_from=np.ascontiguousarray(package.links[:, 0], dtype=np.int64),
        link_to=np.ascontiguousarray(package.links[:, 1], dtype=np.int64),
        streamed=package.weights == "streamed",
        overlapped=package.communication == "overlapped",
        keeps_memory=hard(package, "memory_capacity"),
        prices_triangles=hard(package, "triangle_dependency"),
    )


def _inverse(rate: FloatArray) -> FloatArray:
    return np.asarray(np.divide(1.0, rate, out=np.full(len(rate), np.inf), where=rate > 0))


def _rows(incidence: Incidence) -> Lists:
    return Lists(incidence.starts.astype(np.int64), incidence.ids.astype(np.int64))


def _lists(row: IntArray, value: IntArray, n_rows: int) -> Lists:
    """The values of each row."""
    order = np.argsort(row, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_rows))])
    return Lists(starts.astype(np.int64), np.ascontiguousarray(value[order], dtype=np.int64))
