"""What makes one partition better than another: the values of the objective's terms, in floats.

The solver's whole numbers only guide the search; what counts is computed here. Knows no solver and no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.objective import Objective
from chipzinc.throughput.model import ThroughputModel

LEAST_GAIN = 1e-4
"""Share by which a neighbourhood has to improve; less is not worth a solve."""

_TOLERANCE = 1e-9
"""Relative difference below which two values are the same."""

SolverTerms = Callable[[IntArray], FloatArray]
"""Values of the objective's terms as the solver counts them, for terms that only MiniZinc knows."""


@dataclass(frozen=True, eq=False)
class Standing:
    """A partition and what it is worth.

    Attributes:
        chips: chip of each op, shape [op].
        values: value of each term of the objective, shape [term].
        chip_us: load of each chip; under `overlapped` its largest part, shape [chip].
        link_us: load of each link, shape [link].
        interval_us: the interval, whatever the objective.
    """

    chips: IntArray
    values: FloatArray
    chip_us: FloatArray
    link_us: FloatArray
    interval_us: float


class Scorer:
    """Ranks partitions by an objective.

    Args:
        graph: the graph.
        package: the package.
        objective: what is minimised.
        hint: chip of each op that `moved` counts from, shape [op].
        solver_terms: how to value terms that have no counterpart in the throughput model.
    """

    def __init__(
        self, graph: OpGraph, package: Package, objective: Objective, hint: IntArray, solver_terms: SolverTerms
    ) -> None:
        self.model = ThroughputModel(graph, package)
        self.objective, self.hint = objective, hint
        self._solver_terms = solver_terms

    @property
    def stages(self) -> int:
        """Number of minimisations: one a term of a lexicographic objective, else one."""
        return len(self.objective.terms) if self.objective.combine == "order" else 1

    def judges_loads(self, stage: int) -> bool:
        """Whether the interval alone is being minimised, first of all."""
        single = self.objective.combine == "order" or len(self.objective.terms) == 1
        return stage == 0 and single and self.objective.names[0] == "interval"

    def reaches(self, standing: Standing, bound_us: float) -> bool:
        """Whether only the interval counts, and a partition's is as short as a bound says or nearly so."""
        only = self.stages == 1 and self.judges_loads(0)
        return only and standing.interval_us <= bound_us * (1 + LEAST_GAIN)

    def standing(self, chips: IntArray) -> Standing:
        """Values a partition of shape [op]."""
        loads = self.model.evaluate(chips)
        known: dict[str, Callable[[], float]] = {
            "interval": lambda: float(loads.interval_us[0]),
            "latency": lambda: float(self.model.latency_us(chips)[0]),
            "chips_used": lambda: float(len(np.unique(chips))),
            "moved": lambda: float((chips != self.hint).sum()),
            "energy": lambda: 0.0 if loads.energy_pj is None else float(loads.energy_pj[0]),
        }
        names = self.objective.names
        solved = None if all(name in known for name in names) else self._solver_terms(chips)
        values = [
            known[name]() if name in known else float(solved[place]) if solved is not None else np.nan
            for place, name in enumerate(names)
        ]
        return Standing(chips, np.array(values), loads.chip_us[0], loads.link_us[0], float(loads.interval_us[0]))

    def better(self, new: Standing, old: Standing, stage: int) -> bool:
        """Whether a partition improves on another; a shorter interval before shorter loads behind the largest.

        Of two partitions with the same interval the one whose loads, sorted from the largest, are smaller at the
        first place where they differ is closer to a shorter one: several equal bottlenecks go one after another.
        """
        if self.objective.combine == "sum" and len(self.objective.terms) > 1:
            return _below(self.weighted(new), self.weighted(old))
        if (new.values[:stage] > old.values[:stage] * (1 + _TOLERANCE)).any():
            return False
        if not self.judges_loads(stage):
            return _below(float(new.values[stage]), float(old.values[stage]))
        ours, theirs = _sorted_loads(new), _sorted_loads(old)
        if not np.isfinite(ours[0]):
            return False
        differ = np.flatnonzero(np.abs(ours - theirs) > _TOLERANCE * np.maximum(ours, theirs))
        return bool(len(differ) and ours[differ[0]] < theirs[differ[0]])

    def weighted(self, standing: Standing) -> float:
        """The weighted sum of the terms."""
        return float(sum(t.weight * v for t, v in zip(self.objective.terms, standing.values, strict=True)))


def _below(new: float, old: float) -> bool:
    return new < old - _TOLERANCE * abs(old)


def _sorted_loads(standing: Standing) -> FloatArray:
    return np.sort(np.concatenate([standing.chip_us, standing.link_us]))[::-1]
