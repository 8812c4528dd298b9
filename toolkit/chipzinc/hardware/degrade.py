"""What is left of a package after chips or links died.

Routes are fixed: one that used a dead chip or link is lost. The chips that are left are numbered anew, in pipeline
order. Knows no graphs and no rule files; `chipzinc.designs.down` renumbers the chips that rules name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import BoolArray, Incidence, IntArray
from chipzinc.hardware.package import Package, RuleUse

REACH_RULE = "max_hops"


@dataclass(frozen=True, eq=False)
class Degraded:
    """A package without its dead parts.

    Attributes:
        package: the package.
        kept: number that each of its chips had before, shape [chip].
        place: new number of each chip of before, -1 for a dead one, shape [chip before].
    """

    package: Package
    kept: IntArray
    place: IntArray


def degrade(package: Package, chips: Sequence[int], links: Sequence[tuple[int, int]]) -> Degraded:
    """Takes chips and links out of a package.

    Where transfers between chips lose their route, `max_hops` joins the rules with a limit that only a lost route is
    past. The pipeline may begin at another chip, if it then finds a route from every chip to all later ones, as on a
    one-way ring.

    Args:
        package: the package.
        chips: dead chips, by their number.
        links: dead links, as (from chip, to chip).

    Raises:
        InputError: if one of them is none of the package's, or no chip is left.
    """
    _check(package, chips, links)
    dead = set(links)
    alive = np.array([not {a, b} & set(chips) and (a, b) not in dead for a, b in package.links.tolist()], dtype=bool)
    reachable = package.reachable.copy()
    n = package.n_chips
    for pair in range(n * n):
        if not alive[package.routes[pair]].all():
            reachable[divmod(pair, n)] = False
    left = [chip for chip in range(n) if chip not in chips]
    kept = np.array(_order(left, reachable), dtype=np.int64)
    place = np.full(n, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Degraded(_restricted(package, kept, place, alive, reachable), kept, place)


def _check(package: Package, chips: Sequence[int], links: Sequence[tuple[int, int]]) -> None:
    for chip in chips:
        if not 0 <= chip < package.n_chips:
            raise InputError(f"'{package.name}' has no chip {chip}: expected 0..{package.n_chips - 1}")
    for source, target in links:
        if [source, target] not in package.links.tolist():
            raise InputError(f"'{package.name}' has no link from chip {source} to chip {target}")
    if len(set(chips)) == package.n_chips:
        raise InputError(f"all {package.n_chips} chips of '{package.name}' are down")


def _order(left: list[int], reachable: BoolArray) -> list[int]:
    """The chips in pipeline order, begun where each finds a route to all later ones; as they were if nowhere."""
    for start in range(len(left)):
        order = left[start:] + left[:start]
        if all(reachable[a, b] for at, a in enumerate(order) for b in order[at + 1 :]):
            return order
    return left


def _restricted(package: Package, kept: IntArray, place: IntArray, alive: BoolArray, reachable: BoolArray) -> Package:
    n, links = package.n_chips, np.flatnonzero(alive)
    link_place = np.full(package.n_links, -1, dtype=np.int64)
    link_place[links] = np.arange(len(links))
    routes = [
        link_place[package.routes[a * n + b]].tolist() if reachable[a, b] else []
        for a in kept.tolist()
        for b in kept.tolist()
    ]
    lost = (package.reachable & ~reachable)[np.ix_(kept, kept)].any()
    rules = package.rules
    if lost and not any(use.name == REACH_RULE and use.soft_weight is None for use in rules):
        rules = (*(use for use in rules if use.name != REACH_RULE), RuleUse(REACH_RULE, {"limit": n}))
    energy = package.picojoule_per_link_byte
    return replace(
        package,
        name=f"{package.name} degraded",
        chip_class=tuple(package.chip_class[chip] for chip in kept),
        peak_flops_per_us=package.peak_flops_per_us[kept],
        sram_bytes=package.sram_bytes[kept],
        sram_bytes_per_us=package.sram_bytes_per_us[kept],
        overhead_us=package.overhead_us[kept],
        offchip_bytes_per_us=package.offchip_bytes_per_us[kept],
        links=place[package.links[links]].reshape(-1, 2),
        link_bytes_per_us=package.link_bytes_per_us[links],
        routes=Incidence.from_rows(routes),
        reachable=reachable[np.ix_(kept, kept)],
        position=package.position[kept],
        picojoule_per_flop=_some(package.picojoule_per_flop, kept),
        picojoule_per_sram_byte=_some(package.picojoule_per_sram_byte, kept),
        picojoule_per_link_byte=None if energy is None else energy[links],
        on_host=None if package.on_host is None else package.on_host[kept],
        rules=rules,
    )


def _some(values: np.ndarray | None, chips: IntArray) -> np.ndarray | None:
    return None if values is None else values[chips]
