"""Items shifted from chip to chip, against the throughput model and the rules' definitions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hints.shifting.annealing import Manner, shift
from chipzinc.hints.shifting.costs import Costs, costs_of
from chipzinc.hints.shifting.drawing import new_walk
from chipzinc.hints.shifting.placing import (
    Placed,
    excess_us,
    fits,
    forget_change,
    load_us,
    longest_us,
    move,
    note_change,
    place,
    range_of,
    tangle_of,
)
from chipzinc.hints.shifting.sets import keeps_order, least_excess_us, may_fit
from chipzinc.hints.shifts import may_shift
from chipzinc.ideals.items import hard
from chipzinc.ideals.pipelines import Ordered
from chipzinc.throughput.model import ThroughputModel
from tests.bounds.oracles import has_triangle, keeps
from tests.bounds.packages import OTHERS
from tests.hints.test_filling import PACKAGES, RULES, unrolled
from tests.throughput.small import graph, graphs, package

STREAMED = OTHERS[2]


def placed_on(ordered: Ordered, chip: Sequence[int] | np.ndarray) -> tuple[Costs, Placed]:
    costs = costs_of(ordered)
    return costs, place(costs, np.array(chip))


def longest(ordered: Ordered, chip: Sequence[int] | np.ndarray) -> float:
    return longest_us(*placed_on(ordered, chip))


def monotone(model: OpGraph, ordered: Ordered, data: st.DataObject) -> list[int]:
    """A chip for each item, drawn so that the order of the chips holds."""
    chip = [0] * ordered.items.n_items
    for item in range(len(chip)):
        before = [chip[a] for a, b in ordered.items.precedes.tolist() if b == item]
        chip[item] = data.draw(st.integers(max(before, default=0), ordered.package.n_chips - 1))
    return chip


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from(PACKAGES[:2]), st.data())
def test_loads_and_triangles_after_any_moves_are_those_of_placing_all_anew(
    model: OpGraph, on: Package, data: st.DataObject
) -> None:
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    costs, placed = placed_on(ordered, monotone(model, ordered, data))
    for _ in range(4):
        item = data.draw(st.integers(0, model.n_ops - 1))
        to = data.draw(st.integers(*range_of(costs, placed, item)))
        if to != placed.chip[item]:
            move(costs, placed, item, to)
    chips = placed.chip
    score = ThroughputModel(model, on).evaluate(chips)
    loads = score.chip_us[0].tolist()
    assert [load_us(costs, placed, chip) for chip in range(on.n_chips)] == pytest.approx(loads, abs=1e-9)
    assert placed.linked.tolist() == pytest.approx(score.link_us[0].tolist(), abs=1e-9)
    assert (tangle_of(costs, placed) > 0) == has_triangle(model.edges.tolist(), chips.tolist())
    assert placed.double.any() == (tangle_of(costs, placed) > 0)
    anew = place(costs, chips)
    for field in ("n_on", "edges", "touched", "n_touched", "users", "weight"):
        assert getattr(anew, field).tolist() == getattr(placed, field).tolist()
    for chip in range(on.n_chips):
        assert sorted(placed.on[chip, : placed.n_on[chip]].tolist()) == np.flatnonzero(chips == chip).tolist()


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6), st.sampled_from(PACKAGES[:2]), st.data())
def test_what_a_move_is_said_to_change_is_what_it_changes(model: OpGraph, on: Package, data: st.DataObject) -> None:
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    costs, placed = placed_on(ordered, monotone(model, ordered, data))
    item = data.draw(st.integers(0, model.n_ops - 1))
    to = data.draw(st.integers(*range_of(costs, placed, item)))
    if to == placed.chip[item]:
        return
    limit = longest_us(costs, placed) / 2
    note_change(costs, placed, item, to)
    said = excess_us(costs, placed, limit)
    forget_change(placed)
    move(costs, placed, item, to)
    assert excess_us(costs, placed, limit) == pytest.approx(said, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(graphs(max_ops=6), st.sampled_from([*PACKAGES, STREAMED]), st.data())
def test_what_is_said_of_a_set_before_it_moves_holds_when_it_has_moved(
    model: OpGraph, on: Package, data: st.DataObject
) -> None:
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    costs, placed = placed_on(ordered, monotone(model, ordered, data))
    walk, chip = new_walk(costs, placed), placed.chip.copy()
    walk.wish_us[0] = data.draw(st.floats(0, 50))
    walk.goal[:] = [data.draw(st.integers(0, on.n_chips - 1)) for _ in range(on.n_chips)]
    of = chip[data.draw(st.integers(0, model.n_ops - 1))]
    members = [item for item in range(model.n_ops) if chip[item] == of or data.draw(st.booleans())]
    walk.members[: len(members)], walk.was[: len(members)], walk.among[members] = members, chip[members], True
    in_order = keeps_order(costs, placed, walk, len(members))
    least, fit = least_excess_us(costs, placed, walk, len(members)), may_fit(costs, placed, walk, len(members))
    chip[members] = walk.goal[chip[members]]
    later = chip[ordered.items.precedes]
    refused = np.isinf(costs.time_us[np.arange(len(chip)), chip]).any()
    assert in_order == (not refused and bool((later[:, 0] <= later[:, 1]).all()))
    if in_order:
        moved = place(costs, chip)
        assert least <= excess_us(costs, moved, walk.wish_us[0]) + 1e-9
        assert fit or not fits(costs, moved)
    assert not walk.counted.any()
    assert not placed.more.any()


@settings(deadline=None, max_examples=40)
@given(graphs(max_ops=6), st.sampled_from([*PACKAGES, STREAMED]), st.integers(0, 9), st.data())
def test_what_is_shifted_keeps_the_rules_and_is_shorter(
    model: OpGraph, on: Package, seed: int, data: st.DataObject
) -> None:
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    start = monotone(model, ordered, data)
    found = shift(ordered, np.array(start), math.inf, seed=seed, moves=600)
    if found is None:
        return
    chips = ordered.chips(found)
    assert keeps(model, on, chips[None])[0]
    if hard(on, "triangle_dependency"):
        assert not has_triangle(model.edges.tolist(), chips.tolist())
    costs, placed = placed_on(ordered, start)
    holds = not tangle_of(costs, placed) and fits(costs, placed) and set(start) == set(range(max(start) + 1))
    assert not holds or longest(ordered, found) < longest_us(costs, placed)


def test_steps_that_one_op_gathers_leave_a_single_chip() -> None:
    model = unrolled(8, step=1.0, score=1.0)
    on = package("kind: ring-one-way", chips=6, sram="9 MB", more=RULES)
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    one = np.zeros(model.n_ops, dtype=np.int64)
    found = shift(ordered, one, math.inf, moves=20_000)
    assert found is not None
    assert longest(ordered, found) < 0.6 * longest(ordered, one)


def test_steps_of_several_layers_pass_to_other_chips_at_once() -> None:
    # Each step's context is read by both layers; each layer's step by its next one, and the lower's by the upper's.
    steps, tensors = 8, []
    for step in range(steps):
        context, lower, upper = step, steps + step, 2 * steps + step
        later = step + 1 < steps
        tensors.append((context, [lower, upper] + ([context + 1] if later else []), 1))
        tensors.append((lower, [upper] + ([lower + 1] if later else []), 1))
        tensors += [(upper, [upper + 1], 1)] if later else []
    model = graph(tensors, 3 * steps, flops=[100.0] * steps + [1000.0] * 2 * steps)
    on = package("kind: ring-one-way", chips=4, sram="9 MB", more=RULES)
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    layers = ordered.restrict(np.repeat([0, 0, 1], steps))
    assert longest(ordered, layers) > 8_000
    for start in (layers, np.zeros(3 * steps, dtype=np.int64)):
        found = shift(ordered, start, math.inf, moves=4_000, manner=Manner(sets=1.0, ladders=1.0))
        assert found is not None
        assert not has_triangle(model.edges.tolist(), ordered.chips(found).tolist())
        assert len(np.unique(found)) == 4
        assert longest(ordered, found) < 4_600  # four steps of a layer on each


def test_links_that_take_longest_are_relieved() -> None:
    rows = [(op, [5 + op], 100) for op in range(5)]  # five ops, each read by one of its own
    model = graph(rows, 10, flops=[1.0] * 10)
    on = package("kind: ring-one-way", chips=2, sram="9 MB", more=f"communication: overlapped\n{RULES}")
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    crossing = np.repeat([0, 1], 5)
    assert longest(ordered, crossing) == ThroughputModel(model, on).evaluate(crossing).link_us.max() == 500
    found = shift(ordered, crossing, math.inf, moves=20_000)
    assert found is not None
    assert ThroughputModel(model, on).evaluate(ordered.chips(found)).link_us.max() == 0


def test_the_same_seed_shifts_the_same() -> None:
    model = unrolled(6, step=1.0, score=2.0)
    on = package("kind: ring-one-way", chips=5, sram="9 MB", more=RULES)
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    once, again = (shift(ordered, np.zeros(model.n_ops, dtype=np.int64), math.inf, moves=3_000) for _ in range(2))
    assert once is not None
    assert again is not None
    assert np.array_equal(once, again)


def test_nothing_is_shifted_under_rules_that_are_not_known() -> None:
    assert may_shift(PACKAGES[0])
    assert not may_shift(
        package("kind: chain", chips=3, more="rules: [acyclic_dataflow, {name: max_hops, parameters: {limit: 1}}]")
    )
    assert not may_shift(package("kind: chain", chips=3, more="rules: [triangle_dependency]"))


def test_any_seed_that_is_taken_elsewhere_is_taken_here() -> None:
    model = unrolled(6, step=1.0, score=2.0)
    on = package("kind: ring-one-way", chips=5, sram="9 MB", more=RULES)
    ordered = Ordered.of(model, on, group_of=np.arange(model.n_ops))
    assert shift(ordered, np.zeros(model.n_ops, dtype=np.int64), math.inf, seed=2**70 + 3, moves=3_000) is not None
