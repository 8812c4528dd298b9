"""Hint sources: where the preferences come from that correction makes valid.

To add one: write a class with the one method of `HintSource`, and name it in `hint_source`. Sources know groups, costs
and draws; they know no rule file and no solver.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.package import Package
from chipzinc.hints.search import quick_slice

NOISY_SHARE = 0.3
NOISY_REACH = 3
HINTS = ("greedy", "slice", "noisy", "random")
Start = Literal["greedy", "slice"]
"""Hints that a search may start from."""
STARTS: tuple[Start, ...] = get_args(Start)


@dataclass(frozen=True, eq=False)
class HintContext:
    """What a hint source may look at.

    Attributes:
        graph: the graph.
        package: the package.
        coarsening: the groups that hints are over.
        no_jumps: whether the rules forbid an edge over a whole chip.
    """

    graph: OpGraph
    package: Package
    coarsening: Coarsening
    no_jumps: bool = True


class HintSource(Protocol):
    """Prefers chips."""

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """Chips of each group from the most to the least wanted, shape [sample, group, chip].

        FIX takes the first of each as its hint; SAMPLE tries them in this order.
        """
        ...


class Greedy:
    """Contiguous balance: an order is cut where the work done reaches each chip's share of the speed."""

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `HintSource`."""
        return nearest_first(np.tile(greedy_hint(context), (n_samples, 1)), context.package.n_chips)


class Slice:
    """The best cuts of all orders of the groups, or of some where these are many; greedy's where none fits."""

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `HintSource`."""
        return nearest_first(np.tile(slice_hint(context), (n_samples, 1)), context.package.n_chips)


class Noisy:
    """Slice with 30 % of the groups moved uniformly by up to 3 chips, another draw for each sample."""

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `HintSource`."""
        hint = slice_hint(context)
        shape = (n_samples, len(hint))
        moved = rng.random(shape) < NOISY_SHARE
        by = rng.integers(-NOISY_REACH, NOISY_REACH, shape)
        by += by >= 0  # a moved group does move
        return nearest_first(np.clip(hint + moved * by, 0, context.package.n_chips - 1), context.package.n_chips)


class Uniform:
    """Every order of the chips of every group is as likely."""

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `HintSource`."""
        shape = (n_samples, context.coarsening.n_groups, context.package.n_chips)
        return np.argsort(rng.random(shape), axis=2)


@dataclass(frozen=True, eq=False)
class Given:
    """One partition, from a plan file or a search.

    Attributes:
        chips: chip of each op, shape [op].
    """

    chips: IntArray

    def rankings(self, context: HintContext, n_samples: int, rng: np.random.Generator) -> IntArray:
        """See `HintSource`."""
        hint = context.coarsening.restrict(self.chips)
        return nearest_first(np.tile(hint, (n_samples, 1)), context.package.n_chips)


def hint_source(name: str) -> HintSource:
    """The hint source of a name.

    Raises:
        InputError: if there is none.
    """
    sources: dict[str, HintSource] = {"greedy": Greedy(), "slice": Slice(), "noisy": Noisy(), "random": Uniform()}
    if name not in sources:
        raise InputError(f"no hints '{name}': expected {', '.join(HINTS)} or a plan file", field="--hints")
    return sources[name]


def greedy_hint(context: HintContext) -> IntArray:
    """Chip of each group by the middle of its work in the order; shape [group]."""
    time = op_time_us(context.graph, context.package)
    mean: FloatArray = np.where(np.isfinite(time), time, np.nan)
    work = np.bincount(
        context.coarsening.group_of, weights=np.nanmean(mean, axis=1), minlength=context.coarsening.n_groups
    )
    speed = 1 / np.maximum(np.nansum(mean, axis=0), np.finfo(float).tiny)
    share = np.cumsum(speed)[:-1] / speed.sum()
    done = (np.cumsum(work) - work / 2) / max(float(work.sum()), np.finfo(float).tiny)
    return np.searchsorted(share, done, side="right")


def slice_hint(context: HintContext) -> IntArray:
    """Chip of each group by `quick_slice`, without the rule on jumps where it leaves nothing; shape [group]."""
    chips = quick_slice(context)
    if chips is None and context.no_jumps:
        chips = quick_slice(replace(context, no_jumps=False))
    return greedy_hint(context) if chips is None else context.coarsening.restrict(chips)


def start_hint(context: HintContext, start: Start) -> IntArray:
    """Chip of each group by the hint that a search is told to start from; shape [group]."""
    return slice_hint(context) if start == "slice" else greedy_hint(context)


def nearest_first(hint: IntArray, n_chips: int) -> IntArray:
    """Rankings by (|chip - hint|, chip): shape [sample, group] to [sample, group, chip]."""
    chips = np.arange(n_chips)
    far = np.abs(chips - hint[..., None])
    return np.argsort(far * n_chips + chips, axis=-1)
