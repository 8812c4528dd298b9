"""How much work fits beside a pipeline of slices that keeps an interval, by dynamic programming.

Where some ops are left out of the ideals, their work still has to go somewhere. Takes chips that are all alike.
"""

from __future__ import annotations

import time

import numpy as np

from chipzinc.graph.opgraph import FloatArray
from chipzinc.ideals.bottleneck import Stages, spans
from chipzinc.ideals.loads import SliceLoads


def most_slack(loads: SliceLoads, stages: Stages, interval_us: float, deadline: float | None = None) -> float | None:
    """The most time that the chips of a pipeline can have left, in µs, where none takes longer than the interval.

    Args:
        loads: costs of slices; one type of chip.
        stages: chips in order.
        interval_us: the interval.
        deadline: `time.monotonic()` at which to give up.

    Returns:
        The sum over all chips, unused ones too; minus infinity if no pipeline keeps the interval, None if the time
        is over.
    """
    n, n_chips = len(loads.lattice), stages.count - 1
    slack = np.full((n_chips + 1, n), -np.inf)
    slack[0, 0] = 0.0
    for start, stop, end in spans(loads, interval_us):
        if deadline is not None and time.monotonic() > deadline:
            return None
        block = loads.block(slice(start, stop), slice(start, end))[0]
        left = np.where(block <= interval_us, interval_us - block, -np.inf)
        for row in range(start, stop):
            _spread(slack[:, row + 1 : end], slack[:, row], left[row - start, row + 1 - start :], interval_us)
    unused = interval_us * (n_chips - np.arange(n_chips + 1))
    return float((slack[:, -1] + unused).max())


def _spread(further: FloatArray, here: FloatArray, left: FloatArray, interval_us: float) -> None:
    """Gives further ideals one more chip; a stage that is no better than an earlier one with idle chips is left."""
    most = -np.inf
    for chips, slack in enumerate(here[:-1].tolist()):
        most += interval_us
        if slack > most:
            most = slack
            np.maximum(further[chips + 1], slack + left, out=further[chips + 1])
