"""Memory that a partition takes on each chip: its weights, and the peak of the tensors alive at one time.

This is the dynamic part of the rule `memory_capacity`; the static part is the rule file's. Knows no time in µs and
no solver: an overflow is handed out as data from which a constraint can be written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import Incidence, IntArray, OpGraph
from chipzinc.hardware.demand import distinct_reads, tensor_bytes, weight_bytes
from chipzinc.hardware.package import Package

_CHUNK = 2**18  # entries of one temporary array


@dataclass(frozen=True)
class Overflow:
    """Tensors alive at one time that do not fit a chip.

    A tensor is alive on a chip d at that time if and only if one of its holders is on d: a later reader, the reader
    of that time, or its producer if that is running. So with any one holder of every tensor on d, for whatever chip
    d, memory overflows unless weights(d) + `live_bytes` fit it.

    Attributes:
        chip: where it happened.
        op: the op that was running, hence the time.
        tensors: those alive, shape [live].
        holders: row i has the ops that keep ``tensors[i]`` alive at that time on the chip they are on.
        live_bytes: bytes of the tensors together.
        weight_bytes: bytes of weights that have to stay on the chip beside them; 0 where weights are streamed.
        sram_bytes: what the chip has.
    """

    chip: int
    op: int
    tensors: IntArray
    holders: Incidence
    live_bytes: int
    weight_bytes: int
    sram_bytes: int


class MemoryModel:
    """Memory of partitions of one graph on one package.

    Ops run in the graph's order. A tensor lives on its producer's chip from its production to its last reader there
    (through the producer's own step at least, in which it is sent), and on every other chip that reads it from its
    production, when it arrives, to its last reader there.
    """

    def __init__(self, graph: OpGraph, package: Package) -> None:
        self.graph, self.package = graph, package
        self.tensor_bytes, self.weight_bytes = tensor_bytes(graph, package), weight_bytes(graph, package)
        reads = distinct_reads(graph)
        own = np.stack([np.arange(graph.n_tensors), graph.tensor_producer], axis=1)
        uses = np.concatenate([reads, own])
        self.uses = uses[np.argsort(uses[:, 1], kind="stable")]

    def weights(self, chips: IntArray) -> IntArray:
        """Bytes of weights used on each chip, one used by several ops counted once; shape [sample, chip].

        Args:
            chips: shape [sample, op].
        """
        users, n_chips, n_weights = self.graph.weight_users, self.package.n_chips, len(self.weight_bytes)
        sample = np.arange(len(chips))[:, None]
        key = np.unique((sample * n_chips + chips[:, users.ids]) * max(n_weights, 1) + users.rows)
        place, weight = np.divmod(key, max(n_weights, 1))
        total = np.bincount(place, weights=self.weight_bytes[weight], minlength=len(chips) * n_chips)
        return total.astype(np.int64).reshape(len(chips), n_chips)

    def peaks(self, chips: IntArray) -> IntArray:
        """Largest number of bytes alive at one time on each chip; shape [sample, chip].

        Args:
            chips: shape [sample, op].
        """
        per_sample = self.package.n_chips * (max(self.graph.n_ops, self.graph.n_tensors) + 1)
        step = max(1, _CHUNK // per_sample)
        parts = [self._live(chips[i : i + step]).max(axis=2, initial=0) for i in range(0, len(chips), step)]
        return np.concatenate([np.zeros((0, self.package.n_chips), dtype=np.int64), *parts])

    def overflows(self, chip: IntArray) -> list[Overflow]:
        """The chips of one partition whose peak does not fit, each at the first time of its peak.

        Args:
            chip: shape [op].
        """
        live = self._live(chip[None])[0]
        weights = self.weights(chip[None])[0] if self.package.weights == "resident" else np.zeros_like(live[:, 0])
        over = np.flatnonzero(weights + live.max(axis=1, initial=0) > self.package.sram_bytes)
        return [self._overflow(chip, int(d), int(live[d].argmax()), int(weights[d])) for d in over]

    def _live(self, chips: IntArray) -> IntArray:
        """Bytes alive on each chip while each op runs; shape [sample, chip, op]."""
        n_samples, n_chips = len(chips), self.package.n_chips
        n_tensors, n_ops = self.graph.n_tensors, self.graph.n_ops
        tensor, op = self.uses[:, 0], self.uses[:, 1]
        key = (np.arange(n_samples) * n_tensors + tensor[:, None]) * n_chips + chips[:, op].T
        last = np.full(n_samples * n_tensors * n_chips, -1, dtype=np.int64)
        # uses are in the order of ops, and of values assigned to one place the last one stays
        last[key.ravel()] = np.repeat(op, n_samples)

        held = np.flatnonzero(last >= 0)
        sample_tensor, place = np.divmod(held, n_chips)
        sample, tensor = np.divmod(sample_tensor, max(n_tensors, 1))
        row = (sample * n_chips + place) * (n_ops + 1)
        size, length = self.tensor_bytes[tensor], n_samples * n_chips * (n_ops + 1)
        change = np.bincount(row + self.graph.tensor_producer[tensor], weights=size, minlength=length)
        change -= np.bincount(row + last[held] + 1, weights=size, minlength=length)
        live = np.cumsum(change.reshape(n_samples, n_chips, n_ops + 1), axis=2)
        return live[:, :, :n_ops].astype(np.int64)

    def _overflow(self, chip: IntArray, place: int, now: int, weights: int) -> Overflow:
        producer, tensor, op = self.graph.tensor_producer, self.uses[:, 0], self.uses[:, 1]
        holds = (producer[tensor] <= now) & (op >= now)
        alive = np.unique(tensor[holds & (chip[op] == place)])
        holders = [op[holds & (tensor == t)].tolist() for t in alive]
        return Overflow(
            chip=place,
            op=now,
            tensors=alive,
            holders=Incidence.from_rows(holders),
            live_bytes=int(self.tensor_bytes[alive].sum()),
            weight_bytes=weights,
            sram_bytes=int(self.package.sram_bytes[place]),
        )
