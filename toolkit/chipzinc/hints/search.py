"""`best_slices`: the best pipelines of consecutive slices that the time allows, for hints and as starts of a search.

All cuts of all orders where the ideals can be listed, else those of some orders, bettered by a genetic algorithm.
Knows no solver. What it finds keeps the order of the chips, memory at rest and over time, `no_skipped_chips`,
`triangle_dependency`, `max_hops`, `supported_kinds`, `pinned` and `colocated`, and of other rules nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chipzinc.graph.opgraph import IntArray
from chipzinc.hints.filling import Filler
from chipzinc.hints.genetic import evolve
from chipzinc.hints.lineages import Lineages
from chipzinc.hints.shifts import Shifts, may_shift
from chipzinc.ideals.bottleneck import chain
from chipzinc.ideals.items import hard
from chipzinc.ideals.lattice import Ideal, prefixes
from chipzinc.ideals.orders import by_priority, priorities, several
from chipzinc.ideals.pipelines import Ordered, Pipelines, may_skip
from chipzinc.ideals.triangle import UntangledSlices
from chipzinc.throughput.model import ThroughputModel

if TYPE_CHECKING:
    from chipzinc.hints.sources import HintContext

QUICK_IDEALS = 1_500
"""Most ideals of the groups that the quick hint looks at."""

MOST_IDEALS = 60_000
"""Most ideals that the search looks at, of the ops, else of the groups."""

MANY_IDEALS = 5_000
"""From so many ideals of the ops on, those of the groups are looked at before."""

GENERATIONS = 1_000

_ROUNDS = 12  # of forbidding slices whose memory overflows over time
_WIDTHS = ((3, 16), (12, 48))  # states and slices kept in the search for pipelines whose edges pass over chips
_MOST_UNTANGLED = 4_000  # ideals of a family for that search
_NEAR = 1.3  # of the least an interval can be: where quick pipelines come so near, the others are not looked for
_BRIEF_S = 3.0  # a time in which the others may come to little
_FILLING_SHARE = 0.12  # of the time, where the quick pipelines are not near
_SHIFTING_SHARE = 0.5  # of the time, for what is then found
_SHIFTING_S = 3.0  # at least, at a time
_ORDERS_SHARE = 0.75  # of the time, after which what is found is shifted
_EVOLVING_SHARE = 0.3  # of the time left then, for orders where there are too many to look at all
_BEAMS = (1, 3)  # partial pipelines kept, in turn
_FAVOURS = (0.8, 1.2)  # range of the factors that make the beams differ
_FAILURES = 6  # after which an interval counts as too short
_SHAKES = 100_000
_CHANGED = (0.01, 0.1, 1.0)  # shares of the items whose place in the order is changed
_STEP = 0.995  # of the best interval, what a changed order has to reach
_ENOUGH = 1 + 1e-5  # times a bound
_CLOSE = 1.005  # nearer to what ignores `triangle_dependency`, that search is not worth its time


def best_slices(
    context: HintContext,
    time_limit_s: float,
    seed: int = 0,
    bound_us: Callable[[], float] = lambda: 0.0,
    threads: int = 1,
    interrupted: Callable[[], None] | None = None,
) -> list[tuple[float, IntArray]]:
    """Searches for pipelines.

    Args:
        context: the graph, the package and the groups.
        time_limit_s: seconds to spend; the quick pipelines are looked for however short this is.
        seed: of the random orders. The same seed gives the same result where the time does not end the search.
        bound_us: tells what no interval is below, which another thread may raise; a pipeline that comes so near that
            nothing better is worth a search ends this one.
        threads: searches at a time, where items are shifted.
        interrupted: called on Ctrl-C, which then ends the search with what it has, if it has anything; None: Ctrl-C is
            raised.

    Returns:
        (interval in µs, chip of each op of shape [op]) of distinct pipelines, the best first; empty if none is
        found that fits.
    """
    search = _Search(context, time.monotonic() + time_limit_s, bound_us, threads)
    try:
        _run(search, time_limit_s, seed)
    except KeyboardInterrupt:
        if interrupted is None or not search.ranked:
            raise
        interrupted()
    return search.ranked


def _run(search: _Search, time_limit_s: float, seed: int) -> None:
    """What `best_slices` does, in its order."""
    begin, context = time.monotonic(), search.context
    groups = Ordered.of(context.graph, context.package, group_of=context.coarsening.group_of)
    ops = Ordered.of(context.graph, context.package)
    search.quick(groups, _NEAR)
    if search.best_us > _NEAR * search.least_us(groups):
        share = max(begin + time_limit_s - time.monotonic(), time_limit_s / 2)
        search.fill(groups, time.monotonic() + share * _FILLING_SHARE, seed)
        search.shift(time.monotonic() + share * _SHIFTING_SHARE, seed)
    if np.isinf(search.best_us) or time_limit_s < _BRIEF_S:  # where little comes after, the quick ones may be the best
        search.deadline = None
        search.quick(groups)
    search.deadline = begin + time_limit_s * (_ORDERS_SHARE if may_shift(context.package) else 1.0)
    if not search.order(groups, ops, seed):
        search.shift(begin + time_limit_s, seed)


def quick_slice(context: HintContext) -> IntArray | None:
    """The best pipeline that takes little time to find, chip of each op, shape [op]; None if none fits."""
    search = _Search(context, None)
    search.quick(Ordered.of(context.graph, context.package, group_of=context.coarsening.group_of))
    return search.ranked[0][1] if search.ranked else None


@dataclass(eq=False)
class _Search:
    """Pipelines found so far, and the ways to find more.

    Attributes:
        context: the graph, the package and the groups.
        deadline: `time.monotonic()` at which to end; None: never.
        bound_us: what no interval is below, as far as is known.
        threads: searches at a time, where items are shifted.
        ranked: distinct pipelines by interval, the best first.
    """

    context: HintContext
    deadline: float | None
    bound_us: Callable[[], float] = lambda: 0.0
    threads: int = 1
    ranked: list[tuple[float, IntArray]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = ThroughputModel(self.context.graph, self.context.package)
        package = self.context.package
        self.shifts = Shifts(self.context.graph, package, self.context.coarsening) if may_shift(package) else None
        self.lineages: Lineages | None = None  # of what is shifted
        self.no_jumps = self.context.no_jumps or hard(package, "max_hops")
        self.any_order = hard(package, "acyclic_quotient") and not hard(package, "acyclic_dataflow")

    @property
    def best_us(self) -> float:
        """The shortest interval found, infinite where there is none."""
        return self.ranked[0][0] if self.ranked else np.inf

    @property
    def over(self) -> bool:
        """Whether the time is, or nothing better is left to find."""
        return (self.deadline is not None and time.monotonic() > self.deadline) or self.reached

    @property
    def reached(self) -> bool:
        """Whether the best is as short as a bound, or nearly so."""
        return self.best_us <= self.bound_us() * _ENOUGH

    def least_us(self, ordered: Ordered) -> float:
        """No pipeline of some items is shorter than this."""
        return self.pipelines(ordered, [], False).floor_us

    def add(self, chips: IntArray) -> float:
        """Scores a pipeline and puts it in its place; returns its interval in µs."""
        interval = float(self.model.evaluate(chips).interval_us[0])
        if np.isfinite(interval) and not any(np.array_equal(chips, other) for _, other in self.ranked):
            self.ranked = sorted([*self.ranked, (interval, chips)], key=_interval)
        return interval

    def quick(self, groups: Ordered, within: float = np.inf) -> None:
        """Looks at all ideals of the groups where they are few, else at those of each of some orders.

        Args:
            groups: the items.
            within: no longer pipelines are looked for, as a factor of what the work and the largest item take.
        """
        ideals = groups.every_ideal(QUICK_IDEALS)
        for family in [ideals] if ideals is not None else [prefixes(order) for order in several(groups.items)]:
            pipelines = self.pipelines(groups, family, self.no_jumps)
            self.shortest(pipelines, within * pipelines.floor_us)

    def fill(self, groups: Ordered, deadline: float, seed: int) -> None:
        """Fills one chip after another, where `triangle_dependency` makes the quick pipelines longer than they need be.

        Args:
            groups: the items.
            deadline: `time.monotonic()` at which to end.
            seed: of the draws.
        """
        package = self.context.package
        in_order = hard(package, "triangle_dependency") and hard(package, "acyclic_dataflow")
        if not in_order or hard(package, "max_hops") or package.communication == "host" or not groups.items.n_items:
            return
        fillers = [Filler(groups, sources_late=late) for late in (True, False)]
        filler, rng = fillers[0], np.random.default_rng(seed)
        ranks = priorities(groups.items)
        if np.isinf(self.best_us):  # as many ops on each chip as its memory takes, so that there is something
            whole = fillers[1].find(2 * filler.ceiling_us, ranks[:1], np.ones(1), 1, np.inf)
            if whole is not None and self.overflowing(groups.chips(whole)) is None:
                self.add(groups.chips(whole))
        least = filler.floor_us
        failures = 0
        while time.monotonic() < deadline and self.best_us > filler.floor_us * _CLOSE and not self.reached:
            limit = float(np.sqrt(least * min(self.best_us, filler.ceiling_us)))
            chosen = rng.permutation(len(ranks))[: int(rng.integers(1, len(ranks) + 1))].tolist()
            favour = rng.uniform(*_FAVOURS, len(chosen))
            width = _BEAMS[failures % len(_BEAMS)]
            found = fillers[failures // len(_BEAMS) % len(fillers)].find(
                limit, [ranks[each] for each in chosen], favour, width, deadline
            )
            best = self.best_us
            if found is not None and self.overflowing(groups.chips(found)) is None:
                self.add(groups.chips(found))
            failures = 0 if self.best_us < best else failures + 1
            if failures == _FAILURES:
                least, failures = limit, 0
            if self.best_us <= least * _CLOSE:
                least = filler.floor_us

    def shift(self, deadline: float, seed: int) -> None:
        """Moves items of pipelines from chip to chip; see `Lineages` for which.

        Args:
            deadline: `time.monotonic()` at which to end.
            seed: of the draws.
        """
        if self.shifts is None or not self.ranked:
            return
        lineages = self.lineages = self.lineages or Lineages(self.ranked[0][1])
        pieces = max(1, int((deadline - time.monotonic()) / _SHIFTING_S))
        for piece in range(pieces):
            seconds = (deadline - time.monotonic()) / (pieces - piece)
            if seconds <= 0 or self.reached:
                return
            turns, starts = lineages.give_out(self.ranked[0], self.threads)
            shifted = self.shifts.each(starts, seconds, seed, turns)
            found = [
                None if chips is None or self.overflowing(chips) is not None else (self.add(chips), chips)
                for chips in shifted
            ]
            lineages.take(turns, found, self.best_us)

    def order(self, groups: Ordered, ops: Ordered, seed: int) -> bool:
        """Looks at all ideals of the ops where these can be listed, of groups or of some orders where not.

        Returns:
            Whether no pipeline can be shorter, by more than is worth a search.
        """
        every = ops.every_ideal(MOST_IDEALS, self.deadline)
        orders = several(groups.items)
        low = None
        if every is None or len(every) > MANY_IDEALS:
            every_of_groups = groups.every_ideal(MOST_IDEALS // 3, self.deadline)
            low = self.family(groups, every_of_groups or sorted({each for order in orders for each in prefixes(order)}))
        if every is not None:
            low = self.family(ops, every)
        else:
            self.singly(ops)
        if low is not None:
            self.untangle([groups, ops], every, low)
            self.shake(ops, low, seed)
        elif every is None:
            self.evolve(groups, orders, seed)
        return every is not None and not self.over and (low is None or self.best_us <= low * _CLOSE)

    def singly(self, ops: Ordered) -> None:
        """Looks at the pipelines over some orders of single ops, where these have too many ideals to look at all."""
        for order in several(ops.items):
            if self.over:
                return
            self.shortest(self.pipelines(ops, prefixes(order), self.no_jumps))

    def family(self, ordered: Ordered, ideals: list[Ideal]) -> float | None:
        """Looks at the pipelines over some ideals.

        Returns:
            None, or a bound on them, in µs, that only pipelines whose edges pass over chips can come near.
        """
        self.shortest(self.pipelines(ordered, ideals, self.no_jumps))
        if self.over or not self.context.no_jumps or hard(self.context.package, "max_hops"):
            return None
        loose = self.pipelines(ordered, ideals, False)
        low, _ = loose.shortest(self.start_us(loose), floor_us=loose.floor_us, deadline=self.deadline)
        return low if self.best_us > low * _CLOSE else None

    def untangle(self, levels: list[Ordered], every: list[Ideal] | None, low: float) -> None:
        """Searches for pipelines whose edges pass over chips, at intervals between a bound and the best found."""
        families = [
            self.pipelines(ordered, prefixes(order), False) for ordered in levels for order in several(ordered.items)
        ]
        if every is not None and len(every) <= _MOST_UNTANGLED:
            families.append(self.pipelines(levels[-1], every, False))
        for states, slices in _WIDTHS:
            least, high = low, min(self.best_us, families[0].loads.ceiling_us)
            while high > least * _CLOSE and not self.over:
                limit = float(np.sqrt(least * high))
                for family in families:
                    if self.untangled(family, limit, states, slices):
                        high = min(limit, self.best_us)
                        families = [family, *(other for other in families if other is not family)]
                        break
                else:
                    least = limit

    def untangled(self, loose: Pipelines, limit_us: float, states: int, slices: int) -> bool:
        """Whether a pipeline without triangles that keeps an interval is found, and added."""
        if self.over:
            return False
        search = UntangledSlices(loose.loads, loose.stages, states=states, slices=slices)
        found = search.find(limit_us, np.inf if self.deadline is None else self.deadline)
        if found is None:
            return False
        chips = loose.chips(found)
        if self.overflowing(chips) is not None:
            return False
        self.add(chips)
        return True

    def shake(self, ordered: Ordered, low: float, seed: int) -> None:
        """Betters the pipelines whose edges pass over chips by small changes of orders, until the time is over.

        Args:
            ordered: the items to order.
            low: a bound on all these pipelines, in µs.
            seed: of the changes.
        """
        rng = np.random.default_rng(seed)
        n = ordered.items.n_items
        keys = [np.argsort(order) / n for order in several(ordered.items)]
        states, slices = _WIDTHS[0]
        for trial in range(_SHAKES):
            if self.over or self.best_us <= low * _CLOSE:
                return
            at = rng.random(n) < _CHANGED[trial % len(_CHANGED)]
            changed = keys[int(rng.integers(len(keys)))] + at * rng.normal(0, 0.1, n)
            loose = self.pipelines(ordered, prefixes(by_priority(ordered.items.precedes, changed)), False)
            if self.untangled(loose, self.best_us * _STEP, states, slices):
                keys.append(changed)

    def evolve(self, groups: Ordered, orders: list[IntArray], seed: int) -> None:
        """Betters orders by a genetic algorithm, for as long as shifting items does not find more in the same time."""

        def cost(order: IntArray) -> float:
            pipelines = self.pipelines(groups, prefixes(order), self.no_jumps)
            return pipelines.shortest(self.start_us(pipelines), floor_us=pipelines.floor_us)[0]

        deadline = np.inf if self.deadline is None else self.deadline
        if self.shifts is not None and np.isfinite(deadline):
            deadline -= (1 - _EVOLVING_SHARE) * (deadline - time.monotonic())
        precedes = groups.items.precedes
        for value, order in evolve(precedes, orders, cost, generations=GENERATIONS, deadline=deadline, seed=seed):
            if value < self.best_us:
                self.shortest(self.pipelines(groups, prefixes(order), self.no_jumps))

    def pipelines(self, ordered: Ordered, ideals: Iterable[Ideal], no_jumps: bool) -> Pipelines:
        """The pipelines over some ideals that the package's rules allow."""
        skipping = may_skip(self.context.package)
        return ordered.pipelines(ideals, no_jumps=no_jumps, any_order=self.any_order, skipping=skipping)

    def start_us(self, pipelines: Pipelines) -> float:
        """An interval to begin with: the best found, or not much above what the work alone takes."""
        return min(self.best_us, max(pipelines.floor_us * 1.1, 1e-9))

    def shortest(self, pipelines: Pipelines, most_us: float = np.inf) -> None:
        """Adds the best pipeline whose memory holds over time, if it is better than those found and than a limit."""
        start = self.start_us(pipelines)
        for _ in range(_ROUNDS):
            most = min(most_us, self.best_us)
            value, table = pipelines.shortest(start, floor_us=pipelines.floor_us, deadline=self.deadline, most_us=most)
            if table is None or value > self.best_us:
                return
            slices = chain(pipelines.loads, pipelines.stages, table)
            chips = pipelines.chips(slices)
            chip = self.overflowing(chips)
            if chip is None:
                self.add(chips)
                return
            start = value
            for before, after, on in slices:
                if on == chip:
                    pipelines.loads.forbid(before, after, on)

    def overflowing(self, chips: IntArray) -> int | None:
        """A chip whose memory does not hold over time, None if there is none or no rule asks."""
        if not hard(self.context.package, "memory_capacity"):
            return None
        overflows = self.model.memory.overflows(chips)
        return overflows[0].chip if overflows else None


def _interval(pipeline: tuple[float, IntArray]) -> float:
    return pipeline[0]
