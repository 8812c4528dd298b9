"""Projects hints onto partitions without triangles of chips, by linear programs over differences of chips.

`triangle_dependency` is what costs a solver most where many ways run side by side: a hint that breaks it in one place
fails after hundreds of groups were placed. Here the edges that lead past others lose their reach, all at once. Knows
edges and chips, no rules.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array, vstack

from chipzinc.graph.opgraph import BoolArray, IntArray

_ROUNDS = 8
"""Times that edges are narrowed where they tangle; after these all are, which leaves no triangle."""

_NEAR, _NEAR_ANYWAY = 1.5, 0.25
"""A hint is untangled where that moves its groups by at most so many times as far as forward flow alone, and so many
chips a group more; where it moves them further the solver may find something nearer."""


def untangle(hints: IntArray, forward: IntArray, edges: IntArray, n_chips: int) -> IntArray:
    """Hints near to given ones, never decreasing along an edge and without triangles; those not near as they were.

    An edge that helps to lead from one chip to another beside a longer walk of chips may lead one chip ahead at most;
    the nearest hints under this are the next to be looked at. Constraints on differences make whole-numbered vertices
    (their matrix is that of a network: Ahuja, Magnanti and Orlin, "Network Flows", 1993, section 9.4).

    Args:
        hints: chip of each group, shape [sample, group].
        forward: the nearest hints that never decrease along an edge, shape [sample, group].
        edges: (earlier, later) groups, acyclic, shape [edge, 2].
        n_chips: chips are 0..n_chips-1.

    Returns:
        Shape [sample, group]; rows of `forward` that have no triangle, or are far from one without, are unchanged.
    """
    asked = forward.copy()
    for row, hint in enumerate(hints):
        found = _untangled(hint, forward[row], edges, n_chips)
        limit = _NEAR * _distance(hint, forward[row]) + _NEAR_ANYWAY
        if _distance(hint, found) <= limit:
            asked[row] = found
    return asked


def untangle_wholly(hints: IntArray, edges: IntArray, n_chips: int) -> IntArray:
    """What `untangle` makes of hints that never decrease along an edge, however far it moves them; same shape."""
    return np.stack([_untangled(hint, hint, edges, n_chips) for hint in hints]) if len(hints) else hints.copy()


def close_up(hints: IntArray) -> IntArray:
    """The hints on the first chips, without gaps between the chips that they use; same shape."""
    return np.stack([np.unique(hint, return_inverse=True)[1] for hint in hints]) if len(hints) else hints.copy()


def _untangled(hint: IntArray, forward: IntArray, edges: IntArray, n_chips: int) -> IntArray:
    chips, narrow = forward, np.zeros(len(edges), dtype=np.bool_)
    for _ in range(_ROUNDS):
        tangled = triangle_edges(chips, edges, n_chips)
        if not tangled.any():
            return chips
        narrow |= tangled
        chips = _nearest(hint, edges, n_chips, narrow)
    return _nearest(hint, edges, n_chips, np.ones_like(narrow))


def triangle_edges(chips: IntArray, edges: IntArray, n_chips: int) -> BoolArray:
    """The edges from a chip to another to which a longer walk of chips leads as well, shape [edge].

    Args:
        chips: chip of each group, never decreasing along an edge, shape [group].
        edges: shape [edge, 2].
        n_chips: chips are 0..n_chips-1.
    """
    ends = chips[edges]
    feeds = np.zeros((n_chips, n_chips), dtype=np.bool_)
    feeds[ends[:, 0], ends[:, 1]] = True
    np.fill_diagonal(feeds, False)
    walks = feeds.copy()  # of one step or more: chips are in topological order, so the last ones are known first
    for chip in range(n_chips - 1, -1, -1):
        walks[chip] |= walks[feeds[chip]].any(axis=0)
    longer = (feeds.astype(np.int64) @ walks) > 0
    return np.asarray((feeds & longer)[ends[:, 0], ends[:, 1]])


def _nearest(hint: IntArray, edges: IntArray, n_chips: int, narrow: BoolArray) -> IntArray:
    """The nearest chips x by L1 distance with x[u] <= x[v] for each edge, and x[v] <= x[u] + 1 for narrow ones."""
    from scipy.optimize import linprog

    n, (earlier, later) = len(hint), edges.T
    chip, move = np.arange(n), n + np.arange(n)  # variables: the chips, then how far each is from its hint
    rows = [
        (chip, move, hint),  # x - move <= hint
        (later[narrow], earlier[narrow], np.ones(narrow.sum())),
        (earlier, later, np.zeros(len(edges))),
    ]
    plus, minus, limit = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    of_row = np.arange(len(plus))
    differences = coo_array(
        (np.repeat([1, -1], len(plus)), (np.tile(of_row, 2), np.append(plus, minus))), shape=(len(plus), 2 * n)
    )
    back = coo_array((np.full(2 * n, -1), (np.tile(chip, 2), np.append(chip, move))), shape=(n, 2 * n))
    found = linprog(
        np.repeat([0, 1], n),
        A_ub=vstack([differences, back]),  # -x - move <= -hint
        b_ub=np.append(limit, -hint),
        bounds=[(0, n_chips - 1)] * n + [(0, None)] * n,
        method="highs-ds",  # ends at a vertex
    )
    return np.asarray(np.rint(found.x[:n]), dtype=np.int64)


def _distance(hint: IntArray, chips: IntArray) -> float:
    """Mean distance of a group from its hint, in chips."""
    return float(np.abs(chips - hint).mean())
