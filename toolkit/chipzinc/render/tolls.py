"""Who pays for transfers, as pairs of sets of chips: from one of the first to one of the second costs a toll.

Knows packages and routes only. Stated by sets, the tolls of a ring or a mesh are few, whatever the number of routes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package


@dataclass(frozen=True, eq=False)
class Toll:
    """What a chip pays for receiving from, or sending to, some other chips.

    Attributes:
        chip: who pays.
        others: the other ends, shape [chip].
        rate: number of the rate.
    """

    chip: int
    others: BoolArray
    rate: int


def receipts_and_dispatches(
    graph: OpGraph, package: Package, *, monotone: bool
) -> tuple[FloatArray, list[Toll], list[Toll], IntArray]:
    """The tolls of chips, and the rates of these and of links.

    Args:
        graph: the graph, whose profile says what the host is paid.
        package: the package.
        monotone: whether data flows to later chips only.

    Returns:
        µs of a byte (of a µs where transfers were measured) at each rate, shape [rate]; tolls for receiving; tolls for
        sending, one a link; and the rate of each link, counted from 1, 0 where nothing passes, shape [link].
    """
    possible = _possible(package.n_chips, monotone=monotone)
    if package.communication == "host":
        return _host(graph, package, possible)
    rates, rate_of = np.unique(1 / package.link_bytes_per_us, return_inverse=True)
    rate_of = rate_of.reshape(-1)
    first, last = _ends(package)
    receipts, dispatches = [], []
    for chip in range(package.n_chips):
        sources = np.flatnonzero(possible[:, chip] & (last[:, chip] >= 0))
        for rate in np.unique(rate_of[last[sources, chip]]).tolist():
            others = np.zeros(package.n_chips, dtype=bool)
            others[sources[rate_of[last[sources, chip]] == rate]] = True
            receipts.append(Toll(chip, _widened(chip, others, possible[:, chip]), rate))
        targets = np.flatnonzero(possible[chip] & (first[chip] >= 0))
        for link in np.unique(first[chip, targets]).tolist():
            others = np.zeros(package.n_chips, dtype=bool)
            others[targets[first[chip, targets] == link]] = True
            dispatches.append(Toll(chip, _widened(chip, others, possible[chip]), int(rate_of[link])))
    passed = {link for link, _, _ in passages(package, monotone=monotone)}
    used = np.isin(np.arange(package.n_links), list(passed))
    return rates, receipts, dispatches, np.where(used, rate_of + 1, 0)


def passages(package: Package, *, monotone: bool) -> list[tuple[int, BoolArray, BoolArray]]:
    """Of each link, pairs of sets of chips such that routes from the first to the second use it.

    Args:
        package: the package.
        monotone: whether data flows to later chips only, so that routes back do not matter.

    Returns:
        (link, from, to), the sets of shape [chip]; a link may have several.
    """
    n, routes = package.n_chips, package.routes
    possible = _possible(n, monotone=monotone)
    uses = np.zeros((package.n_links, n * n), dtype=bool)
    uses[routes.ids, routes.rows] = True
    found = []
    for link in range(package.n_links):
        relation = uses[link].reshape(n, n)
        found += [(link, sources, targets) for sources, targets in _rectangles(relation, possible)]
    return found


def _possible(n: int, *, monotone: bool) -> BoolArray:
    """Pairs of chips between which transfers may be wanted, shape [chip, chip]."""
    return np.triu(np.ones((n, n), dtype=bool), 1) if monotone else ~np.eye(n, dtype=bool)


def _rectangles(relation: BoolArray, possible: BoolArray) -> list[tuple[BoolArray, BoolArray]]:
    """Pairs of sets whose products cover a relation between chips exactly, among the possible pairs."""
    wanted = relation & possible
    if not wanted.any():
        return []
    sources, targets = np.asarray(wanted.any(axis=1)), np.asarray(wanted.any(axis=0))
    if not (np.outer(sources, targets) & possible & ~wanted).any():
        return [(sources, targets)]
    ways = []
    for covered in (wanted, relation):
        columns, group = np.unique(covered, axis=1, return_inverse=True)
        groups = [(columns[:, k], group.reshape(-1) == k) for k in range(columns.shape[1])]
        ways.append([(sources, targets) for sources, targets in groups if sources.any()])
    return min(ways, key=len)


def _ends(package: Package) -> tuple[IntArray, IntArray]:
    """First and last link of each route, -1 where there is none; both [chip, chip]."""
    n, routes = package.n_chips, package.routes
    routed = np.flatnonzero(np.diff(routes.starts) > 0)
    first, last = np.full(n * n, -1), np.full(n * n, -1)
    first[routed] = routes.ids[routes.starts[routed]]
    last[routed] = routes.ids[routes.starts[routed + 1] - 1]
    return first.reshape(n, n), last.reshape(n, n)


def _host(graph: OpGraph, package: Package, possible: BoolArray) -> tuple[FloatArray, list[Toll], list[Toll], IntArray]:
    each = np.ones(package.n_chips) if graph.profile is not None else 1 / package.offchip_bytes_per_us
    each = each if package.on_host is None else np.where(package.on_host, 0.0, each)
    rates, rate_of = np.unique(each, return_inverse=True)
    paying = [chip for chip in range(package.n_chips) if each[chip] > 0]
    every = ~np.eye(package.n_chips, dtype=bool)
    rate_of = rate_of.reshape(-1)
    receipts = [Toll(c, every[c], int(rate_of[c])) for c in paying if possible[:, c].any()]
    dispatches = [Toll(c, every[c], int(rate_of[c])) for c in paying if possible[c].any()]
    return rates, receipts, dispatches, np.zeros(package.n_links, dtype=np.int64)


def _widened(chip: int, others: BoolArray, possible: BoolArray) -> BoolArray:
    """All chips but the payer, where no possible one among them is exempt: solvers share that condition most."""
    return np.arange(len(others)) != chip if (others == possible).all() else others
