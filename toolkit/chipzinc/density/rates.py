"""`measure()`: the share of all assignments of ops to chips that keep rules, each rule by itself and all together.

Counted where a solver can list them, else estimated without bias: by plain draws where these hit often enough, else by
walks. What is said is a confidence interval, or, where the estimates disagree too much for one, that it is at least
so much. Knows no file and no command line.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import betaincinv, stdtrit

from chipzinc.density.count import count_valid
from chipzinc.density.judge import RuleJudge
from chipzinc.density.proposal import Proposal, ways
from chipzinc.density.walk import Walk, effective, log_mean, walk
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.recipe import Progress
from chipzinc.rules.catalogue import SelectedRule, selected_rules
from chipzinc.solve import Session

CONFIDENCE = 0.95
FEWEST_WALKS = 8
"""Walks that an interval is made of, at least."""

LARGEST_ERROR = 0.3
"""Standard error of the walks' mean, relative to it, beyond which they make no interval."""

_OFTEN = 0.05  # of plain draws that hold: no need of walks
_MORE_DRAWS = 8  # times the samples of a walk
_COUNTING_SHARE = _TRYING_SHARE = 0.4  # of the time, at most


@dataclass(frozen=True)
class Density:
    """What is known of the share of partitions that keep some rules; shares as logarithms to the base 10.

    Attributes:
        rules: the rules.
        how: ``counted``: exact; ``drawn``: plain draws, an exact binomial interval; ``walked``: weighed draws.
        count: number of valid partitions, where they were counted.
        log10: the share, or its estimate; None for 0, where nothing was found.
        at_least: the share is no less, with the confidence; None where nothing says so.
        at_most: the share is no more, with the confidence; None where nothing says so.
        bounded: whether the estimates agreed enough for an interval with two ends.
        walks: independent estimates.
        samples: partitions drawn for the estimate.
        effective: how many of the draws or walks count, if weighed by what they found (Kish).
        seconds: wall time.
    """

    rules: tuple[str, ...]
    how: Literal["counted", "drawn", "walked"]
    count: int | None = None
    log10: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    bounded: bool = True
    walks: int = 0
    samples: int = 0
    effective: float = 0.0
    seconds: float = 0.0


def measure(
    graph: OpGraph,
    package: Package,
    *,
    session: Session,
    solver: str = "gecode",
    n_samples: int = 64,
    time_limit_s: float = 30.0,
    seed: int = 0,
    progress: Progress = lambda step: None,
) -> list[Density]:
    """Measures every hard rule by itself, then all of them together.

    Args:
        graph: the graph.
        package: the package, whose hard rules are measured.
        session: where to solve.
        solver: a solver that honours search annotations.
        n_samples: partitions that one walk draws side by side.
        time_limit_s: wall-clock time of each measurement after which no further walk begins.
        seed: seed of all draws.
        progress: called with what is being done.

    Raises:
        InputError: if a rule or a parameter is wrong.
        SolverError: if the rules could not be evaluated.
    """
    hard = tuple(selected for selected in selected_rules(package) if selected.hard)
    sets = [*((selected,) for selected in hard), *([hard] if len(hard) > 1 else [])]
    found: list[Density] = []
    for rules, draws in zip(sets, np.random.SeedSequence(seed).spawn(len(sets)), strict=True):
        begin = time.monotonic()
        names = tuple(selected.name for selected in rules)
        progress(f"measuring {names[0] if len(names) == 1 else 'all rules together'}")
        one = _Measurement(session, graph, package, rules, solver, n_samples, begin + time_limit_s, progress)
        found.append(replace(one.run(np.random.default_rng(draws)), seconds=time.monotonic() - begin))
    return found if len(hard) < 2 else _compared(found[:-1], found[-1])


@dataclass(frozen=True, eq=False)
class _Measurement:
    """One set of rules to be measured until a deadline."""

    session: Session
    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    solver: str
    n_samples: int
    deadline: float
    progress: Progress

    def run(self, rng: np.random.Generator) -> Density:
        """Counts, else draws, else walks."""
        names, n_chips = tuple(selected.name for selected in self.rules), self.package.n_chips
        limit_s = self._left() * _COUNTING_SHARE
        count = count_valid(
            self.session, self.graph, self.package, self.rules, solver=self.solver, time_limit_s=limit_s
        )
        if count is not None:
            share = None if not count else math.log10(count) - self.graph.n_ops * math.log10(n_chips)
            return Density(names, "counted", count, share, share, share)
        judge = RuleJudge(self.session, self.graph, self.package, self.rules, self.solver)
        hits = self._hits(judge, self.n_samples, rng)
        if hits >= _OFTEN * self.n_samples:
            n_draws = _MORE_DRAWS * self.n_samples
            return drawn(names, self._hits(judge, n_draws, rng), n_draws)
        logs, reached = self._walks(judge, rng)
        return walked(names, logs, self.n_samples, of_plain_draws=(hits, self.n_samples), reached=reached)

    def _left(self) -> float:
        return self.deadline - time.monotonic()

    def _hits(self, judge: RuleJudge, n_draws: int, rng: np.random.Generator) -> int:
        chips = rng.integers(0, self.package.n_chips, (n_draws, self.graph.n_ops))
        return int(judge.holds(chips).sum())

    def _walks(self, judge: RuleJudge, rng: np.random.Generator) -> tuple[list[float], bool]:
        """Logarithms of estimates by the way that finds most, and whether it reaches what other ways find.

        The walks by which the way was chosen do not count.
        """
        n_ops, n_chips = self.graph.n_ops, self.package.n_chips
        until, tried = time.monotonic() + self._left() * _TRYING_SHARE, list[tuple[Proposal, Walk]]()
        for name, way in ways(n_ops, n_chips).items():
            if time.monotonic() > until and any(len(each.valid) for _, each in tried):
                break
            self.progress(f"trying to draw valid partitions by '{name}'")
            proposal = Proposal(self.graph, n_chips, way)
            tried.append((proposal, walk(proposal, n_ops, self.n_samples, judge, rng)))
        best, first = max(tried, key=lambda each: each[1].log)
        logs: list[float] = []
        while not logs or self._left() > 0:
            logs.append(walk(best, n_ops, self.n_samples, judge, rng).log)
            self.progress(f"{len(logs)} estimates")
        strange = [each.valid for proposal, each in tried if proposal is not best]
        return logs, reaches(best, first.valid, np.concatenate([first.valid[:0], *strange]), len(logs) * self.n_samples)


def reaches(proposal: Proposal, own: IntArray, strange: IntArray, n_draws: int) -> bool:
    """Whether valid partitions found in other ways are likely enough to be drawn.

    If one of them would by itself outweigh all that was drawn, then what was drawn says little of the whole, however
    well the estimates agree.

    Args:
        proposal: the way of drawing.
        own: valid partitions that it drew, shape [sample, op].
        strange: valid partitions that others drew, shape [sample, op]; without any there is nothing to compare with.
        n_draws: how many were drawn in all.
    """
    if not len(own) or not len(strange):
        return False
    outweighing = log_mean(-proposal.log_chance(own)) + math.log(n_draws)
    return bool((-proposal.log_chance(strange)).max() < outweighing)


def drawn(names: tuple[str, ...], hits: int, n_draws: int) -> Density:
    """What plain draws say: the exact binomial interval (Clopper and Pearson, Biometrika 26, 1934)."""
    tail = (1 - CONFIDENCE) / 2
    least = betaincinv(hits, n_draws - hits + 1, tail) if hits else 0.0
    most = betaincinv(hits + 1, n_draws - hits, 1 - tail) if hits < n_draws else 1.0
    return Density(
        names,
        "drawn",
        log10=_log10(hits / n_draws),
        at_least=_log10(float(least)),
        at_most=_log10(float(most)),
        samples=n_draws,
        effective=float(hits),
    )


def walked(
    names: tuple[str, ...], logs: Sequence[float], n_samples: int, *, of_plain_draws: tuple[int, int], reached: bool
) -> Density:
    """What walks say: Student's interval where they agree, else Markov's bound, which unbiased estimates keep always.

    An unbiased estimate that is never negative exceeds 20 times its mean in at most 5 % of all cases.

    Args:
        names: the rules.
        logs: natural logarithms of the estimates.
        n_samples: samples of each walk.
        reached: whether they reach what was found in other ways; without it, only the least share is told.
        of_plain_draws: hits among plain draws, and their number: all that bounds the share from above otherwise.
    """
    number, most = len(logs), drawn(names, *of_plain_draws).at_most
    one = Density(names, "walked", at_most=most, bounded=False, walks=number, samples=number * n_samples)
    weights = np.array(logs)
    if not np.isfinite(weights).any():
        return one
    mean = log_mean(weights)
    error = float(np.exp(weights - mean).std(ddof=1) / math.sqrt(number)) if number > 1 else math.inf
    one = replace(one, log10=mean / math.log(10), effective=effective(weights))
    if not reached or number < FEWEST_WALKS or error > LARGEST_ERROR:
        return replace(one, at_least=(mean + math.log(1 - CONFIDENCE)) / math.log(10))
    reach = float(stdtrit(number - 1, (1 + CONFIDENCE) / 2)) * error
    below = mean + math.log(1 - reach if reach < 1 else 1 - CONFIDENCE)
    above = mean + math.log1p(reach)
    return replace(one, bounded=True, at_least=below / math.log(10), at_most=above / math.log(10))


def _compared(each: Sequence[Density], together: Density) -> list[Density]:
    """All rules together leave no more than any one of them, and each of them no less than all together."""
    most = min((one.at_most for one in (*each, together) if one.at_most is not None), default=None)
    least = together.at_least
    found = [
        one
        if one.how == "counted" or least is None
        else replace(one, at_least=max(least, -math.inf if one.at_least is None else one.at_least))
        for one in each
    ]
    return [*found, together if together.how == "counted" else replace(together, at_most=most)]


def _log10(share: float) -> float | None:
    return math.log10(share) if share > 0 else None
