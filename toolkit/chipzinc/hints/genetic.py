"""A biased random-key genetic algorithm over topological orders.

Keys decide which of the items whose turn it can be comes next, as in Archer et al., "Practical Performance Guarantees
for Pipelined DNN Inference" (ICML 2024), section 5; the algorithm is that of Gonçalves and Resende, "Biased random-key
genetic algorithms for combinatorial optimization" (2011). Knows orders and what they cost, no chips.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray
from chipzinc.ideals.orders import by_priority

POPULATION = 24
ELITE = 6
MUTANTS = 4
BIAS = 0.7
"""Share of keys that a child has from its elite parent."""


def evolve(
    precedes: IntArray,
    starts: Sequence[IntArray],
    cost: Callable[[IntArray], float],
    *,
    generations: int,
    deadline: float,
    seed: int,
) -> Iterator[tuple[float, IntArray]]:
    """Yields ever cheaper orders.

    Args:
        precedes: (earlier, later) pairs of items.
        starts: orders to begin with, each of shape [item]; at least one.
        cost: of an order; infinite for one that is no good.
        generations: most generations.
        deadline: `time.monotonic()` at which to end; until then the result follows from the seed.
        seed: of the draws.

    Yields:
        (cost, order) of each order that is cheaper than all before it.
    """
    rng = np.random.default_rng(seed)
    n = len(starts[0])
    keys = [_keys_of(order) for order in starts][:POPULATION]
    keys += [np.clip(keys[at % len(starts)] + rng.normal(0, 0.02, n), 0, 1) for at in range(POPULATION - len(keys))]
    costs: list[float] = []
    best = np.inf
    for generation in range(generations + 1):
        if generation:
            order = np.argsort(costs, kind="stable")
            elite, others = order[:ELITE], order[ELITE:]
            children = [
                _child(keys[rng.choice(elite)], keys[rng.choice(others)], rng)
                for _ in range(POPULATION - ELITE - MUTANTS)
            ]
            mutants = [np.clip(keys[rng.choice(elite)] + rng.normal(0, 0.05, n), 0, 1) for _ in range(MUTANTS)]
            keys = [*(keys[at] for at in elite), *children, *mutants]
            costs = [costs[at] for at in elite]
        for each in keys[len(costs) :]:
            if time.monotonic() > deadline:
                return
            candidate = by_priority(precedes, each)
            costs.append(cost(candidate))
            if costs[-1] < best:
                best = costs[-1]
                yield best, candidate


def _keys_of(order: IntArray) -> FloatArray:
    """Keys whose order is the one given."""
    keys = np.empty(len(order))
    keys[order] = np.arange(len(order)) / max(len(order), 1)
    return keys


def _child(elite: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    return np.where(rng.random(len(elite)) < BIAS, elite, other)
