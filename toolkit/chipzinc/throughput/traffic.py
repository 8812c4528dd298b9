"""What crosses between chips: the time that transfers take on chips and links.

Knows no computation and no memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import distinct_reads, tensor_bytes
from chipzinc.hardware.package import Package


class Traffic(NamedTuple):
    """Transfers of a batch of partitions.

    Attributes:
        receive_us: time each chip spends on receiving, shape [sample, chip]; infinite where no route leads.
        send_us: time each chip spends on sending, shape [sample, chip].
        link_us: time each link is busy, shape [sample, link].
        link_bytes: bytes each link carries, shape [sample, link].
    """

    receive_us: FloatArray
    send_us: FloatArray
    link_us: FloatArray
    link_bytes: FloatArray


class Crossings(NamedTuple):
    """Distinct (sample, tensor, receiving chip) triples whose receiver is not the producer's chip, sorted.

    Attributes:
        sample: shape [crossing].
        tensor: shape [crossing].
        source: the producer's chip, shape [crossing].
        target: the receiving chip, shape [crossing].
    """

    sample: IntArray
    tensor: IntArray
    source: IntArray
    target: IntArray


class LinkTraffic:
    """Transfers over links along fixed routes.

    A tensor loads each link of the union of its routes once; each receiver pays for it once, its producer's chip
    once per outgoing link used; chips passed through pay nothing.
    """

    def __init__(self, graph: OpGraph, package: Package) -> None:
        self.n_chips, self.n_links, self.n_tensors = package.n_chips, package.n_links, graph.n_tensors
        self.size = tensor_bytes(graph, package).astype(np.float64)
        self.links, self.bandwidth, self.routes = package.links, package.link_bytes_per_us, package.routes
        self.reads, self.producer = distinct_reads(graph), graph.tensor_producer

    def evaluate(self, chips: IntArray) -> Traffic:
        """Transfers of partitions of shape [sample, op]."""
        found = crossings(self.reads, self.producer, chips, self.n_tensors, self.n_chips)
        return Traffic(self._receive(found, len(chips)), *self._send_and_links(found, len(chips)))

    def _receive(self, found: Crossings, n_samples: int) -> FloatArray:
        pair = found.source * self.n_chips + found.target
        ends = self.routes.starts[pair + 1]
        routed = ends > self.routes.starts[pair]
        time = np.full(len(pair), np.inf)
        time[routed] = self.size[found.tensor[routed]] / self.bandwidth[self.routes.ids[ends[routed] - 1]]
        return _sums(found.sample, found.target, time, n_samples, self.n_chips)

    def _send_and_links(self, found: Crossings, n_samples: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        moved = np.flatnonzero(np.diff(found.sample * self.n_tensors + found.tensor, prepend=-1))
        row = np.repeat(np.arange(len(moved)), np.diff(moved, append=len(found.sample)))
        pair = found.source * self.n_chips + found.target
        starts = self.routes.starts[pair]
        lengths = self.routes.starts[pair + 1] - starts
        step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        loaded = np.zeros((len(moved), self.n_links), dtype=bool)
        loaded[np.repeat(row, lengths), self.routes.ids[np.repeat(starts, lengths) + step]] = True

        row, link = np.nonzero(loaded)
        sample, source, size = found.sample[moved[row]], found.source[moved[row]], self.size[found.tensor[moved[row]]]
        time = size / self.bandwidth[link]
        first = self.links[link, 0] == source
        return (
            _sums(sample[first], source[first], time[first], n_samples, self.n_chips),
            _sums(sample, link, time, n_samples, self.n_links),
            _sums(sample, link, size, n_samples, self.n_links),
        )


class HostTraffic:
    """Transfers through the host: a chip pays once for what it hands over and once for what it fetches.

    The model of max-throughput partitioning (Archer et al., "Practical Performance Guarantees for Pipelined DNN
    Inference", ICML 2024), where a cost belongs to the producing op, as it does in a measured profile. Without a
    profile each tensor costs its bytes over the chip's off-chip bandwidth. Host processors pay nothing.
    """

    def __init__(self, graph: OpGraph, package: Package) -> None:
        if graph.profile is None:
            if not package.offchip_bytes_per_us.all():
                raise InputError(f"package '{package.name}' communicates through the host: it needs offchip_bandwidth")
            self.item_of_tensor = np.arange(graph.n_tensors)
            self.cost_us = tensor_bytes(graph, package)[:, None] / package.offchip_bytes_per_us
        else:
            self.item_of_tensor = graph.tensor_producer
            self.cost_us = np.repeat(graph.profile.op_transfer_us[:, None], package.n_chips, axis=1)
        if package.on_host is not None:
            self.cost_us = np.where(package.on_host, 0.0, self.cost_us)
        self.n_chips, self.n_links = package.n_chips, package.n_links
        reads, producer = distinct_reads(graph), graph.tensor_producer
        items = np.stack([self.item_of_tensor[reads[:, 0]], reads[:, 1]], axis=1)
        self.reads = np.unique(items, axis=0).reshape(-1, 2)
        self.producer = np.arange(graph.n_ops) if graph.profile is not None else producer

    def evaluate(self, chips: IntArray) -> Traffic:
        """Transfers of partitions of shape [sample, op]; no link is used."""
        found = crossings(self.reads, self.producer, chips, len(self.cost_us), self.n_chips)
        first = np.flatnonzero(np.diff(found.sample * len(self.cost_us) + found.tensor, prepend=-1))
        receive = self.cost_us[found.tensor, found.target]
        send = self.cost_us[found.tensor[first], found.source[first]]
        none = np.zeros((len(chips), self.n_links))
        return Traffic(
            _sums(found.sample, found.target, receive, len(chips), self.n_chips),
            _sums(found.sample[first], found.source[first], send, len(chips), self.n_chips),
            none,
            none,
        )


def crossings(reads: IntArray, producer: IntArray, chips: IntArray, n_tensors: int, n_chips: int) -> Crossings:
    """Which tensors go to which chips.

    Args:
        reads: distinct (tensor, consuming op) pairs, shape [read, 2].
        producer: producing op of each tensor, shape [tensor].
        chips: shape [sample, op].
        n_tensors: number of tensors.
        n_chips: number of chips.
    """
    source, target = chips[:, producer[reads[:, 0]]], chips[:, reads[:, 1]]
    sample, read = np.nonzero(source != target)
    tensor = reads[read, 0]
    key = np.unique((sample * n_tensors + tensor) * n_chips + target[sample, read])
    sample_tensor, target_chip = np.divmod(key, n_chips)
    sample, tensor = np.divmod(sample_tensor, max(n_tensors, 1))
    return Crossings(sample, tensor, chips[sample, producer[tensor]], target_chip)


def _sums(sample: IntArray, place: IntArray, value: FloatArray, n_samples: int, n_places: int) -> FloatArray:
    """Sums of values by (sample, place); shape [sample, place]."""
    flat = np.bincount(sample * n_places + place, weights=value, minlength=n_samples * n_places)
    return flat.astype(np.float64).reshape(n_samples, n_places)
