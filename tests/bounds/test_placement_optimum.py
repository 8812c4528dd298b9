"""Placement files, backward nodes and processors included, against every split that their rules allow."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.bounds.around import around_bound
from chipzinc.bounds.bottleneck import three_block_bound
from chipzinc.bounds.packing import packing_bound
from chipzinc.bounds.prove import best_bound, bounds
from chipzinc.bounds.reach import reach_bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.importers.placement import import_placement
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import HintContext
from chipzinc.throughput.model import ThroughputModel


@st.composite
def placements(draw: st.DrawFn) -> dict[str, Any]:
    """Training graphs: forward nodes, and their backward nodes in reverse, of the same colours."""
    forward = draw(st.integers(1, 4))
    backward = draw(st.integers(0, forward))
    nodes = [
        {
            "id": node,
            "cpuLatency": draw(st.integers(0, 40)),
            "fpgaLatency": draw(st.integers(0, 9)),
            "size": draw(st.integers(0, 6)),
            "isBackwardNode": int(node >= forward),
            "supportedOnFpga": draw(st.sampled_from([1, 1, 1, 0])),
            "colorClass": node if node < forward else forward - 1 - (node - forward),
        }
        for node in range(forward + backward)
    ]
    pairs = [pair for pair in itertools.combinations(range(forward + backward), 2) if draw(st.booleans())]
    cost = [draw(st.integers(0, 5)) for _ in nodes]
    edges = [{"sourceId": source, "destId": target, "cost": cost[source]} for source, target in pairs]
    return {
        "maxFPGAs": draw(st.integers(1, 2)),
        "maxCPUs": draw(st.integers(0, 1)),
        "maxSizePerFPGA": draw(st.integers(8, 30)),
        "nodes": nodes,
        "edges": edges,
    }


def allowed(document: dict[str, Any], model: OpGraph, on: Package, chips: tuple[int, ...]) -> bool:
    """The rules of placement files by their words."""
    nodes = {str(node["id"]): node for node in document["nodes"]}
    ops = [nodes[name] for name in model.op_names]
    accelerators = document["maxFPGAs"]
    for chip in range(accelerators):
        mine = [node for node, device in zip(ops, chips, strict=True) if device == chip]
        if sum(node["size"] for node in mine) > document["maxSizePerFPGA"]:
            return False
        if not all(node["supportedOnFpga"] for node in mine):
            return False
    colours: dict[int, int] = {}
    if any(colours.setdefault(node["colorClass"], chip) != chip for node, chip in zip(ops, chips, strict=True)):
        return False
    forward = [not node["isBackwardNode"] for node in ops]
    edges = [(u, v) for u, v in model.edges.tolist() if forward[u] and forward[v]]
    feeds = {(chips[u], chips[v]) for u, v in edges if chips[u] != chips[v]}
    return any(
        all(order.index(a) < order.index(b) for a, b in feeds) for order in itertools.permutations(range(on.n_chips))
    )


@settings(deadline=None, max_examples=60)
@given(placements())
def test_the_bound_is_the_best_split_and_the_slices_find_it(document: dict[str, Any]) -> None:
    model, on = import_placement(document, Path("drawn.json")), placement_package(document)
    every = itertools.product(range(on.n_chips), repeat=model.n_ops)
    valid = [chips for chips in every if allowed(document, model, on, chips)]
    found = best_slices(HintContext(model, on, Coarsening.identity(model), no_jumps=False), 5.0)
    if not valid:
        assert not found
        with pytest.raises(InfeasibleError):
            bounds(model, on)
        return
    best = float(ThroughputModel(model, on).evaluate(np.array(valid)).interval_us.min())
    assert best_bound(bounds(model, on)).value_us == pytest.approx(best, rel=1e-6)
    for proof in (reach_bound, around_bound, packing_bound, three_block_bound):
        value = proof(model, on, 1e-3, 5)
        assert value is None or value <= best * (1 + 1e-9)
    assert found[0][0] == pytest.approx(best)
    assert any(allowed(document, model, on, tuple(chips.tolist())) for _, chips in found[:1])
