"""The shortest block around single items: the chip that holds an item takes at least so long.

Where rules tie much together, or all ways around an item carry much, this is more than any share of the work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from chipzinc.bounds.block import Blocks, Where, blocks_of
from chipzinc.bounds.checkpoints import checkpoints
from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package

_HEAVIEST = 20
_NEIGHBOURS = 8  # by number, on either side of the best item so far
_PROMISING = 0.98  # of the bound known, below which no neighbours are looked at
_TRIED, _HOPELESS = 16, 0.8  # items after which no more are looked at if all are so far below the bound known
_LONGEST_S = 5.0  # for one item


def around_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The longest of the shortest blocks around some items, in µs.

    Args:
        graph: the graph.
        package: a package under a hard `acyclic_dataflow` or `acyclic_quotient`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound, None if it is no better than the one known or does not apply.

    Raises:
        InfeasibleError: if no chip can hold some item.
    """
    deadline = time.monotonic() + time_limit_s
    blocks = blocks_of(graph, package)
    if blocks is None:
        return None
    best, at = 0.0, -1
    seen: set[int] = set()
    for item in _spread(blocks, package.n_chips):
        if len(seen) >= _TRIED and best <= floor_us * _HOPELESS:
            return None
        seen.add(item)
        best, at = max((best, at), (_around(blocks, item, deadline), item))
    if best <= floor_us * _PROMISING:
        return None
    while near := [item for item in _near(at, len(blocks.time_us)) if item not in seen]:
        seen.update(near)
        best, at = max((best, at), *((_around(blocks, item, deadline), item) for item in near))
    if np.isinf(best):
        raise InfeasibleError(f"no chip of '{package.name}' can hold an op of '{graph.name}' with what it ties to it")
    return best if best > floor_us else None


def _around(blocks: Blocks, item: int, deadline: float) -> float:
    """The shortest block around an item, or a bound on it, in µs; 0 if the time is over."""
    left = deadline - time.monotonic()
    return blocks.shortest_us(Where(inside=item), min(left, _LONGEST_S)) if left > 0 else 0.0


def _spread(blocks: Blocks, n_chips: int) -> Iterator[int]:
    """Items all over the graph, then the heaviest ones."""
    chosen = checkpoints(blocks, n_chips)
    yield from chosen
    heaviest = np.argsort(-blocks.time_us, kind="stable")[:_HEAVIEST].tolist()
    yield from (item for item in heaviest if item not in chosen)


def _near(item: int, n_items: int) -> range:
    """Items whose numbers, which follow the order of the ops, are close to one's."""
    return range(max(0, item - _NEIGHBOURS), min(n_items, item + _NEIGHBOURS + 1))
