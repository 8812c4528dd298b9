"""`bounds()`: every lower bound on the interval that the time allows, cheap ones first.

Each holds for all op-level partitions that keep the hard rules the package selects; none looks at more rules than
these. To add one: write a function that returns µs (or None), and a line in `_BY_BLOCKS` or in `prove`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from chipzinc.bounds.around import around_bound
from chipzinc.bounds.bins import bins_bound
from chipzinc.bounds.block import has_blocks
from chipzinc.bounds.bottleneck import three_block_bound
from chipzinc.bounds.ideals import applies, ideals_bound, part_bound
from chipzinc.bounds.joins import join_bound
from chipzinc.bounds.memory import check_fit, memory_bound
from chipzinc.bounds.packing import packing_bound
from chipzinc.bounds.reach import reach_bound
from chipzinc.bounds.simple import Bound, largest_op_bound, work_bound
from chipzinc.bounds.skips import skip_bound
from chipzinc.bounds.triangle import triangle_bound
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import hard

Limited = Callable[[OpGraph, Package, float, float], "float | None"]
"""A proof that knows a bound in µs and a limit in seconds.

One that gives just that bound has found a pipeline as short, so that nothing is left to prove.
"""

Long = Callable[[OpGraph, Package, float, bool, float], Iterator[Bound]]
"""What `prove_long` does, somewhere."""

_SKIPS_SHARE = 0.1  # of all time
_SHARE = 0.6  # of the time left, for all ideals

_UNDER_TRIANGLES: tuple[tuple[str, Limited, float], ...] = (
    ("ideals_without_triangles", triangle_bound, 0.8),
    ("around", around_bound, 0.6),
)
"""What is proven after the shortest chain of all ideals, with shares of the time left."""

_BY_BLOCKS: tuple[tuple[str, Limited, float], ...] = (
    ("part_of_ideals", part_bound, 0.9),
    ("joins", join_bound, 0.4),
    ("reach", reach_bound, 0.95),
    ("around", around_bound, 0.5),
    ("packing", packing_bound, 0.9),
    ("three_block", three_block_bound, 1.0),
)
"""What is proven where there are too many ideals."""

_GAIN = ("ideals_without_triangles", "reach")
"""Proofs that gain the more the more time they have, if they gain at all; those after them seldom do."""


def bounds(graph: OpGraph, package: Package, *, time_limit_s: float = 60.0) -> list[Bound]:
    """Proves lower bounds on the interval, by increasing cost.

    Args:
        graph: the graph.
        package: the package, whose hard rules hold.
        time_limit_s: seconds for all of them; the first ones take milliseconds and are always there.

    Returns:
        The bounds in the order of their proofs; the strongest need not be the last.

    Raises:
        InfeasibleError: if a proof finds that no partition keeps the rules.
        InputError: if the graph and the package do not fit each other.
    """
    return list(prove(graph, package, time_limit_s=time_limit_s))


def best_bound(found: list[Bound]) -> Bound:
    """The largest bound; of equal ones the first."""
    return max(found, key=lambda bound: bound.value_us)


def prove(graph: OpGraph, package: Package, *, time_limit_s: float = 60.0, long: Long | None = None) -> Iterator[Bound]:
    """Yields the bounds of `bounds` as they are proven.

    Args:
        graph: the graph.
        package: the package.
        time_limit_s: seconds for all of them.
        long: goes on where the quick proofs end; None for `prove_long`.
    """
    deadline = time.monotonic() + time_limit_s
    check_fit(graph, package)
    known = 0.0
    for name, proof in _soon(graph, package, time_limit_s * _SKIPS_SHARE):
        bound = _timed(name, proof)
        if bound is not None and (bound.value_us > 0 or name == "largest_op"):
            known = max(known, bound.value_us)
            yield bound
    if not applies(graph, package) or not known > 0:
        return
    left = (deadline - time.monotonic()) * _SHARE
    exact = _timed("ideals", lambda: ideals_bound(graph, package, known, left))
    if exact is not None:
        known = max(known, exact.value_us)
        yield exact
        if not hard(package, "triangle_dependency") or not hard(package, "acyclic_dataflow"):
            return  # blocks say no more than ideals do
    yield from (long or prove_long)(graph, package, known, exact is not None, deadline - time.monotonic())


def prove_long(
    graph: OpGraph,
    package: Package,
    known_us: float,
    chained: bool,
    time_limit_s: float,
    slackens: Callable[[], None] = lambda: None,
) -> Iterator[Bound]:
    """Yields the bounds that take long to prove.

    Args:
        graph: the graph.
        package: a package to which `applies`.
        known_us: the best bound known, above 0.
        chained: whether that is of all chains of ideals, which are too many to list otherwise.
        time_limit_s: seconds for all of them.
        slackens: called once, when only proofs are left that take long and seldom gain.
    """
    deadline = time.monotonic() + time_limit_s
    gaining = may_gain(graph, package, chained)
    if not gaining:
        slackens()
    for name, limited, share in _UNDER_TRIANGLES if chained else _BY_BLOCKS:
        left = (deadline - time.monotonic()) * share
        if left <= 0:
            return
        bound = _timed(name, partial(limited, graph, package, known_us, left))
        if bound is not None:
            yield bound
            if bound.value_us <= known_us:
                return  # a pipeline is as short
            known_us = bound.value_us
        elif gaining and name in _GAIN:
            slackens()


def may_gain(graph: OpGraph, package: Package, chained: bool) -> bool:
    """Whether `prove_long` has proofs that gain the more the more time they have."""
    return chained or has_blocks(graph, package)


def _soon(graph: OpGraph, package: Package, skips_s: float) -> tuple[tuple[str, Callable[[], float | None]], ...]:
    """What takes milliseconds, but for the last, which has a limit."""
    return (
        ("largest_op", lambda: largest_op_bound(graph, package)),
        ("work", lambda: work_bound(graph, package)),
        ("bins", lambda: bins_bound(graph, package)),
        ("memory", lambda: memory_bound(graph, package)),
        ("skips", lambda: skip_bound(graph, package, skips_s)),
    )


def _timed(name: str, proof: Callable[[], float | None]) -> Bound | None:
    start = time.perf_counter()
    value = proof()
    return None if value is None else Bound(name, value, time.perf_counter() - start)
