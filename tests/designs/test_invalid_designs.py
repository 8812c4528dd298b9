"""Two hundred invalid designs of zoo graphs: who is to blame by NumPy, and repairs held to a known valid neighbour."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from chipzinc.designs.judgement import Judgement, judge_design
from chipzinc.designs.repair import repair
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import HintContext, slice_hint
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.designs.problems import task_of
from tests.designs.test_judgement import key

GRAPHS = ("lenet5", "mobilenet-v1", "network-in-network", "char-lstm", "resnet20-cifar")
PACKAGES = ("mcm16-ring", "mcm36-ring")
DESIGNS, FAST = 200, 3
MOST_WRONG = 6


@cache
def known_valid(session: Session, name: str, hardware: str) -> tuple[OpGraph, Package, Coarsening, IntArray]:
    """A graph with a package, its groups, and a partition that the rules confirm."""
    model, chips = load_zoo_graph(name), load_spec(hardware)
    groups = group_ops(model, chips)
    valid = groups.expand(slice_hint(HintContext(model, chips, groups)))
    (verdict,) = verify(session, model, chips, selected_rules(chips), valid[None])
    assert verdict.valid
    return model, chips, groups, valid


def culprits(model: OpGraph, chips: Package, partition: IntArray) -> set[tuple[str, tuple[int, ...]]]:
    """What the seed rules hold against a partition: the edge, the pair of chips, or the chip; 8 bits an element."""
    n, edges = chips.n_chips, model.edges
    ends = partition[edges]
    found = {("acyclic_dataflow", (int(u), int(v))) for u, v in edges[ends[:, 0] > ends[:, 1]]}
    found |= {("no_skipped_chips", (int(c),)) for c in np.setdiff1d(np.arange(partition.max()), partition)}
    feeds = np.zeros((n, n), dtype=np.bool_)
    feeds[ends[:, 0], ends[:, 1]] = True
    np.fill_diagonal(feeds, False)
    walks = feeds.copy()
    for _ in range(n):
        walks |= (walks.astype(int) @ feeds) > 0
    longer = (feeds.astype(int) @ walks) > 0
    found |= {("triangle_dependency", (int(a), int(b))) for a, b in np.argwhere(feeds & longer)}
    static, peak = memory(model, chips, partition)
    found |= {("memory_capacity", (int(c),)) for c in np.flatnonzero(static > chips.sram_bytes)}
    found |= {("memory over time", (int(c),)) for c in np.flatnonzero(peak > chips.sram_bytes)}
    return found


def memory(model: OpGraph, chips: Package, partition: IntArray) -> tuple[IntArray, IntArray]:
    """Bytes on each chip: weights and the largest inputs + outputs of an op; weights and the peak of live tensors."""
    held, largest = np.zeros(chips.n_chips, dtype=np.int64), np.zeros(chips.n_chips, dtype=np.int64)
    for weight, size in enumerate(model.weight_elements):
        held[np.unique(partition[model.weight_users[weight]])] += size
    touched = np.zeros(model.n_ops, dtype=np.int64)
    live = np.zeros((chips.n_chips, model.n_ops + 1), dtype=np.int64)
    for tensor, size in enumerate(model.tensor_elements):
        producer, readers = model.tensor_producer[tensor], np.unique(model.tensor_consumers[tensor])
        touched[np.union1d(readers, producer)] += size
        for chip in np.unique(partition[np.append(readers, producer)]):
            needed = [op for op in (*readers, producer) if partition[op] == chip]
            live[chip, producer] += size
            live[chip, max(needed) + 1] -= size
    np.maximum.at(largest, partition, touched)
    return held + largest, held + live.cumsum(axis=1).max(axis=1)


def blamed(found: Judgement) -> set[tuple[str, tuple[int, ...]]]:
    """What a judgement holds against a design, in the same words."""
    static = {key(fault) for fault in found.faults if fault.violation.overflow is None}
    over = [fault.violation.overflow for fault in found.faults if fault.violation.overflow is not None]
    return static | {("memory over time", (overflow.chip,)) for overflow in over}


@pytest.mark.parametrize(
    "seed", [*range(FAST), *(pytest.param(s, marks=pytest.mark.slow) for s in range(FAST, DESIGNS))]
)
def test_an_invalid_design_is_blamed_as_by_numpy_and_repaired_by_moving_no_more_than_went_wrong(
    seed: int, session: Session
) -> None:
    name, hardware = GRAPHS[seed % len(GRAPHS)], PACKAGES[seed // len(GRAPHS) % len(PACKAGES)]
    model, chips, groups, valid = known_valid(session, name, hardware)
    rng = np.random.default_rng(seed)
    rules, design = selected_rules(chips), valid
    while not culprits(model, chips, design):
        design = valid.copy()
        wrong = rng.choice(model.n_ops, rng.integers(1, MOST_WRONG + 1), replace=False)
        design[wrong] = rng.integers(
            0, valid.max() + 2 if valid.max() + 1 < chips.n_chips else chips.n_chips, len(wrong)
        )
    judged = judge_design(session, model, chips, rules, design)
    assert blamed(judged) == culprits(model, chips, design)
    assert not judged.valid
    found = repair(session, task_of(model, chips, design), groups, time_limit_s=60)
    (verdict,) = verify(session, model, chips, rules, found.chips[None])
    assert verdict.valid
    assert not culprits(model, chips, found.chips)
    assert found.bound <= found.cost == int((found.chips != design).sum()) <= int((design != valid).sum())
