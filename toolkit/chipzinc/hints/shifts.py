"""`Shifts`: partitions whose items are shifted by annealing, groups and single ops in turn.

Beside solvers, which look at all of a small neighbourhood: where rules tie many chips together, none of these may hold
anything better. What is found here has to be checked by the rules like everything else.
"""

from __future__ import annotations

from chipzinc.graph.coarsen import Coarsening, refine
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.hints.shifting import HEAT, shift
from chipzinc.ideals.pipelines import Ordered

_GENTLE = 0.3  # of the heat in the beginning, every second time


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

    def find(self, chips: IntArray, seconds: float, seed: int, moves: int | None = None) -> IntArray | None:
        """A shorter partition, chip of each op, shape [op]; None if none is found.

        Args:
            chips: where to start, shape [op].
            seconds: time to spend.
            seed: of the draws.
            moves: most moves to try; None: as many as there is time for.
        """
        turn, self._turn = self._turn, self._turn + 1
        groups = None if turn % 2 else refine(self.graph, self.coarsening, partition=chips).group_of
        ordered = Ordered.of(self.graph, self.package, group_of=groups)
        heat = (HEAT[0] * (_GENTLE if turn // 2 % 2 else 1.0), HEAT[1])
        found = shift(ordered, ordered.restrict(chips), seconds, seed=seed, moves=moves, heat=heat)
        return None if found is None else ordered.chips(found)
