"""`price_rules()`: the throughput that each rule costs on a graph, beside the other rules and alone.

What is proven is kept apart from what was merely found: a price is a range, from the proven bounds on both sides. Knows
no file and no command line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from chipzinc.bounds.simple import simple_bound
from chipzinc.errors import NoAnswerError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import Slice
from chipzinc.improve import optimise
from chipzinc.recipe import Progress
from chipzinc.render.objective import parse_objective
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session

Variant = frozenset[str]
"""Names of the hard rules that bind; the others are left out."""

SETTLED_GAP = 1e-4
"""A variant whose bound other variants bring this close to its interval is not searched: it is worth no solve."""


@dataclass(frozen=True)
class Known:
    """What is known of the shortest interval that some rules allow.

    Attributes:
        interval_us: the shortest found, of a partition that these rules confirm; infinite where none was.
        bound_us: proven: no partition that keeps these rules has a shorter one.
    """

    interval_us: float
    bound_us: float

    @property
    def gap(self) -> float:
        """Interval / bound - 1; infinite where no interval, or no bound above 0, is known."""
        return self.interval_us / self.bound_us - 1 if self.bound_us > 0 else math.inf


@dataclass(frozen=True)
class Loss:
    """The share of throughput that is lost between looser and stricter rules, 0 to 1: proven to lie in a range.

    Attributes:
        least: no less.
        most: no more.
    """

    least: float
    most: float

    @classmethod
    def between(cls, loose: Known, strict: Known) -> Loss:
        """1 - (shortest interval of the loose) / (shortest interval of the strict), each between bound and interval."""
        least = 1 - loose.interval_us / strict.bound_us if strict.bound_us > 0 else 0.0
        most = 1 - loose.bound_us / strict.interval_us if strict.interval_us > 0 else 0.0
        return cls(max(0.0, least), max(0.0, least, most))


@dataclass(frozen=True)
class Price:
    """What one rule costs.

    Attributes:
        rule: the rule.
        without: what all the other rules allow.
        alone: what this rule alone allows.
        beside_others: throughput lost by adding the rule to all the others.
        by_itself: throughput lost by adding the rule to none.
    """

    rule: str
    without: Known
    alone: Known
    beside_others: Loss
    by_itself: Loss


@dataclass(frozen=True)
class PriceList:
    """The prices of a package's hard rules on a graph.

    Attributes:
        prices: one a hard rule, in the package's order.
        everything: what all hard rules together allow.
        nothing: what is possible where no rule binds.
        soft: soft rules, which forbid no partition and so cost nothing.
        searched: how many sets of rules were searched.
        interrupted: whether Ctrl-C ended it early; what was not searched is known from its neighbours only.
        seconds: wall time.
    """

    prices: tuple[Price, ...]
    everything: Known
    nothing: Known
    soft: tuple[str, ...]
    searched: int
    interrupted: bool
    seconds: float


def price_rules(
    graph: OpGraph,
    package: Package,
    *,
    session: Session,
    worker: Callable[[], Session],
    solver: str = "chuffed",
    time_limit_s: float = 10.0,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> PriceList:
    """Optimises under all hard rules, under none, under all but each and under each alone.

    Every partition that keeps more rules keeps fewer, so that each search also says something of the others: an
    interval holds for all looser sets of rules, a bound for all stricter ones.

    Args:
        graph: the graph.
        package: the package, whose hard rules are priced.
        session: where to solve.
        worker: opens a further session for a worker of a search.
        solver: the solver.
        time_limit_s: wall-clock limit of each search.
        seed: seed of all draws.
        progress: called with what is being done.

    Raises:
        InfeasibleError: if the rules leave no partition, so that their price is everything.
        InputError: if a rule or a parameter is wrong.
    """
    begin = time.monotonic()
    rules = selected_rules(package)
    hard = [selected.name for selected in rules if selected.hard]
    everything: Variant = frozenset(hard)
    wanted = [everything, frozenset(), *(everything - {name} for name in hard), *(frozenset([name]) for name in hard)]
    found: dict[Variant, Known] = {}
    interrupted = False
    for variant in dict.fromkeys(wanted):
        if interrupted or _settled(variant, found):
            continue
        progress(f"searching under {_said(variant, everything)}")
        found[variant], interrupted = _search(
            graph, _restricted(package, variant), session, worker, solver, time_limit_s, seed
        )
    known = {variant: _tightened(variant, found) for variant in wanted}
    return PriceList(
        prices=tuple(_priced(name, everything, known) for name in hard),
        everything=known[everything],
        nothing=known[frozenset()],
        soft=tuple(selected.name for selected in rules if not selected.hard),
        searched=len(found),
        interrupted=interrupted,
        seconds=time.monotonic() - begin,
    )


def _priced(name: str, everything: Variant, known: Mapping[Variant, Known]) -> Price:
    without, alone = known[everything - {name}], known[frozenset([name])]
    return Price(
        name,
        without,
        alone,
        beside_others=Loss.between(without, known[everything]),
        by_itself=Loss.between(known[frozenset()], alone),
    )


def _restricted(package: Package, variant: Variant) -> Package:
    """The package with no other hard rules than these, and no soft ones."""
    return replace(package, rules=tuple(use for use in package.rules if use.name in variant))


def _search(
    graph: OpGraph,
    package: Package,
    session: Session,
    worker: Callable[[], Session],
    solver: str,
    time_limit_s: float,
    seed: int,
) -> tuple[Known, bool]:
    """What one search finds and proves, and whether Ctrl-C ended it."""
    try:
        best = optimise(
            graph,
            package,
            session=session,
            worker=worker,
            hints=Slice(),
            objective=parse_objective("interval"),
            solvers=(solver,),
            time_limit_s=time_limit_s,
            seed=seed,
        )
    except NoAnswerError:
        return Known(math.inf, simple_bound(graph, package).value_us), False
    bound = 0.0 if best.bound is None else best.bound.value_us
    return Known(best.interval_us, min(bound, best.interval_us)), best.interrupted


def _tightened(variant: Variant, found: Mapping[Variant, Known]) -> Known:
    """What all searches together say of some rules."""
    interval = min((known.interval_us for other, known in found.items() if other >= variant), default=math.inf)
    bound = max((known.bound_us for other, known in found.items() if other <= variant), default=0.0)
    return Known(interval, min(bound, interval))


def _settled(variant: Variant, found: Mapping[Variant, Known]) -> bool:
    return bool(found) and _tightened(variant, found).gap <= SETTLED_GAP


def _said(variant: Variant, everything: Variant) -> str:
    if len(variant) == 1 or not variant:
        return f"the rule {next(iter(variant))} alone" if variant else "no rule"
    left_out: Sequence[str] = sorted(everything - variant)
    return f"all rules but {left_out[0]}" if left_out else "all rules"
