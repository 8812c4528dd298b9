"""Checkpoints: items along a graph by which blocks are told apart."""

from __future__ import annotations

import numpy as np

from chipzinc.bounds.block import Blocks

_RELATED = 0.8  # of the work, that a checkpoint is before or behind
_SPACING = 1.0  # of a chip's share of the work, between checkpoints


def checkpoints(blocks: Blocks, n_chips: int) -> list[int]:
    """Items of a path, in its order, that are before or behind most of the work, a chip's share apart."""
    ahead, work = blocks.ahead, blocks.time_us
    total = max(float(work.sum()), np.finfo(float).tiny)
    related = (ahead | ahead.T).astype(np.float64) @ work / total
    place = ahead.astype(np.float64) @ work
    chosen: list[int] = []
    for item in np.lexsort((place, -np.round(related, 2))).tolist():
        if related[item] < _RELATED:
            break
        on_path = ahead[item, chosen] | ahead[chosen, item]
        far = np.abs(place[chosen] - place[item]) > _SPACING * total / n_chips
        if (on_path & far).all():
            chosen.append(item)
    return sorted(chosen, key=lambda item: float(place[item]))
