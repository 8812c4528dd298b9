"""The problem as a CP-SAT model of its own, written by hand: what an engineer would write instead of rules.

Knows the rules of a pipeline only, by name, and none that a user wrote. Data and loads are those of the objective in
`mzn/objectives/loads.mzn`. The only module here that imports OR-Tools; `direct_cpsat` runs it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from chipzinc.errors import InputError, SolverError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_supported, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.render.data import LiveSet
from chipzinc.render.objective_data import loads_data
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.parameters import parameter_data
from chipzinc.throughput.model import ThroughputModel

try:
    from ortools.sat.python import cp_model
except ModuleNotFoundError as missing:
    raise SolverError("the direct CP-SAT model needs OR-Tools: pip install 'chipzinc[cpsat]'") from missing

__all__ = ["KNOWN_RULES", "DirectModel", "OutOfTime", "cp_model"]

#: Hard rules that the model can keep; `acyclic_dataflow` has to be among those selected.
KNOWN_RULES = (
    "acyclic_dataflow",
    "no_skipped_chips",
    "triangle_dependency",
    "memory_capacity",
    "supported_kinds",
    "max_ops_per_chip",
)

_LOOK_EVERY = 2048  # clauses between two looks at the clock


class OutOfTime(Exception):
    """Building the model took all the time there was."""


class DirectModel:
    """Groups on chips by booleans: one for each chip, and one for each prefix of the chips.

    Args:
        graph: the graph.
        package: the package.
        rules: its hard rules.
        groups: what moves together.
        least_us: no interval is below this.
        deadline: `time.monotonic()` past which building is given up.

    Raises:
        InputError: if a rule is hard that the model does not know.
        OutOfTime: if the deadline passed.
    """

    def __init__(
        self,
        graph: OpGraph,
        package: Package,
        rules: Sequence[SelectedRule],
        groups: Coarsening,
        *,
        least_us: float,
        deadline: float,
    ) -> None:
        names = [selected.name for selected in rules]
        strange = [name for name in names if name not in KNOWN_RULES]
        if strange or "acyclic_dataflow" not in names:
            lacking = f"knows no rule '{strange[0]}'" if strange else "needs the rule 'acyclic_dataflow'"
            raise InputError(f"the direct CP-SAT model {lacking}", file=package.source, field="rules")
        self.graph, self.package, self.groups = graph, package, groups
        self.model = cp_model.CpModel()
        self._deadline, self._n_clauses = deadline, 0
        self._meanings: list[tuple[Any, Callable[[list[int]], int]]] = []
        self._true = self.model.new_constant(1)
        self._data = loads_data(graph, package, groups.group_of, monotone=True)
        self.unit_us = float(self._data["time_unit_us"])
        self._place()
        self._flow_forward()
        if "no_skipped_chips" in names:
            self._skip_no_chip()
        if "triangle_dependency" in names:
            self._forbid_triangles()
        if "memory_capacity" in names:
            self._fit_memory()
        if "supported_kinds" in names:
            self._run_what_chips_can()
        if "max_ops_per_chip" in names:
            rule = rules[names.index("max_ops_per_chip")]
            self._limit_ops(int(parameter_data(rule, graph, package)["max_ops_per_chip_limit"]))
        self._minimise_interval(int(least_us / self.unit_us))

    def chips(self, value: Any) -> IntArray:
        """Chip of each op, shape [op], where `value` tells the value of a boolean."""
        chips = [next(c for c, here in enumerate(row) if value(here)) for row in self.on]
        return self.groups.expand(np.array(chips, dtype=np.int64))

    def hint(self, chips: IntArray) -> None:
        """Tells the solver where to begin.

        Args:
            chips: chip of each op, the same within each group, shape [op].
        """
        self.model.clear_hints()  # type: ignore[no-untyped-call]
        chip_of: list[int] = self.groups.restrict(chips).tolist()
        load_us = ThroughputModel(self.graph, self.package).evaluate(self.groups.expand(np.array(chip_of))).interval_us
        if np.isfinite(load_us[0]):
            enough = int(np.ceil(load_us[0] / self.unit_us)) + self.rounding
            self.model.add_hint(self.interval, min(enough, int(self._data["horizon"])))
        for variable, value in self._meanings:
            self.model.add_hint(variable, value(chip_of))
        for group, chip in enumerate(chip_of):
            for c in range(self.package.n_chips):
                self.model.add_hint(self.on[group][c], int(c == chip))
                if c < self.package.n_chips - 1:
                    self.model.add_hint(self.up_to[group][c], int(chip <= c))

    def forbid(self, live: LiveSet) -> None:
        """No chip may hold tensors that were alive at once, all of them, beside its weights, unless they fit."""
        for c in range(self.package.n_chips):
            all_here = self.model.new_bool_var("")
            held = []
            for holders in live.holders:
                here = self.model.new_bool_var("")
                for group in sorted({int(self.groups.group_of[op]) for op in holders}):
                    self.model.add_implication(self.on[group][c], here)
                held.append(here)
            self.model.add_bool_or([*(~here for here in held), all_here])
            room = int(self.package.sram_bytes[c]) - live.size_bytes
            self.model.add(self._weights(c) <= room).only_enforce_if(all_here)

    @property
    def rounding(self) -> int:
        """The most that rounding times up may have added to a load, in units."""
        graph, links = self.graph, self.package.n_links
        return graph.n_ops + graph.n_tensors * (1 + links) + len(graph.weight_elements) + 2

    def _variable(self, most: int, name: str, value: Callable[[list[int]], int]) -> Any:
        """A variable from 0 on that follows from the groups' chips, and the value to hint for given ones."""
        variable = self.model.new_bool_var(name) if most == 1 else self.model.new_int_var(0, most, name)
        self._meanings.append((variable, value))
        return variable

    def _clause(self, *literals: Any) -> None:
        self.model.add_bool_or(literals)
        self._n_clauses += 1
        if self._n_clauses % _LOOK_EVERY == 0 and time.monotonic() > self._deadline:
            raise OutOfTime

    def _place(self) -> None:
        """on[g][c]: group g is on chip c; up_to[g][c]: on c or before."""
        n_chips, new = self.package.n_chips, self.model.new_bool_var
        self.on = [[new(f"g{g}@{c}") for c in range(n_chips)] for g in range(self.groups.n_groups)]
        self.up_to = [[*(new(f"g{g}<={c}") for c in range(n_chips - 1)), self._true] for g in range(len(self.on))]
        for on, up_to in zip(self.on, self.up_to, strict=True):
            self.model.add_exactly_one(on)
            self.model.add(up_to[0] == on[0])
            for c in range(1, n_chips):
                self.model.add(up_to[c] == up_to[c - 1] + on[c])

    def _flow_forward(self) -> None:
        routed = self.package.reachable | (self.package.communication == "host")
        no_way = np.argwhere(np.triu(~routed, 1)).tolist()
        for source, reader in self.groups.edges.tolist():
            for c in range(self.package.n_chips - 1):
                self._clause(~self.up_to[reader][c], self.up_to[source][c])
            for a, b in no_way:
                self._clause(~self.on[source][a], ~self.on[reader][b])

    def _skip_no_chip(self) -> None:
        for c in range(self.package.n_chips):
            used = self._variable(1, f"used{c}", partial(_has, c))
            self.model.add_bool_or([on[c] for on in self.on]).only_enforce_if(used)
            for up_to in self.up_to:
                self._clause(up_to[c - 1] if c else ~self._true, used)  # whoever is on c or behind it

    def _forbid_triangles(self) -> None:
        """feeds[a, b]: an edge leads from chip a to b; reaches[a, b]: a walk of such steps does."""
        n, edges = self.package.n_chips, self.groups.edges.tolist()
        pairs = list(itertools.combinations(range(n), 2))
        steps = cache(lambda chips: frozenset((chips[source], chips[reader]) for source, reader in edges))
        walks = cache(lambda chips: _closure(steps(chips), n))
        feeds = {pair: self._variable(1, f"feeds{pair}", partial(_joins, steps, pair)) for pair in pairs}
        reaches = {pair: self._variable(1, f"reaches{pair}", partial(_joins, walks, pair)) for pair in pairs}
        for source, reader in edges:
            for a, b in pairs:
                self._clause(~self.on[source][a], ~self.on[reader][b], feeds[a, b])
        for a, b in pairs:
            self._clause(~feeds[a, b], reaches[a, b])
        for a, b, c in itertools.combinations(range(n), 3):
            self._clause(~reaches[a, b], ~feeds[b, c], reaches[a, c])
            self._clause(~reaches[a, b], ~feeds[b, c], ~feeds[a, c])

    def _fit_memory(self) -> None:
        io = np.zeros(self.groups.n_groups, dtype=np.int64)
        np.maximum.at(io, self.groups.group_of, op_io_bytes(self.graph, self.package))
        for c, sram in enumerate(self.package.sram_bytes.tolist()):
            room = self._variable(
                max(2, int(io.max(initial=0))),
                f"room{c}",
                partial(_largest, io.tolist(), c),
            )
            for group, size in enumerate(io.tolist()):
                self.model.add(room >= size).only_enforce_if(self.on[group][c])
            self.model.add(self._weights(c) + room <= int(sram))

    def _weights(self, chip: int) -> Any:
        """Bytes of weights on a chip, one of several groups counted once; 0 where they are streamed."""
        if self.package.weights == "streamed":
            return cp_model.LinearExpr.sum([])
        self._shared: list[list[Any]] = getattr(self, "_shared", [])
        alone, shared = self._weight_groups()
        if not self._shared:
            self._shared = [
                [self._variable(1, "", partial(_uses, users, c)) for c in range(self.package.n_chips)]
                for _, users in shared
            ]
            for (_, users), row in zip(shared, self._shared, strict=True):
                for group, c in itertools.product(users, range(self.package.n_chips)):
                    self.model.add_implication(self.on[group][c], row[c])
        literals = [on[chip] for on in self.on] + [row[chip] for row in self._shared]
        return cp_model.LinearExpr.weighted_sum(literals, [*alone, *(size for size, _ in shared)])

    def _weight_groups(self) -> tuple[list[int], list[tuple[int, list[int]]]]:
        """Bytes of weights that only one group uses, shape [group], and (bytes, users) of the others."""
        alone, shared = [0] * self.groups.n_groups, []
        for weight, size in enumerate(weight_bytes(self.graph, self.package).tolist()):
            users = sorted(set(self.groups.group_of[self.graph.weight_users[weight]].tolist()))
            if len(users) == 1:
                alone[users[0]] += size
            elif users:
                shared.append((size, users))
        return alone, shared

    def _run_what_chips_can(self) -> None:
        for op, chip in np.argwhere(~op_supported(self.graph, self.package)).tolist():
            self._clause(~self.on[self.groups.group_of[op]][chip])

    def _limit_ops(self, limit: int) -> None:
        ops = np.bincount(self.groups.group_of, minlength=self.groups.n_groups).tolist()
        for c in range(self.package.n_chips):
            self.model.add(cp_model.LinearExpr.weighted_sum([on[c] for on in self.on], ops) <= limit)

    def _minimise_interval(self, least: int) -> None:
        """Loads of chips and links in whole units, each at least what it should be; the largest is minimised."""
        data, horizon = self._data, int(self._data["horizon"])
        self.interval = self.model.new_int_var(min(max(0, least), horizon), horizon, "interval")
        for c in range(self.package.n_chips):
            compute = self._compute(c)
            receive = self._tolls(data, "receipt", "from", c, pays_at_end=True)
            send = self._tolls(data, "dispatch", "to", c, pays_at_end=False)
            if self.package.communication == "overlapped":
                for part in (compute, receive, send):
                    self.model.add(_total(part) <= self.interval)
            else:
                self.model.add(_total([*compute, *receive, *send]) <= self.interval)
        self._load_links(data)
        self.model.minimize(self.interval)

    def _compute(self, chip: int) -> list[tuple[Any, int]]:
        data = self._data
        parts = []
        for group, times in enumerate(data["group_time"]):
            if times[chip] < 0:
                self._clause(~self.on[group][chip])
            elif times[chip]:
                parts.append((self.on[group][chip], times[chip]))
        return [*parts, *self._streams(chip)]

    def _streams(self, chip: int) -> list[tuple[Any, int]]:
        """Time to stream the weights that do not fit beside the chip's largest op."""
        data = self._data
        if self.package.weights == "resident":
            return []
        stream = self.model.new_int_var(0, int(data["horizon"]), f"stream{chip}")
        io = self.model.new_int_var(0, max((row[chip] for row in data["group_io"]), default=0), f"io{chip}")
        parts = [(on[chip], row[chip]) for on, row in zip(self.on, data["group_stream"], strict=True)]
        for users, row in zip(data["shared_users"], data["shared_stream"], strict=True):
            used = self.model.new_bool_var("")
            for group in users["set"]:
                self.model.add_implication(self.on[group - 1][chip], used)
            parts.append((used, row[chip]))
        for on, row in zip(self.on, data["group_io"], strict=True):
            self.model.add(io >= row[chip]).only_enforce_if(on[chip])
        self.model.add(stream >= io + _total(parts) - data["sram_stream"][chip])
        return [(stream, 1)]

    def _tolls(
        self, data: dict[str, Any], name: str, end: str, chip: int, *, pays_at_end: bool
    ) -> list[tuple[Any, int]]:
        """What a chip pays for receiving (`pays_at_end`) or sending nets, once each."""
        parts = []
        for payer, others, rate in zip(data[f"{name}_chip"], data[f"{name}_{end}"], data[f"{name}_rate"], strict=True):
            if payer == chip:
                sources, targets = (others["set"], [chip]) if pays_at_end else ([chip], others["set"])
                parts += self._paying_nets(sources, targets, rate)
        return parts

    def _load_links(self, data: dict[str, Any]) -> None:
        parts: dict[int, dict[int, list[Any]]] = {}
        for link, sources, targets in zip(data["passage_link"], data["passage_from"], data["passage_to"], strict=True):
            for net, paid in self._pays(sources["set"], targets["set"]).items():
                parts.setdefault(link, {}).setdefault(net, []).append(paid)
        for link, nets in parts.items():
            rate = data["link_rate"][link - 1]
            load = [(self._any(paid), data["net_time"][net][rate - 1]) for net, paid in nets.items()]
            self.model.add(_total(load) <= self.interval)

    def _any(self, literals: list[Any]) -> Any:
        """Whether any of some booleans holds, at least where one does."""
        if len(literals) == 1:
            return literals[0]
        either = self.model.new_bool_var("")
        for literal in literals:
            self.model.add_implication(literal, either)
        return either

    def _paying_nets(self, sources: Sequence[int], targets: Sequence[int], rate: int) -> list[tuple[Any, int]]:
        return [(paid, self._data["net_time"][net][rate - 1]) for net, paid in self._pays(sources, targets).items()]

    def _pays(self, sources: Sequence[int], targets: Sequence[int]) -> dict[int, Any]:
        """Of each net that may go from one of some chips to one of others, whether it does, at least where it does."""
        found: dict[int, Any] = {}
        leaving = [c for c in sources if c < max(targets, default=0)]
        arriving = [c for c in targets if c > min(sources, default=0)]
        if not leaving or not arriving:
            return found
        for net, (source, readers) in enumerate(zip(self._data["net_from"], self._data["net_to"], strict=True)):
            paid = found[net] = self._variable(1, "", partial(_goes, source - 1, readers["set"], leaving, arriving))
            for reader in readers["set"]:
                for here, there in itertools.product(
                    self._inside(source - 1, leaving), self._inside(reader - 1, arriving)
                ):
                    self._clause(*(~each for each in (*here, *there)), paid)
        return found

    def _inside(self, group: int, chips: Sequence[int]) -> list[list[Any]]:
        """Conjunctions, one of which holds where a group is on one of some chips (in order)."""
        first, last = chips[0], chips[-1]
        if first == last or last - first + 1 > len(chips):
            return [[self.on[group][c]] for c in chips]
        after = [~self.up_to[group][first - 1]] if first > 0 else []
        return [[*after, *([self.up_to[group][last]] if last < self.package.n_chips - 1 else [])]]


def _total(parts: Sequence[tuple[Any, int]]) -> Any:
    return cp_model.LinearExpr.weighted_sum([literal for literal, _ in parts], [amount for _, amount in parts])


def _has(chip: int, chips: list[int]) -> int:
    return int(chip in chips)


def _uses(users: list[int], chip: int, chips: list[int]) -> int:
    return int(any(chips[group] == chip for group in users))


def _largest(sizes: list[int], chip: int, chips: list[int]) -> int:
    return max((size for size, at in zip(sizes, chips, strict=True) if at == chip), default=0)


def _joins(
    relation: Callable[[tuple[int, ...]], frozenset[tuple[int, int]]], pair: tuple[int, int], chips: list[int]
) -> int:
    return int(pair in relation(tuple(chips)))


def _goes(source: int, readers: list[int], leaving: list[int], arriving: list[int], chips: list[int]) -> int:
    """Whether a net goes from a chip of some to a later one of others; readers are counted from 1."""
    here = chips[source]
    return int(here in leaving and any(chips[g - 1] in arriving and chips[g - 1] > here for g in readers))


def _closure(steps: frozenset[tuple[int, int]], n: int) -> frozenset[tuple[int, int]]:
    """Pairs of chips that a walk of one or more steps joins, where steps lead to later chips."""
    after: list[set[int]] = [set() for _ in range(n)]
    for a in reversed(range(n)):
        for source, b in steps:
            if source == a and b > a:
                after[a] |= {b} | after[b]
    return frozenset((a, b) for a in range(n) for b in after[a])
