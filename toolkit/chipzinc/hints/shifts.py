"""`Shifts`: partitions whose items are shifted by annealing, groups and single ops in turn.

Beside solvers, which look at all of a small neighbourhood: where rules tie many chips together, none of these may hold
anything better. What is found here has to be checked by the rules like everything else.
"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import cache

import numpy as np

from chipzinc.graph.coarsen import Coarsening, refine
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.ideals.pipelines import Ordered

KNOWN_RULES = frozenset(
    (
        "acyclic_dataflow",
        "no_skipped_chips",
        "triangle_dependency",
        "memory_capacity",
        "supported_kinds",
        "pinned",
        "colocated",
    )
)
"""Hard rules that a shifted pipeline keeps; where others are selected, nothing is shifted."""

_GENTLE = 0.3  # of the heat in the beginning, every second time


def may_shift(package: Package) -> bool:
    """Whether the package is one for `shift`."""
    rules = {rule.name for rule in package.rules if rule.soft_weight is None}
    return "acyclic_dataflow" in rules and rules <= KNOWN_RULES and package.communication != "host"


class Shifts:
    """Shifts the items of partitions.

    Args:
        graph: the graph.
        package: a package that one `may_shift`.
        coarsening: groups, which move together in every second search.
    """

    def __init__(self, graph: OpGraph, package: Package, coarsening: Coarsening) -> None:
        self.graph, self.package, self.coarsening = graph, package, coarsening
        self._turn = 0
        _compiling()

    def find(self, chips: IntArray, seconds: float, seed: int, moves: int | None = None) -> IntArray | None:
        """A shorter partition, chip of each op, shape [op]; None if none is found.

        Args:
            chips: where to start, shape [op].
            seconds: time to spend; while the search is still being compiled, which a machine does once, in waiting.
            seed: of the draws.
            moves: most moves to try; None: as many as there is time for.
        """
        begin = time.monotonic()
        if not _compiling().wait(min(seconds, threading.TIMEOUT_MAX)):
            return None
        from chipzinc.hints.shifting import HEAT, shift

        turn, self._turn = self._turn, self._turn + 1
        groups = None if turn % 2 else refine(self.graph, self.coarsening, partition=chips).group_of
        ordered = Ordered.of(self.graph, self.package, group_of=groups)
        heat = (HEAT[0] * (_GENTLE if turn // 2 % 2 else 1.0), HEAT[1])
        left = seconds - (time.monotonic() - begin)
        found = shift(ordered, ordered.restrict(chips), left, seed=seed, moves=moves, heat=heat)
        return None if found is None else ordered.chips(found)


@cache
def _compiling() -> threading.Event:
    """Begins to compile the search, or to read its code where a machine has compiled it before; set when done."""
    done = threading.Event()

    def work() -> None:
        with contextlib.suppress(Exception):  # who shifts then meets it again
            compile_search()
        done.set()

    threading.Thread(target=work, name="chipzinc-compiling", daemon=True).start()
    return done


def compile_search() -> None:
    """Has the search as machine code, which takes half a minute where the machine has not compiled it before."""
    from chipzinc.hints.shifting import shift

    ordered = Ordered.of(load_zoo_graph("lenet5"), load_spec("mcm16-ring"))
    shift(ordered, np.zeros(ordered.items.n_items, dtype=np.int64), np.inf, moves=1)
