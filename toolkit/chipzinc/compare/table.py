"""The table of a comparison: geometric means over graphs, and their spread over seeds.

Reads runs only; runs nothing. Ratios are those of throughput, so that larger is better: the reference's interval over
a method's, and the bound over it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipzinc.compare.runs import Run
from chipzinc.graph.opgraph import FloatArray
from chipzinc.plotting import Line

ALL = "all"
"""What stands for the graph in the rows over all graphs."""

CONFIDENCE = 0.95
_RESAMPLES = 2000
_SAME = 1e-3  # relative difference of intervals below which neither is called better
_PLACES = 40  # of a curve


@dataclass(frozen=True)
class Mean:
    """A geometric mean over seeds with its bootstrap interval; all None where there is no value."""

    value: float | None
    low: float | None
    high: float | None


def geometric_mean(values: Sequence[float], seed: int = 0, resamples: int = _RESAMPLES) -> Mean:
    """The geometric mean of one value a seed, with its percentile bootstrap interval over the seeds at 95 %.

    Args:
        values: above 0; infinite ones are left out.
        seed: of the resampling.
        resamples: bootstrap samples.
    """
    logs = np.log([value for value in values if 0 < value < math.inf])
    if not len(logs):
        return Mean(None, None, None)
    middle = float(np.exp(logs.mean()))
    if np.ptp(logs) < 1e-12:  # also of one seed: no spread is seen
        return Mean(middle, middle, middle)
    from scipy.stats import bootstrap

    found = bootstrap(
        (logs,),
        np.mean,
        n_resamples=resamples,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    low, high = np.exp(found.confidence_interval)
    return Mean(middle, float(low), float(high))


@dataclass(frozen=True)
class Comparison:
    """Runs, sorted for reading.

    Attributes:
        runs: by graph, method and seed; a method that draws nothing has its one run under every seed.
        graphs: names of the graphs in their order.
        methods: names of the methods in their order.
        seeds: the seeds.
        reference: the method that throughput is compared with.
        bounds_us: by graph, the best lower bound known.
    """

    runs: Mapping[tuple[str, str, int], Run]
    graphs: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    reference: str
    bounds_us: Mapping[str, float]

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        seeds: Sequence[int],
        reference: str | None = None,
        bounds_us: Mapping[str, float] | None = None,
        once: Collection[str] | None = None,
    ) -> Comparison:
        """Sorts runs; the first method is the reference unless another is named.

        Args:
            runs: in the order in which graphs and methods are to be told.
            seeds: the seeds.
            reference: the method to compare with.
            bounds_us: lower bounds by graph, beside those that the runs proved.
            once: methods that draw nothing; None: those whose runs all have the same seed.
        """
        graphs = tuple(dict.fromkeys(run.graph for run in runs))
        methods = tuple(dict.fromkeys(run.method for run in runs))
        if once is None:
            once = [name for name in methods if len({run.seed for run in runs if run.method == name}) == 1]
        by_key: dict[tuple[str, str, int], Run] = {}
        for run in runs:
            by_key |= {(run.graph, run.method, seed): run for seed in (seeds if run.method in once else (run.seed,))}
        bounds = {
            graph: max([(bounds_us or {}).get(graph, 0.0), *(r.bound_us or 0.0 for r in runs if r.graph == graph)])
            for graph in graphs
        }
        return cls(by_key, graphs, methods, tuple(seeds), reference or methods[0], bounds)

    def intervals(self, graph: str, method: str, **when: float) -> FloatArray:
        """Best interval of each seed in µs, infinite where there is none, shape [seed]."""
        found = [self.runs.get((graph, method, seed)) for seed in self.seeds]
        return np.array([math.inf if run is None else run.after(**when) for run in found])

    def ratios(self, graph: str, method: str, **when: float) -> FloatArray:
        """The reference's final interval over the method's, shape [seed]; NaN where either is missing."""
        return _over(self.intervals(graph, self.reference), self.intervals(graph, method, **when))

    def tightness(self, graph: str, method: str) -> FloatArray:
        """The bound over the interval, shape [seed]; NaN where either is missing."""
        bound = self.bounds_us[graph]
        return _over(np.full(len(self.seeds), bound if bound > 0 else np.inf), self.intervals(graph, method))

    def rows(self) -> list[dict[str, Any]]:
        """A row for each graph and method, then one for each method over all graphs."""
        single = [self._row((graph,), method) for graph in self.graphs for method in self.methods]
        return single + [self._row(self.graphs, method, over_all=True) for method in self.methods]

    def _row(self, graphs: tuple[str, ...], method: str, *, over_all: bool = False) -> dict[str, Any]:
        intervals = np.full(len(self.seeds), np.inf) if over_all else self.intervals(graphs[0], method)
        interval = geometric_mean(intervals.tolist())
        speedup = geometric_mean(_over_graphs([self.ratios(graph, method) for graph in graphs]))
        tight = geometric_mean(_over_graphs([self.tightness(graph, method) for graph in graphs]))
        signs = [self._sign(graph, method) for graph in graphs]
        runs = [run for graph in graphs for run in self._distinct(graph, method)]
        return {
            "graph": ALL if over_all else graphs[0],
            "method": method,
            "interval_us": interval.value,
            "interval_low": interval.low,
            "interval_high": interval.high,
            "best_us": float(intervals.min()) if np.isfinite(intervals).any() else None,
            "bound_us": None if over_all else self.bounds_us[graphs[0]] or None,
            "bound/interval": tight.value,
            "speedup": speedup.value,
            "speedup_low": speedup.low,
            "speedup_high": speedup.high,
            "better": sum(sign > 0 for sign in signs),
            "worse": sum(sign < 0 for sign in signs),
            "no_answer": sum(run.interval_us is None for run in runs),
            "samples": float(np.mean([run.samples for run in runs])) if runs else None,
            "seconds": float(np.mean([run.seconds for run in runs])) if runs else None,
        }

    def lines(self, *, by_samples: bool) -> list[Line]:
        """A line a method: speedup over the reference's end against what is spent, geometric mean over all graphs."""
        spent = [point[0 if by_samples else 1] for run in self.runs.values() for point in run.curve]
        ends = [run.samples if by_samples else run.seconds for run in self.runs.values()]
        last = max([*spent, *ends], default=1.0)
        places = np.unique(np.rint(np.linspace(1, last, _PLACES)) if by_samples else np.linspace(0, last, _PLACES))
        return [line for method in self.methods if (line := self._line(method, places, by_samples)) is not None]

    def _line(self, method: str, places: FloatArray, by_samples: bool) -> Line | None:
        """None where a method never has an answer for every graph."""
        x, means = [], []
        for place in places.tolist():
            when = {"samples" if by_samples else "seconds": place}
            ratios = np.stack([self.ratios(graph, method, **when) for graph in self.graphs])
            if np.isfinite(ratios).all():
                x.append(place)
                means.append(geometric_mean(_over_graphs(list(ratios)), resamples=500))
        if not x:
            return None
        y, low, high = ([float(getattr(mean, part)) for mean in means] for part in ("value", "low", "high"))
        return Line(method, x, y, low, high, stepped=True)

    def _sign(self, graph: str, method: str) -> int:
        """1 where a method is better than the reference, -1 where worse, by the mean over seeds."""
        mean = geometric_mean(_known(self.ratios(graph, method))).value
        return 0 if mean is None or abs(mean - 1) < _SAME else 1 if mean > 1 else -1

    def _distinct(self, graph: str, method: str) -> list[Run]:
        found = [self.runs.get((graph, method, seed)) for seed in self.seeds]
        return list({id(run): run for run in found if run is not None}.values())


def _over_graphs(ratios: list[FloatArray]) -> list[float]:
    """Geometric mean over the graphs that have a value, one a seed; seeds without any are left out."""
    logs = np.log(np.stack(ratios))
    return [float(np.exp(column[np.isfinite(column)].mean())) for column in logs.T if np.isfinite(column).any()]


def _known(values: FloatArray) -> list[float]:
    return [float(value) for value in values if np.isfinite(value)]


def _over(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """A ratio, NaN where either side is infinite."""
    known = np.isfinite(numerator) & np.isfinite(denominator)
    return np.asarray(np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=known))
