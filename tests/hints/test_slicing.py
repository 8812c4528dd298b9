"""The slicing dynamic program against every way to cut a small order, scored by the throughput model."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes
from chipzinc.hardware.package import Package
from chipzinc.hints.slicing import slice_order
from chipzinc.throughput.model import ThroughputModel
from tests.throughput.small import graph, package


def random_graph(rng: np.random.Generator, n_ops: int) -> OpGraph:
    tensors = []
    for op in range(n_ops):
        later = [reader for reader in range(op + 1, n_ops) if rng.random() < 0.4]
        tensors.append((op, later, int(rng.integers(1, 9))))
    weights = [(int(rng.integers(1, 30)), [op]) for op in range(n_ops)]
    return graph(tensors, n_ops, flops=rng.integers(1, 20, n_ops).astype(float).tolist(), weights=weights)


def jumps(given: OpGraph, chips: IntArray) -> bool:
    """Whether an edge passes over a whole chip."""
    ends = chips[given.edges]
    return bool((ends[:, 1] - ends[:, 0] > 1).any())


def best_slicing(given: OpGraph, on: Package, no_jumps: bool) -> float:
    model = ThroughputModel(given, on)
    best = np.inf
    for cuts in itertools.product([0, 1], repeat=given.n_ops - 1):
        chips = np.concatenate([[0], np.cumsum(cuts)])
        if chips[-1] < on.n_chips and static_fits(model, chips) and not (no_jumps and jumps(given, chips)):
            best = min(best, float(model.evaluate(chips[None]).interval_us[0]))
    return best


def static_fits(model: ThroughputModel, chips: IntArray) -> bool:
    io = op_io_bytes(model.graph, model.package)
    weights = model.memory.weights(chips[None])[0]
    return all(
        weights[c] + io[chips == c].max(initial=0) <= model.package.sram_bytes[c] for c in range(chips.max() + 1)
    )


@pytest.mark.parametrize("communication", ["added", "overlapped"])
@pytest.mark.parametrize("no_jumps", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_no_way_to_cut_the_order_is_better(seed: int, no_jumps: bool, communication: str) -> None:
    rng = np.random.default_rng(seed)
    given = random_graph(rng, 8)
    on = package(chips=4, sram="110 B", more=f"communication: {communication}")
    best = best_slicing(given, on, no_jumps)
    chips = slice_order(given, on, Coarsening.identity(given), no_jumps=no_jumps)
    if chips is None:
        assert best == np.inf
    else:
        assert float(ThroughputModel(given, on).evaluate(chips[None]).interval_us[0]) == pytest.approx(best)


def test_what_fits_no_chip_is_not_sliced() -> None:
    given = graph([(0, [1], 1), (1, [], 1)], 2, weights=[(50, [0])])
    assert slice_order(given, package(sram="20 B"), Coarsening.identity(given)) is None
