"""Partitions on the way to a good one, from which imitation teaches the next step: the good one undone in several ways.

Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chipzinc.graph.opgraph import BoolArray, IntArray
from chipzinc.hints.sources import Start
from chipzinc.policy.candidate import Candidates, candidates_of
from chipzinc.policy.instance import Instance

Disturbance = Callable[[Instance, IntArray, np.random.Generator], IntArray]


def disturbed(instance: Instance, target: IntArray, rng: np.random.Generator, start: Start = "greedy") -> Candidates:
    """One disturbed partition for each target of shape [sample, group], in a way drawn at random.

    Where the first pass begins is one of the ways.
    """
    last = instance.package.n_chips - 1
    rows = []
    for row in target:
        way = int(rng.integers(1 + len(_WAYS)))
        rows.append(instance.start(start) if way == 0 else _WAYS[way - 1](instance, row, rng))
    return candidates_of(instance, np.clip(np.stack(rows), 0, last))


def windows(target: IntArray, rng: np.random.Generator) -> BoolArray:
    """Which groups of partitions may move, those on a range of chips drawn for each; shape [sample, group]."""
    ends = np.sort(rng.integers(0, target.max(initial=0) + 1, (len(target), 2)), axis=1)
    return np.asarray((target >= ends[:, :1]) & (target <= ends[:, 1:]))


def within(free: BoolArray, inside: IntArray, target: IntArray) -> IntArray:
    """Partitions that are disturbed inside windows alone and keep to their chips; all of shape [sample, group]."""
    last = int(target.max(initial=0))
    low = np.where(free, target, last).min(axis=1, keepdims=True)
    high = np.where(free, target, 0).max(axis=1, keepdims=True)
    return np.where(free, np.clip(inside, low, np.maximum(low, high)), target)


def _stepped(instance: Instance, target: IntArray, rng: np.random.Generator) -> IntArray:
    """Single groups a chip or two away, as independent draws leave them."""
    moved = rng.random(len(target)) < rng.uniform(0, 0.5)
    return np.asarray(target + moved * rng.integers(-2, 3, len(target)))


def _shifted(instance: Instance, target: IntArray, rng: np.random.Generator) -> IntArray:
    """A range of the pipeline one chip away."""
    low, high = np.sort(rng.integers(0, instance.package.n_chips, 2))
    return np.asarray(target + ((target >= low) & (target <= high)) * int(rng.choice([-1, 1])))


def _recut(instance: Instance, target: IntArray, rng: np.random.Generator) -> IntArray:
    """The target's order of groups, cut elsewhere: chips are too full or too empty, as slices of another cost are."""
    order = np.lexsort((np.arange(len(target)), target))
    ends = np.searchsorted(target[order], np.arange(instance.package.n_chips), side="right")[:-1]
    mean = len(target) / instance.package.n_chips
    ends = np.sort(np.rint(ends + rng.normal(0, rng.uniform(0, 1) * mean, len(ends))))
    chip = np.empty_like(target)
    chip[order] = np.searchsorted(ends, np.arange(len(target)), side="right")
    return chip


def _recut_and_stepped(instance: Instance, target: IntArray, rng: np.random.Generator) -> IntArray:
    return _stepped(instance, _recut(instance, target, rng), rng)


_WAYS: tuple[Disturbance, ...] = (_stepped, _shifted, _recut, _recut, _recut_and_stepped)
