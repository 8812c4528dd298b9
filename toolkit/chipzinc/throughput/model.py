"""The throughput model: the interval of pipelined partitions, with the loads of every chip and link.

Knows no rule: it scores invalid partitions like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_moved_bytes, op_time_us
from chipzinc.hardware.package import Package
from chipzinc.throughput.latency import latency_us
from chipzinc.throughput.memory import MemoryModel
from chipzinc.throughput.traffic import HostTraffic, LinkTraffic, Traffic

_CHUNK = 2**19  # entries of one temporary array; larger ones cost more in page faults than they save in calls


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Loads of a batch of partitions.

    Attributes:
        interval_us: µs between two results of the pipeline, shape [sample]; infinite where a transfer has no route.
        compute_us: sum of the times of its ops, shape [sample, chip].
        stream_us: time to stream the weights that do not fit, shape [sample, chip].
        receive_us: shape [sample, chip].
        send_us: shape [sample, chip].
        chip_us: what each chip adds up to, shape [sample, chip].
        link_us: how long each link is busy, shape [sample, link].
        energy_pj: energy of one sample, shape [sample]; None where the spec gives none.
    """

    interval_us: FloatArray
    compute_us: FloatArray
    stream_us: FloatArray
    receive_us: FloatArray
    send_us: FloatArray
    chip_us: FloatArray
    link_us: FloatArray
    energy_pj: FloatArray | None

    @property
    def throughput_per_s(self) -> FloatArray:
        """Results per second, shape [sample]; infinite where nothing takes time."""
        with np.errstate(divide="ignore"):
            return 1e6 / self.interval_us

    @property
    def utilisation(self) -> FloatArray:
        """Share of the interval in which each chip computes, shape [sample, chip]."""
        interval = self.interval_us[:, None]
        return np.divide(self.compute_us, interval, out=np.zeros_like(self.compute_us), where=interval > 0)


class ThroughputModel:
    """Scores partitions of one graph on one package.

    Raises:
        InputError: if the graph's profile, or the way the package communicates, does not match the other.
    """

    def __init__(self, graph: OpGraph, package: Package) -> None:
        self.graph, self.package = graph, package
        traffic = HostTraffic if package.communication == "host" else LinkTraffic
        self.traffic: HostTraffic | LinkTraffic = traffic(graph, package)

    @cached_property
    def op_time_us(self) -> FloatArray:
        """Time of each op on each chip, shape [op, chip]."""
        return op_time_us(self.graph, self.package)

    @cached_property
    def memory(self) -> MemoryModel:
        """The memory side of the same graph and package."""
        return MemoryModel(self.graph, self.package)

    def evaluate(self, chips: ArrayLike) -> Evaluation:
        """Scores a batch of partitions.

        Args:
            chips: chip of each op, shape [sample, op], or [op] for a batch of one.

        Raises:
            InputError: if the shape does not fit the graph, or a chip does not exist.
        """
        checked = self._checked(chips)
        per_sample = self.graph.n_ops + self.graph.n_tensors * max(self.package.n_links, 1)
        step = max(1, _CHUNK // per_sample)
        pieces = [self._evaluate(checked[i : i + step]) for i in range(0, max(len(checked), 1), step)]
        return pieces[0] if len(pieces) == 1 else _joined(pieces)

    def _evaluate(self, chips: IntArray) -> Evaluation:
        compute = self._by_chip(chips, self.op_time_us)
        stream = self._stream_us(chips)
        traffic = self.traffic.evaluate(chips)
        busy, receive, send = compute + stream, traffic.receive_us, traffic.send_us
        overlapped = self.package.communication == "overlapped"
        chip_us = np.maximum(busy, np.maximum(receive, send)) if overlapped else busy + receive + send
        interval = np.maximum(chip_us.max(axis=1, initial=0.0), traffic.link_us.max(axis=1, initial=0.0))
        energy = self._energy_pj(chips, traffic)
        return Evaluation(interval, compute, stream, receive, send, chip_us, traffic.link_us, energy)

    def latency_us(self, chips: ArrayLike) -> FloatArray:
        """Time of one sample through the package, in µs; see `chipzinc.throughput.latency`; shape [sample]."""
        checked = self._checked(chips)
        stream = self._stream_us(checked)
        return latency_us(self.graph, self.package, self.op_time_us, self.traffic, checked, stream)

    def _checked(self, chips: ArrayLike) -> IntArray:
        array = np.atleast_2d(np.asarray(chips, dtype=np.int64))
        if array.ndim != 2 or array.shape[1] != self.graph.n_ops:
            raise InputError(f"expected partitions of shape [sample, {self.graph.n_ops}], got {list(array.shape)}")
        if array.size and not (array.min() >= 0 and array.max() < self.package.n_chips):
            raise InputError(f"expected chips from 0 to {self.package.n_chips - 1}, got {array.min()} to {array.max()}")
        return array

    def _by_chip(self, chips: IntArray, value: FloatArray) -> FloatArray:
        """Sums of a value of shape [op, chip] over the ops on each chip; shape [sample, chip]."""
        n_samples, n_chips = len(chips), self.package.n_chips
        taken = value[np.arange(self.graph.n_ops), chips]
        place = np.arange(n_samples)[:, None] * n_chips + chips
        flat = np.bincount(place.ravel(), weights=taken.ravel(), minlength=n_samples * n_chips)
        return flat.astype(np.float64).reshape(n_samples, n_chips)

    def _stream_us(self, chips: IntArray) -> FloatArray:
        """Weights that do not fit beside the peak of activations, over off-chip bandwidth; shape [sample, chip]."""
        if self.package.weights == "resident":
            return np.zeros((len(chips), self.package.n_chips))
        weights = self.memory.weights(chips)
        room = np.maximum(self.package.sram_bytes - self.memory.peaks(chips), 0)
        return np.asarray(np.maximum(weights - room, 0) / self.package.offchip_bytes_per_us)

    def _energy_pj(self, chips: IntArray, traffic: Traffic) -> FloatArray | None:
        package = self.package
        terms: list[FloatArray] = []
        if package.picojoule_per_flop is not None:
            terms.append(self._by_chip(chips, self.graph.op_flops[:, None] * package.picojoule_per_flop).sum(axis=1))
        if package.picojoule_per_sram_byte is not None:
            moved = op_moved_bytes(self.graph, package)[:, None] * package.picojoule_per_sram_byte
            terms.append(self._by_chip(chips, moved).sum(axis=1))
        if package.picojoule_per_link_byte is not None:
            terms.append(traffic.link_bytes @ package.picojoule_per_link_byte)
        return np.sum(terms, axis=0) if terms else None


def _joined(pieces: list[Evaluation]) -> Evaluation:
    """One evaluation of the samples of several."""
    joined: dict[str, Any] = {}
    for field in fields(Evaluation):
        parts = [getattr(piece, field.name) for piece in pieces]
        joined[field.name] = None if parts[0] is None else np.concatenate(parts)
    return Evaluation(**joined)
