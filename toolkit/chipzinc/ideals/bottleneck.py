"""The pipeline with the shortest interval whose chips are slices between ideals of a lattice, by dynamic programming.

The program is that of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (NeurIPS
2020), section 5, for any costs of slices, in one pass over the ideals. Knows no rule but what `SliceLoads` says.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray
from chipzinc.ideals.items import ChipTypes
from chipzinc.ideals.loads import SliceLoads

_BLOCK_PAIRS = 1_000_000
"""Most pairs of ideals looked at together; a few arrays of as many floats are in memory at once."""


@dataclass(frozen=True, eq=False)
class Stages:
    """How far a pipeline has come: which chips it has used. Stage 0 has used none.

    Attributes:
        moves: by type of chip, (stage before, stage after) of giving the next slice to a chip of that type; each
            of shape [move, 2].
        skips: (stage before, stage after) of leaving a chip without a slice, shape [skip, 2], in an order in
            which each stage is reached before it is left.
        cut_bytes_per_us: of the links from the chips of each stage to the others, shape [stage]; infinite where
            none are needed or transfers use no links.
        chip: the next chip where each stage stands, by type, shape [type, stage]; -1 for none.
        alike: whether an earlier stage is at least as good as a later one, as among chips that are all alike.
    """

    moves: tuple[IntArray, ...]
    skips: IntArray
    cut_bytes_per_us: FloatArray
    chip: IntArray
    alike: bool = False

    @property
    def count(self) -> int:
        """Number of stages."""
        return len(self.cut_bytes_per_us)


def stages_in_order(types: ChipTypes, *, skipping: bool) -> Stages:
    """Chips take slices in the order of their numbers; with `skipping` a chip may have none."""
    n = len(types.type_of)
    steps = np.stack([np.arange(n), np.arange(n) + 1], axis=1)
    chip = np.full((len(types.chip), n + 1), -1)
    chip[types.type_of, np.arange(n)] = np.arange(n)
    moves = tuple(steps[types.type_of == each] for each in range(len(types.chip)))
    cut = np.concatenate([[np.inf], types.cut_bytes_per_us])
    alike = len(types.chip) == 1 and len(set(types.cut_bytes_per_us[:-1].tolist())) <= 1
    return Stages(moves, steps if skipping and not alike else steps[:0], cut, chip, alike)


def stages_in_any_order(types: ChipTypes) -> Stages:
    """Chips take slices in any order, those of a type in the order of their numbers; none uses a link."""
    counts = types.count.tolist()
    used = list(itertools.product(*(range(count + 1) for count in counts)))
    number = {each: place for place, each in enumerate(used)}
    chip = np.full((len(counts), len(used)), -1)
    moves = []
    for kind, count in enumerate(counts):
        chips = np.flatnonzero(types.type_of == kind)
        pairs = []
        for each in used:
            if each[kind] < count:
                after = (*each[:kind], each[kind] + 1, *each[kind + 1 :])
                pairs.append((number[each], number[after]))
                chip[kind, number[each]] = chips[each[kind]]
        moves.append(np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return Stages(tuple(moves), np.zeros((0, 2), dtype=np.int64), np.full(len(used), np.inf), chip)


@dataclass(frozen=True, eq=False)
class Table:
    """The shortest interval with which each stage can hold each ideal, up to a limit.

    Attributes:
        interval_us: shape [stage, ideal]; infinite where it is above the limit, or where an earlier stage does as
            well.
        limit_us: the limit.
    """

    interval_us: FloatArray
    limit_us: float

    @property
    def best_us(self) -> float:
        """The shortest interval of the whole, infinite if it is above the limit."""
        return float(self.interval_us[:, -1].min())


def fill(
    loads: SliceLoads, stages: Stages, limit_us: float, *, floor_us: float = 0.0, deadline: float | None = None
) -> Table | None:
    """Finds the shortest intervals up to a limit, in one pass over the ideals.

    Args:
        loads: costs of slices.
        stages: chips.
        limit_us: slices that take longer are not looked at.
        floor_us: intervals below this count as this long, since no pipeline is shorter.
        deadline: `time.monotonic()` at which to give up.

    Returns:
        The table, or None if the time is over.
    """
    n = len(loads.lattice)
    best = np.full((stages.count, n), np.inf)
    best[0, 0] = floor_us
    for start, stop, end in spans(loads, limit_us):
        if deadline is not None and time.monotonic() > deadline:
            return None
        block = np.maximum(loads.block(slice(start, stop), slice(start, end)), floor_us)
        block[block > limit_us] = np.inf
        for row in range(start, stop):
            live = _settle(best[:, row], float(loads.cut_bytes[row]), stages, limit_us)
            if live.any():
                _spread(best[:, row + 1 : end], best[:, row], live, block[:, row - start, row + 1 - start :], stages)
    return Table(best, limit_us)


def spans(loads: SliceLoads, limit_us: float) -> Iterator[tuple[int, int, int]]:
    """Blocks of ideals (first, one past the last) with the end of all that slices of them within a limit reach."""
    n = len(loads.lattice)
    after = np.searchsorted(loads.work_us, loads.work_us + limit_us * (1 + 1e-9), side="right")
    start = 0
    while start < n:
        stop = min(n, start + max(1, min(256, _BLOCK_PAIRS // (int(after[start]) - start))))
        yield start, stop, int(after[stop - 1])
        start = stop


def _settle(reached: FloatArray, cut_bytes: float, stages: Stages, limit_us: float) -> BoolArray:
    """Adds to the stages of one ideal what the links need there, and chips left empty.

    Args:
        reached: intervals by stage, changed in place, shape [stage].
        cut_bytes: bytes that leave the ideal.
        stages: chips.
        limit_us: what is longer is dropped.

    Returns:
        Stages from which to go on, shape [stage].
    """
    link_us = cut_bytes / np.maximum(stages.cut_bytes_per_us, np.finfo(float).tiny)
    np.maximum(reached, link_us, out=reached)
    reached[reached > limit_us] = np.inf
    if stages.alike:
        fewer = np.minimum.accumulate(reached)
        reached[1:][reached[1:] >= fewer[:-1]] = np.inf
    for before, following in stages.skips.tolist():
        reached[following] = min(reached[following], max(reached[before], link_us[following]))
    return np.isfinite(reached)


def _spread(further: FloatArray, reached: FloatArray, live: BoolArray, load: FloatArray, stages: Stages) -> None:
    """Gives each further ideal, of shape [stage, column], the next chip; `load` has shape [type, column]."""
    for kind, moves in enumerate(stages.moves):
        for before, after in moves[live[moves[:, 0]]].tolist():
            np.minimum(further[after], np.maximum(load[kind], reached[before]), out=further[after])


def chain(loads: SliceLoads, stages: Stages, table: Table) -> list[tuple[int, int, int]]:
    """A pipeline of the table's best interval, which is finite.

    Returns:
        (ideal before, ideal after, chip) of each slice, the first one first.
    """
    best, target = table.interval_us, table.best_us
    ideal, stage = best.shape[1] - 1, int(best[:, -1].argmin())
    slices: list[tuple[int, int, int]] = []
    while ideal > 0:
        found = _before(loads, stages, best, ideal, stage, target)
        if found is None:
            stage = next(a for a, b in stages.skips.tolist() if b == stage and best[a, ideal] <= target)
            continue
        before, stage_before, kind = found
        slices.append((before, ideal, int(stages.chip[kind, stage_before])))
        ideal, stage = before, stage_before
    return slices[::-1]


def _before(
    loads: SliceLoads, stages: Stages, best: FloatArray, ideal: int, stage: int, target: float
) -> tuple[int, int, int] | None:
    """The ideal, stage and type of chip from which an entry within `target` is reached; of several the shortest."""
    first = int(np.searchsorted(loads.work_us, loads.work_us[ideal] - target * (1 + 1e-9)))
    block = loads.block(slice(first, ideal), slice(ideal, ideal + 1))[:, :, 0]
    found = (np.inf, 0, 0, 0)
    for kind, moves in enumerate(stages.moves):
        for stage_before in moves[moves[:, 1] == stage, 0].tolist():
            reached = np.maximum(block[kind], best[stage_before, first:ideal])
            if reached.size and reached.min() <= target:
                at = int(reached.argmin())
                found = min(found, (float(reached[at]), first + at, stage_before, kind))
    return found[1:] if np.isfinite(found[0]) else None


def shortest(
    loads: SliceLoads,
    stages: Stages,
    start_us: float,
    *,
    floor_us: float = 0.0,
    deadline: float | None = None,
    most_us: float = np.inf,
    growth: float = 1.2,
) -> tuple[float, Table | None]:
    """Proves the shortest interval over the lattice by raising a limit until a pipeline fits it.

    Args:
        loads: costs of slices.
        stages: chips.
        start_us: the first limit; a known interval makes it one pass.
        floor_us: a bound known already.
        deadline: `time.monotonic()` at which to stop.
        most_us: the limit after which nothing is looked for.
        growth: factor by which the limit rises.

    Returns:
        A proven lower bound over the lattice's pipelines, which is their shortest interval where a table comes with
        it; infinite if there is none at all.
    """
    proven, limit = floor_us, max(start_us, floor_us)
    while True:
        table = fill(loads, stages, limit, floor_us=floor_us, deadline=deadline)
        if table is None:
            return proven, None
        if np.isfinite(table.best_us):
            return table.best_us, table
        proven = limit
        if limit > loads.ceiling_us:
            return np.inf, None
        if limit >= most_us:
            return proven, None
        limit, growth = min(limit * growth, max(most_us, limit)), min(growth * growth, 4.0)
