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
        self.uses = np.concatenate([reads, own])

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
        n_chips, n_ops = self.package.n_chips, self.graph.n_ops
        row, tensor, last = self._held(chips)
        size = self.tensor_bytes[tensor]
        start = (row * (n_ops + 1) + self.graph.tensor_producer[tensor]) * 2 + 1
        end = (row * (n_ops + 1) + last + 1) * 2  # at equal times tensors end before others start
        event, change = np.concatenate([start, end]), np.concatenate([size, -size])
        order = np.argsort(event)
        live = np.cumsum(change[order])  # one row of chips after another: each starts and ends at 0
        peak = np.zeros(len(chips) * n_chips, dtype=np.int64)
        np.maximum.at(peak, event[order] // (2 * (n_ops + 1)), live)
        return peak.reshape(len(chips), n_chips)

    def overflows(self, chip: IntArray) -> list[Overflow]:
        """The chips of one partition whose peak does not fit, each at the first time of its peak.

        Args:
            chip: shape [op].
        """
        peak = self.peaks(chip[None])[0]
        weights = self.weights(chip[None])[0] if self.package.weights == "resident" else np.zeros_like(peak)
        over = np.flatnonzero(weights + peak > self.package.sram_bytes)
        return [self._overflow(chip, int(d), int(weights[d])) for d in over]

    def _held(self, chips: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Which chip holds which tensor, and until which op.

        Returns:
            Of each holding: sample * n_chips + chip, the tensor, and the last op that needs it there.
        """
        n_samples, n_chips, n_ops = len(chips), self.package.n_chips, self.graph.n_ops
        tensor, op = self.uses[:, 0], self.uses[:, 1]
        row = np.arange(n_samples)[:, None] * n_chips + chips[:, op]
        use = np.sort(((row * self.graph.n_tensors + tensor) * n_ops + op).ravel())
        holding, op = np.divmod(use, n_ops)
        is_last = np.diff(holding, append=-1) != 0
        row_of, tensor_of = np.divmod(holding[is_last], max(self.graph.n_tensors, 1))
        return row_of, tensor_of, op[is_last]

    def _overflow(self, chip: IntArray, place: int, weights: int) -> Overflow:
        producer, tensor, op = self.graph.tensor_producer, self.uses[:, 0], self.uses[:, 1]
        row, held, last = self._held(chip[None])
        here = row == place
        change = np.zeros(self.graph.n_ops + 1, dtype=np.int64)
        np.add.at(change, producer[held[here]], self.tensor_bytes[held[here]])
        np.add.at(change, last[here] + 1, -self.tensor_bytes[held[here]])
        now = int(change.cumsum().argmax())
        alive = held[here & (producer[held] <= now) & (last >= now)]
        holds = (producer[tensor] <= now) & (op >= now)
        return Overflow(
            chip=place,
            op=now,
            tensors=alive,
            holders=Incidence.from_rows([sorted(op[holds & (tensor == t)].tolist()) for t in alive]),
            live_bytes=int(self.tensor_bytes[alive].sum()),
            weight_bytes=weights,
            sram_bytes=int(self.package.sram_bytes[place]),
        )
