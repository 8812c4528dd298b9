"""Whether one package can do whatever another can: then what holds of one's partitions holds of the other's.

Knows arrays of packages, and of the rules that ship which of them allow more where there is more.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from chipzinc.graph.opgraph import FloatArray
from chipzinc.hardware.package import Package

MONOTONE_RULES: Final = frozenset(
    {
        "acyclic_dataflow",
        "acyclic_quotient",
        "colocated",
        "contiguous",
        "max_hops",
        "max_ops_per_chip",
        "memory_capacity",
        "no_skipped_chips",
        "pinned",
        "separated",
        "supported_kinds",
        "triangle_dependency",
    }
)
"""Rules that a partition keeps on a package with more of everything if it keeps them on one with less."""


def dominates(larger: Package, smaller: Package) -> bool:
    """Whether every partition valid on `smaller` is valid on `larger`, with an interval that is no longer.

    True only where that is proven: the chips of the smaller are the first ones of the larger, none of them slower or
    with less memory, every route between them that a partition may use takes the same links, none of them slower,
    and the rules are the same, ship with the toolkit, and never refuse a partition for what a package has besides.
    """
    if any(getattr(larger, name) != getattr(smaller, name) for name in _EQUAL):
        return False
    binding = {(rule.name, repr(rule.parameters)) for rule in smaller.rules if rule.soft_weight is None}
    if binding != {(rule.name, repr(rule.parameters)) for rule in larger.rules if rule.soft_weight is None}:
        return False
    names = {name for name, _ in binding}
    return (
        names <= MONOTONE_RULES - _own_rules(smaller)
        and _chips_do(larger, smaller)
        and _routes_do(larger, smaller, names)
    )


_EQUAL = ("weights", "weight_bits", "activation_bits", "communication", "efficiency", "supported_kinds")


def _own_rules(package: Package) -> set[str]:
    """Names of the rule files beside the spec, which go before those that ship."""
    if package.source is None:
        return set()
    return {file.stem for place in ("*.mzn", "rules/*.mzn") for file in package.source.parent.glob(place)}


def _chips_do(larger: Package, smaller: Package) -> bool:
    n = smaller.n_chips
    if larger.n_chips < n or larger.chip_class[:n] != smaller.chip_class:
        return False
    if (larger.on_host is None) != (smaller.on_host is None):
        return False
    same_host = larger.on_host is None or smaller.on_host is None or np.array_equal(larger.on_host[:n], smaller.on_host)
    rates = ("peak_flops_per_us", "sram_bytes", "sram_bytes_per_us", "offchip_bytes_per_us")
    more = all((getattr(larger, name)[:n] >= getattr(smaller, name)).all() for name in rates)
    return bool(same_host and more and (larger.overhead_us[:n] <= smaller.overhead_us).all())


def _routes_do(larger: Package, smaller: Package, rules: set[str]) -> bool:
    """Where transfers only lead to later chips, only those routes matter."""
    n = smaller.n_chips
    forward = "acyclic_dataflow" in rules
    for source in range(n):
        for target in range(source + 1 if forward else 0, n):
            if source != target and not _same_route(larger, smaller, source, target):
                return False
    return True


def _same_route(larger: Package, smaller: Package, source: int, target: int) -> bool:
    if larger.reachable[source, target] != smaller.reachable[source, target]:
        return False
    ours, theirs = (_route(package, source, target) for package in (larger, smaller))
    return ours[0] == theirs[0] and bool((ours[1] >= theirs[1]).all())


def _route(package: Package, source: int, target: int) -> tuple[list[list[int]], FloatArray]:
    """The links of a route as pairs of chips, and their rates in bytes per µs."""
    links = package.routes[source * package.n_chips + target]
    return package.links[links].tolist(), package.link_bytes_per_us[links]
