"""`Instance`: one graph on one package, with the groups that hints are over and the yardsticks that scale rewards.

Knows no network and no solver.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from chipzinc.baselines.driver import Corrector
from chipzinc.bounds.simple import simple_bound
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.grouping import group_ops
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import HintContext, Start, start_hint
from chipzinc.policy.features import Features, features_of
from chipzinc.rules.catalogue import SelectedRule, selected_rules
from chipzinc.throughput.model import ThroughputModel


@dataclass(frozen=True, eq=False)
class Instance:
    """What one partition is for.

    Attributes:
        name: unique among the instances that are learned from together.
        graph: the graph.
        package: the package, whose rules bind.
        coarsening: the groups that hints are over.
        partition: one that the policy refines in place of its own start, chip of each op, shape [op]; None: its own.
    """

    name: str
    graph: OpGraph
    package: Package
    coarsening: Coarsening
    partition: IntArray | None = None

    @classmethod
    def of(cls, graph: OpGraph, package: Package, *, coarse: bool = True) -> Instance:
        """An instance over the usual groups, or with ``coarse=False`` over the ops themselves.

        Raises:
            InputError: if a rule or its parameters are wrong.
        """
        groups = group_ops(graph, package) if coarse else Coarsening.identity(graph)
        return cls(f"{graph.name}@{package.name}", graph, package, groups)

    @classmethod
    def for_corrector(cls, corrector: Corrector) -> Instance:
        """What a corrector corrects."""
        graph, package = corrector.graph, corrector.package
        return cls(f"{graph.name}@{package.name}", graph, package, corrector.coarsening, corrector.partition)

    @cached_property
    def context(self) -> HintContext:
        """What other hint sources look at."""
        hard = {selected.name for selected in self.rules if selected.hard}
        return HintContext(self.graph, self.package, self.coarsening, no_jumps="triangle_dependency" in hard)

    @cached_property
    def rules(self) -> tuple[SelectedRule, ...]:
        """The package's rules."""
        return selected_rules(self.package)

    @cached_property
    def model(self) -> ThroughputModel:
        """The cost model, which the features read."""
        return ThroughputModel(self.graph, self.package)

    @cached_property
    def bound_us(self) -> float:
        """The simple bound on the interval, which scales times and rewards; 1 where that is 0."""
        return simple_bound(self.graph, self.package).value_us or 1.0

    @cached_property
    def greedy(self) -> IntArray:
        """Greedy's chip of each group, shape [group]."""
        return start_hint(self.context, "greedy")

    @cached_property
    def slice(self) -> IntArray:
        """Slice's chip of each group, shape [group]."""
        return start_hint(self.context, "slice")

    def start(self, start: Start) -> IntArray:
        """The candidate that the first pass refines, shape [group]."""
        if self.partition is not None:
            return self.coarsening.restrict(self.partition)
        return self.greedy if start == "greedy" else self.slice

    @cached_property
    def features(self) -> Features:
        """What the network sees of the graph and the package."""
        return features_of(self.graph, self.package, self.coarsening, self.bound_us)
