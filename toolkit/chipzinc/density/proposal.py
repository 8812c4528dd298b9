"""Ways to draw partitions op by op, with the probability of each draw known exactly.

A way is a mixture of simple ideas of where an op may go; every chip always has a chance, so that no valid partition is
out of reach. Knows the graph, and no rule.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from scipy.special import gammaln

from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph

STRAY = 1e-3
"""Share of every way but `uniform` that goes to any chip at all, over the whole graph."""

_IN_FRONT = 0.3  # of the ops that take no new chip: to the largest chip so far, not to their producers'


@dataclass(frozen=True)
class Way:
    """A mixture of ideas of where an op may go; their weights sum to 1.

    Attributes:
        uniform: any chip.
        flow: no chip before those of the op's producers, by how many ways are left for what comes behind it.
        step: the chip of its producers, the largest so far, or the one after that, by how many steps are left.
        near: the chip of one of its producers.
        fresh: a chip that has no op yet.
        first: any of the first chips, whose number is drawn before all.
        places: the share of ops where a step to the next chip would hold, as `step` reckons.
    """

    uniform: float = 0.0
    flow: float = 0.0
    step: float = 0.0
    near: float = 0.0
    fresh: float = 0.0
    first: float = 0.0
    places: float = 1.0


def ways(n_ops: int, n_chips: int) -> dict[str, Way]:
    """Ways worth trying, by name."""
    stray, fresh = STRAY / n_ops, min(0.3, 1.5 * n_chips / n_ops)
    return {
        "flow": Way(flow=1 - stray, uniform=stray),
        "steps": Way(step=1 - stray, uniform=stray),
        "few steps": Way(step=1 - stray, uniform=stray, places=0.25),
        "clusters": Way(near=1 - fresh - stray, fresh=fresh, uniform=stray),
        "first chips": Way(first=1 - stray, uniform=stray),
    }


class Proposal:
    """Draws the chip of one op after another for many partitions at once.

    Args:
        graph: the graph.
        n_chips: chips.
        way: the mixture; `uniform` is above 0, so that no partition is out of reach.
    """

    def __init__(self, graph: OpGraph, n_chips: int, way: Way) -> None:
        self.n_chips, self.way = n_chips, way
        self._producers: list[IntArray] = [np.zeros(0, dtype=np.int64)] * graph.n_ops
        for op, edges in itertools.groupby(sorted(graph.edges.tolist(), key=itemgetter(1)), key=itemgetter(1)):
            self._producers[op] = np.array([source for source, _ in edges])  # increasing
        self._passed_on = np.isin(np.arange(graph.n_ops), graph.edges[:, 0])
        self._onward = _ways_onward(self._passed_on, n_chips)
        self._step = _chance_of_step(self._passed_on, n_chips, way.places)

    def probabilities(self, op: int, chips: IntArray) -> FloatArray:
        """Probability of each chip for an op, given the chips of all ops before it.

        Args:
            op: the op.
            chips: chips so far, shape [sample, op]; those from `op` on are not read.

        Returns:
            Shape [sample, chip]; all above 0, rows sum to 1.
        """
        way, rows, before = self.way, np.arange(len(chips)), chips[:, :op]
        sources = chips[:, self._producers[op]]
        chance = np.full((len(chips), self.n_chips), way.uniform / self.n_chips)
        if way.flow:
            ways, _ = self._ways(op, chips)
            chance += way.flow * np.exp(ways - np.logaddexp.reduce(ways, axis=1, keepdims=True))
        if not sources.shape[1]:  # the op before stands in for its producers
            sources = chips[:, [op - 1]] if op else np.zeros((len(chips), 1), dtype=np.int64)
        if way.step:
            own = sources.max(axis=1)
            front = self._front(op, chips) if self._passed_on[op] else own
            forth = way.step * self._step[op, front]
            chance[rows, np.minimum(front + 1, self.n_chips - 1)] += forth
            chance[rows, front] += (way.step - forth) * _IN_FRONT
            chance[rows, own] += (way.step - forth) * (1 - _IN_FRONT)
        if way.near:
            for source in sources.T:
                chance[rows, source] += way.near / sources.shape[1]
        if way.fresh:
            unused = np.ones_like(chance, dtype=np.bool_)
            unused[rows[:, None], before] = False
            unused[~unused.any(axis=1)] = True
            chance += way.fresh * unused / unused.sum(axis=1, keepdims=True)
        if way.first:
            largest = before.max(axis=1, initial=0)[:, None]
            reached = np.maximum(np.arange(self.n_chips), largest)
            chance += way.first * np.exp(
                _of_first_chips(op + 1, self.n_chips)[reached] - _of_first_chips(op, self.n_chips)[largest]
            )
        return chance

    def _ways(self, op: int, chips: IntArray) -> tuple[FloatArray, FloatArray]:
        """Logarithm of the ways that `flow` counts on: with the op on each chip, and before; [sample, chip], [sample].

        Only a chip beyond all those that others read from so far leaves fewer ways for what comes after.
        """
        lowest = chips[:, self._producers[op]].max(axis=1, initial=0)[:, None]
        front = self._front(op, chips)[:, None]
        every = np.arange(self.n_chips)
        reached = (
            np.maximum(every, front) if self._passed_on[op] else np.broadcast_to(front, (len(chips), self.n_chips))
        )
        return np.where(every >= lowest, self._onward[op + 1][reached], -np.inf), self._onward[op][front[:, 0]]

    def _front(self, op: int, chips: IntArray) -> IntArray:
        """The largest chip so far of an op that others read, shape [sample]."""
        return np.asarray(np.where(self._passed_on[:op], chips[:, :op], 0).max(axis=1, initial=0))

    def promise(self, op: int, chips: IntArray) -> FloatArray:
        """How many times more ways than counted on there are, now that an op's turn has come; logarithms, [sample]."""
        if not self.way.flow:
            return np.zeros(len(chips))
        ways, counted_on = self._ways(op, chips)
        return np.asarray(np.logaddexp.reduce(ways, axis=1) - counted_on)

    def draw(self, op: int, chips: IntArray, rng: np.random.Generator) -> FloatArray:
        """Draws an op's chips into `chips`; returns the natural logarithm of their probabilities, shape [sample]."""
        chance = self.probabilities(op, chips)
        reached = chance.cumsum(axis=1)
        drawn = (reached < rng.random(len(chips))[:, None] * reached[:, -1:]).sum(axis=1)
        chips[:, op] = np.minimum(drawn, self.n_chips - 1)
        return np.asarray(np.log(chance[np.arange(len(chips)), chips[:, op]]))

    def log_chance(self, chips: IntArray) -> FloatArray:
        """Natural logarithm of the probability of whole partitions, shape [sample]."""
        rows = np.arange(len(chips))
        return np.asarray(
            sum(np.log(self.probabilities(op, chips)[rows, chips[:, op]]) for op in range(chips.shape[1]))
        )


def _ways_onward(passed_on: BoolArray, n_chips: int) -> FloatArray:
    """Ways to go on from each op, by the largest chip so far, if no op that others read went to a smaller one.

    Where the graph is a chain with ends hanging from it, `flow` draws all partitions that flow forward alike.

    Args:
        passed_on: whether another op reads what the op makes, shape [op].
        n_chips: chips.

    Returns:
        Logarithms, shape [op + 1, chip].
    """
    onward = np.zeros((len(passed_on) + 1, n_chips))
    beyond = np.log(n_chips - np.arange(n_chips))
    for op in range(len(passed_on) - 1, -1, -1):
        behind = onward[op + 1]
        onward[op] = np.logaddexp.accumulate(behind[::-1])[::-1] if passed_on[op] else behind + beyond
    return onward


def _of_first_chips(drawn: int, n_chips: int) -> FloatArray:
    """Logarithm of the chance of ops drawn from the first k chips, by their largest, k being 1 to all alike; [chip]."""
    every = -drawn * np.log(np.arange(n_chips) + 1.0)
    return np.asarray(np.logaddexp.accumulate(every[::-1])[::-1])


def _chance_of_step(passed_on: BoolArray, n_chips: int, places: float) -> FloatArray:
    """Chance of a step to the next chip at each op, by the largest chip so far; shape [op, chip].

    With m places and f chips left there are S(m, f) = sum over k <= f of binomial(m, k) ways to take steps, of which
    S(m - 1, f - 1) begin with one. An op that no other reads takes a step for itself alone, in one case of three.
    """
    most = len(passed_on)
    place, taken = np.arange(most + 1)[:, None], np.arange(n_chips)
    some = gammaln(place + 1) - gammaln(taken + 1) - gammaln(np.maximum(place - taken, 0) + 1)
    sums = np.logaddexp.accumulate(np.where(taken <= place, some, -np.inf), axis=1)  # shape [places, chips left]
    m = np.maximum(1, np.ceil(places * passed_on[::-1].cumsum()[::-1])).astype(np.int64)
    left = n_chips - 1 - taken
    chance = np.exp(sums[m - 1][:, np.maximum(left - 1, 0)] - sums[m][:, left])
    return np.where(left > 0, np.where(passed_on[:, None], chance, 1 / 3), 0.0)
