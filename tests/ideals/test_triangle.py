"""Pipelines whose edges pass over chips, against the rule's definition with loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.graph.opgraph import OpGraph
from chipzinc.ideals.lattice import all_ideals
from chipzinc.ideals.pipelines import Ordered
from chipzinc.ideals.triangle import Label, UntangledSlices, follow
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps
from tests.throughput.small import graph, graphs, package

RING = package("kind: ring-one-way", chips=4, sram="9 kB", more="rules: [acyclic_dataflow, no_skipped_chips]")


def followed(model: OpGraph, chips: list[int]) -> bool:
    """Whether `follow` lets every chip of a pipeline pass."""
    label: Label | None = Label((), ())
    edges = model.edges.tolist()
    for chip in range(max(chips) + 1):
        inside = sum(1 << op for op in range(model.n_ops) if chips[op] <= chip)
        added = sum(1 << op for op in range(model.n_ops) if chips[op] == chip)
        feeding = sum({1 << u for u, v in edges if added >> v & 1})
        awaited = sum({1 << u for u, v in edges if inside >> u & 1 and not inside >> v & 1})
        assert label is not None
        label = follow(label, feeding, added, awaited)
        if label is None:
            return False
    return True


@given(graphs(), st.data())
def test_a_chip_is_refused_exactly_where_it_closes_a_triangle(model: OpGraph, data: st.DataObject) -> None:
    # chips in pipeline order: each op no earlier than what it reads
    chips: list[int] = []
    for op in range(model.n_ops):
        least = max([chips[u] for u, v in model.edges.tolist() if v == op], default=0)
        chips.append(data.draw(st.integers(least, 4)))
    assert followed(model, chips) == (not has_triangle(model.edges.tolist(), chips))


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6))
def test_no_pipeline_without_triangles_is_missed_where_every_state_is_kept(model: OpGraph) -> None:
    every = np.array(list(itertools.product(range(RING.n_chips), repeat=model.n_ops)))
    edges = model.edges.tolist()
    every = every[keeps(model, RING, every)]
    valid = np.array([chips for chips in every if not has_triangle(edges, chips.tolist())])
    best = float(ThroughputModel(model, RING).evaluate(valid).interval_us.min())
    ordered = Ordered.of(model, RING, group_of=np.arange(model.n_ops))
    loose = ordered.pipelines(all_ideals(model.n_ops, ordered.items.precedes, 100) or [])
    search = UntangledSlices(loose.loads, loose.stages, states=1000, slices=1000)
    slices = search.find(best * (1 + 1e-9), math.inf)
    assert slices is not None
    chips = loose.chips(slices)
    assert not has_triangle(edges, chips.tolist())
    assert ThroughputModel(model, RING).evaluate(chips).interval_us[0] <= best * (1 + 1e-9)
    assert best <= 0 or search.find(best * (1 - 1e-6), math.inf) is None


def test_branches_may_lie_on_chips_that_others_pass_over() -> None:
    # a feeds b and c, both feed d: one op a chip, a -> c over b's chip and b -> d over c's
    model = graph([(0, [1, 2], 1), (1, [3], 1), (2, [3], 1)], 4, flops=[90] * 4)
    ordered = Ordered.of(model, RING)
    loose = ordered.pipelines(all_ideals(4, ordered.items.precedes, 100) or [])
    slices = UntangledSlices(loose.loads, loose.stages, states=10, slices=10).find(100, math.inf)
    assert slices is not None
    assert sorted(loose.chips(slices).tolist()) == [0, 1, 2, 3]
    tight = ordered.pipelines(all_ideals(4, ordered.items.precedes, 100) or [], no_jumps=True)
    assert tight.shortest(100)[0] > 180
