"""Pipelines of slices that keep `triangle_dependency` exactly, where edges may pass over chips.

Beside an ideal, a state says which open items share a chip, and which of these chips reach which: a slice may be
fed only by chips of which none reaches another. States are many where branches are; the search keeps the best few
of each ideal, so that what it finds is valid, and what it does not find may exist unless it kept all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chipzinc.graph.opgraph import BoolArray, FloatArray
from chipzinc.ideals.bottleneck import Stages, spans
from chipzinc.ideals.lattice import Ideal
from chipzinc.ideals.loads import SliceLoads


class Label(NamedTuple):
    """Chips from which something is still awaited, in the order of the pipeline.

    Attributes:
        awaited: items of each such chip that later ones read.
        reaches: bit set of the chips (by place in `awaited`) that each reaches.
    """

    awaited: tuple[Ideal, ...]
    reaches: tuple[int, ...]


class _Step(NamedTuple):
    stage: int
    ideal: int
    label: Label
    before: _Step | None


class UntangledSlices:
    """Searches for pipelines without triangles over one lattice.

    Args:
        loads: costs of slices, which may pass over chips.
        stages: chips in order.
        states: most states kept of each ideal; None: all.
        slices: most slices tried from each ideal: those with the most work that the interval leaves room for;
            None: all.

    Attributes:
        complete: whether the last search looked at all that its lattice has.
    """

    def __init__(
        self, loads: SliceLoads, stages: Stages, *, states: int | None = None, slices: int | None = None
    ) -> None:
        self.loads, self.stages, self.most_states, self.most_slices = loads, stages, states, slices
        self.complete = False
        self.ideals, self.awaited = _as_integers(loads.lattice.has), _awaited(loads)
        self.sources = [0] * loads.items.n_items
        for source, target in loads.items.precedes.tolist():
            self.sources[target] |= 1 << source
        self.kind_of_stage = stages.chip.argmax(axis=0)

    def find(self, limit_us: float, deadline: float) -> list[tuple[int, int, int]] | None:
        """A pipeline within a limit: (ideal before, ideal after, chip) of each slice, first one first.

        Args:
            limit_us: no chip may take longer.
            deadline: `time.monotonic()` at which to give up.

        Returns:
            None if the search finds none.
        """
        n = len(self.ideals)
        self.complete = self.stages.alike and self.most_states is None and self.most_slices is None
        states: list[dict[tuple[Label, int], _Step]] = [{} for _ in range(n)]
        empty = Label((), ())
        states[0][empty, 0] = _Step(0, 0, empty, None)
        for start, stop, end in spans(self.loads, limit_us):
            block = self.loads.block(slice(start, stop), slice(start, end))
            for row in range(start, stop):
                if time.monotonic() > deadline:
                    self.complete = False
                    return None
                self._expand(states, row, start, block[:, row - start], limit_us)
                if row < n - 1:
                    states[row].clear()
        last = min(states[-1].values(), key=lambda step: step.stage, default=None)
        return None if last is None else self._slices(last)

    def _expand(
        self,
        states: list[dict[tuple[Label, int], _Step]],
        row: int,
        first: int,
        load: FloatArray,
        limit_us: float,
    ) -> None:
        """Continues the best states of an ideal by every slice that fits."""
        kept = sorted(states[row].values(), key=lambda step: (step.stage, len(step.label.awaited)))[: self.most_states]
        for kind in {int(self.kind_of_stage[step.stage]) for step in kept if step.stage < self.stages.count - 1}:
            columns = np.flatnonzero(load[kind] <= limit_us)[-(self.most_slices or 0) :] + first
            steps = [s for s in kept if s.stage < self.stages.count - 1 and self.kind_of_stage[s.stage] == kind]
            for column in columns.tolist():
                feeding = self._sources_of(self.ideals[column] & ~self.ideals[row])
                for step in steps:
                    self._continue(states, step, column, feeding, limit_us)

    def _continue(
        self,
        states: list[dict[tuple[Label, int], _Step]],
        step: _Step,
        column: int,
        feeding: Ideal,
        limit_us: float,
    ) -> None:
        stage = step.stage + 1
        left_us = self.loads.work_us[-1] - self.loads.work_us[column]
        if left_us > (self.stages.count - 1 - stage) * limit_us * (1 + 1e-9):
            return
        if self.loads.cut_bytes[column] > limit_us * self.stages.cut_bytes_per_us[stage] and column < len(states) - 1:
            return
        label = follow(step.label, feeding, self.ideals[column] & ~self.ideals[step.ideal], self.awaited[column])
        if label is None:
            return
        key = (label, 0 if self.stages.alike else stage)
        known = states[column].get(key)
        if known is None or stage < known.stage:
            states[column][key] = _Step(stage, column, label, step)

    def _sources_of(self, items: Ideal) -> Ideal:
        """The items that some of a set read."""
        found = 0
        for item in members(items):
            found |= self.sources[item]
        return found

    def _slices(self, last: _Step) -> list[tuple[int, int, int]]:
        slices = []
        step = last
        while step.before is not None:
            chip = int(self.stages.chip[:, step.before.stage].max())
            slices.append((step.before.ideal, step.ideal, chip))
            step = step.before
        return slices[::-1]


def follow(label: Label, feeding: Ideal, added: Ideal, awaited: Ideal) -> Label | None:
    """The label after one more chip.

    Args:
        label: the label before.
        feeding: items that the chip's items read.
        added: the chip's items.
        awaited: items of the ideal with the chip's that others outside it read.

    Returns:
        None if the chip would close a triangle: one of two chips that feed it reaches the other.
    """
    feeders = sum(1 << place for place, items in enumerate(label.awaited) if items & feeding)
    if any(feeders >> place & 1 and reached & feeders for place, reached in enumerate(label.reaches)):
        return None
    new = 1 << len(label.awaited)
    reaches = [
        reached | new if feeders >> place & 1 or reached & feeders else reached
        for place, reached in enumerate(label.reaches)
    ]
    waiting = [items & awaited for items in (*label.awaited, added)]
    live = [place for place, items in enumerate(waiting) if items]
    reaches.append(0)
    return Label(
        tuple(waiting[place] for place in live),
        tuple(sum(1 << at for at, other in enumerate(live) if reaches[place] >> other & 1) for place in live),
    )


def _awaited(loads: SliceLoads) -> list[Ideal]:
    """The items of each ideal that others outside it read."""
    from scipy.sparse import csr_array

    n, (source, target) = loads.items.n_items, loads.items.precedes.T
    reads = csr_array((np.ones(len(source)), (target, source)), shape=(n, n))
    readers = np.bincount(source, minlength=n)
    found: list[Ideal] = []
    for rows in loads.lattice.chunks():
        has = loads.lattice.has[rows]
        found += _as_integers(has & (np.asarray(has.astype(np.float64) @ reads) < readers))
    return found


def _as_integers(bits: BoolArray) -> list[Ideal]:
    packed = np.packbits(bits, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]


def members(items: Ideal) -> Iterator[int]:
    """The items of a set, by number."""
    while items:
        bit = items & -items
        yield bit.bit_length() - 1
        items ^= bit
