"""Small problems, every listed assignment at once: what the arrays of rules say of each, and which ones solving leaves.

For proofs about rules, not for partitioning. One solver call holds many problems, since a call costs more than they do.
Knows no rule: rules come rendered.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chipzinc.errors import InputError, SolverError
from chipzinc.graph.opgraph import BoolArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.apart import declared_names, rename
from chipzinc.render.data import LiveSet, part_data, problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, VERIFY_TEMPLATE, render_text
from chipzinc.resources import mzn_dir
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.rules.labels import read_labels
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text

JUDGED_AT_ONCE, SOLVED_AT_ONCE = 5000, 1000
"""Most assignments of one solver call: a call takes a second to begin, and each solution as long as all trials of its
call are large."""

CALL_LIMIT_S = 300.0
"""Longest time of one solver call."""

_OWN_PARTS = re.compile(r'^(include "\./[^"]*"|solve satisfy);$', re.MULTILINE)


class NoVerdictError(SolverError):
    """An array of a rule has no value for some assignment."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A problem with the assignments to try on it.

    Attributes:
        graph: the graph.
        package: the package.
        rules: the rules.
        assignments: distinct chips of every group, shape [assignment, group].
        group_of: group of each op, shape [op]; None: every op by itself.
        live_sets: overflows of memory over time that may not be repeated.
        part: the only ops that are looked at, increasing, each its own group; None: all. Assignments are of these.
    """

    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    assignments: IntArray
    group_of: IntArray | None = None
    live_sets: tuple[LiveSet, ...] = ()
    part: IntArray | None = None

    @property
    def partitions(self) -> IntArray:
        """Chip of every op, shape [assignment, op]."""
        return self.assignments if self.group_of is None else self.assignments[:, self.group_of]


@dataclass(frozen=True, eq=False)
class Truths:
    """What the arrays of a trial's rules say.

    Attributes:
        holds: by rule, whether each instance holds, shape [assignment, instance].
        labels: by rule, what it calls its instances.
    """

    holds: dict[str, BoolArray]
    labels: dict[str, list[str]] = field(default_factory=dict)

    def allowed(self, rules: Sequence[SelectedRule]) -> BoolArray:
        """Assignments whose every instance of every hard rule holds; shape [assignment]."""
        good: BoolArray = np.all([self.holds[rule.name].all(axis=1) for rule in rules if rule.hard], axis=0)
        return good


def every_assignment(n_groups: int, n_chips: int) -> IntArray:
    """All assignments in lexicographic order, shape [n_chips ** n_groups, n_groups]."""
    return np.array(list(itertools.product(range(n_chips), repeat=n_groups)), dtype=np.int64).reshape(-1, n_groups)


def judge(session: Session, trials: Sequence[Trial], solver: str) -> list[Truths]:
    """What each rule's array says of every assignment, with chips known before the model is compiled.

    Raises:
        InputError: if a rule file or a parameter is wrong.
        NoVerdictError: if an array has no value for one of the assignments.
        SolverError: if the solver failed.
    """
    found = []
    for batch in _batches(trials, range(len(trials)), JUDGED_AT_ONCE):
        model = _Model()
        for number in batch:
            model.add(number, trials[number], VERIFY_TEMPLATE, _partition_data(trials[number]))
        model.glue.append("solve satisfy;")
        solutions = model.solutions(session, solver)
        if not solutions:
            raise NoVerdictError("the rules gave no verdict: an array of a rule has no value for a given partition")
        found += [_truths(trials[number], number, solutions[0].values) for number in batch]
    return found


def undetermined(session: Session, trials: Sequence[Trial], truths: Sequence[Truths], solver: str) -> BoolArray:
    """Trials where some assignment leaves the truth of an instance open, shape [trial].

    Looks for a second truth, different from the one that `judge` found, both with chips known before the model is
    compiled and with chips that the solver chooses.

    Raises:
        InputError: as `judge` does.
        SolverError: if the solver failed.
    """
    found: list[int] = []
    for batch in _batches(trials, range(len(trials)), SOLVED_AT_ONCE):
        model = _Model()
        for number in batch:
            truth = truths[number]
            first = {f"{name}_first": holds.tolist() for name, holds in truth.holds.items() if holds.size}
            more = _choice("PARTITION", 0 if len(batch) > 1 else None) + _second_truth(truth)
            model.add(number, trials[number], VERIFY_TEMPLATE, _partition_data(trials[number]) | first, more)
        model.glue.append(_one_after_another(batch, score="2 * trial"))
        found += [int(solution.values["trial"]) for solution in model.solutions(session, solver)]
    return np.isin(np.arange(len(trials)), found)


def solve_all(session: Session, trials: Sequence[Trial], allowed: Sequence[BoolArray], solver: str) -> list[BoolArray]:
    """Which of the assignments the model that is rendered for solving leaves; shape [assignment] a trial.

    Args:
        session: where to solve.
        trials: the trials.
        allowed: assignments that should be left, shape [assignment] a trial; a trial rests on the first of them while
            the solver looks at another, and it is all they are used for.
        solver: a solver that honours search annotations.

    Raises:
        InputError: as `judge` does.
        SolverError: if the solver failed.
    """
    found = [np.zeros(len(trial.assignments), dtype=bool) for trial in trials]
    together = [number for number, good in enumerate(allowed) if good.any()]
    alone = [[number] for number, good in enumerate(allowed) if not good.any()]
    for batch in [*_batches(trials, together, SOLVED_AT_ONCE), *alone]:
        model = _Model()
        for number in batch:
            rest = int(allowed[number].argmax()) if len(batch) > 1 else None
            data = {"assignment": trials[number].assignments.tolist()}
            model.add(number, trials[number], PARTITION_TEMPLATE, data, _listed_only(rest))
        rows = " + ".join(f"row{_suffix(number)}" for number in batch)
        step = sum(len(trials[number].assignments) for number in batch) + 1
        # twice: Chuffed would leap to the last row of a lone trial, were the score the row itself
        model.glue.append(_one_after_another(batch, score=f"2 * ({step} * trial + {rows})"))
        for solution in model.solutions(session, solver):
            number = int(solution.values["trial"])
            found[number][int(solution.values[f"row{_suffix(number)}"]) - 1] = True
    return found


def _batches(trials: Sequence[Trial], numbers: Iterable[int], most: int) -> Iterator[list[int]]:
    """Numbers of trials, as many together as have no more than `most` assignments."""
    batch: list[int] = []
    for number in numbers:
        if batch and sum(len(trials[other].assignments) for other in (*batch, number)) > most:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


class _Model:
    """Rendered models side by side, with what joins them."""

    def __init__(self) -> None:
        self.files: list[Text] = []
        self.paths: dict[str, Path] = {}
        self.data: dict[str, Any] = {}
        self.glue: list[str] = []

    def add(self, number: int, trial: Trial, template: str, data: dict[str, Any], more: str = "") -> None:
        """Adds a trial's model, with more data and MiniZinc; every name of its own ends in the trial's suffix."""
        rendered = render_text(template, trial.graph, trial.package, trial.rules, folder=".")
        texts = {
            "problem": (mzn_dir() / "problem.mzn").read_text(encoding="utf-8"),
            **{rule.name: rule.rule.text for rule in trial.rules},
            "model": _OWN_PARTS.sub("", rendered) + more,
        }
        data = _problem_data(trial) | data
        suffix = _suffix(number)
        names = data.keys() | {name for text in texts.values() for name in declared_names(text)}
        self.files += [Text(f"{name}{suffix}.mzn", rename(text, names, suffix)) for name, text in texts.items()]
        self.paths |= {f"{rule.name}{suffix}.mzn": rule.rule.path for rule in trial.rules}
        self.data |= {name + suffix: value for name, value in data.items()}

    def solutions(self, session: Session, solver: str) -> list[Solution]:
        """A solution, or, where something is maximised, every improvement.

        Raises:
            InputError: if a rule's file or data is wrong; names the file and its line.
            SolverError: if the search ended before it was done.
        """
        request = SolveRequest(
            solver=solver,
            models=(*self.files, Text("trials.mzn", "\n".join(self.glue))),
            data=(Text("trials.json", json.dumps(self.data, separators=(",", ":"))),),
            include_dirs=(mzn_dir(),),
            time_limit_s=CALL_LIMIT_S,
            statistics=False,
        )
        try:
            events = list(session.solve(request))
        except InputError as error:
            message = re.sub(_suffix(r"\d+") + r"\b", "", error.message)
            file = self.paths.get(str(error.file), error.file)
            raise InputError(message, file=file, line=error.line) from error  # columns moved as names grew
        found = [event for event in events if isinstance(event, Solution)]
        status = events[-1]
        if isinstance(status, Status) and not status.conclusive and not (found and status.name == "SATISFIED"):
            raise SolverError(f"{solver} ended without an answer: {status.name}")
        return found


def _suffix(number: int | str) -> str:
    return f"_of_{number}"


def _problem_data(trial: Trial) -> dict[str, Any]:
    if trial.part is not None:
        return part_data(trial.graph, trial.package, trial.rules, trial.part, trial.live_sets)
    return problem_data(trial.graph, trial.package, trial.rules, trial.group_of, trial.live_sets)


def _partition_data(trial: Trial) -> dict[str, Any]:
    partitions = trial.partitions
    return {"n_partitions": len(partitions), "partition": partitions.tolist(), "with_labels": True}


def _truths(trial: Trial, number: int, values: Any) -> Truths:
    holds, labels = {}, {}
    for rule in trial.rules:
        flat = np.array(values[f"{rule.name}_holds{_suffix(number)}"], dtype=bool)
        holds[rule.name] = flat.reshape(len(trial.assignments), -1)
        said = values.get(f"{rule.name}_named{_suffix(number)}")
        labels[rule.name] = read_labels(rule.rule, said, holds[rule.name].shape[1])
    return Truths(holds, labels)


def _choice(rows: str, rest: int | None) -> str:
    """MiniZinc for: one of the rows is chosen, and it is the row `rest` while another trial is looked at."""
    items = [f"var {rows}: row :: add_to_output;", "var bool: looked_at;"]
    items.append("constraint looked_at;" if rest is None else f"constraint looked_at \\/ row = {rest + 1};")
    return "\n".join([*items, ""])


def _listed_only(rest: int | None) -> str:
    """MiniZinc for: the groups are on the chips of the chosen row of the listed assignments."""
    return (
        "array[int, GROUP] of CHIP: assignment;\n"
        "set of int: ASSIGNMENT = index_set_1of2(assignment);\n"
        f"{_choice('ASSIGNMENT', rest)}"
        "constraint forall(g in GROUP)(group_chip[g] = assignment[row, g]);\n"
    )


def _second_truth(truth: Truths) -> str:
    """MiniZinc for: while it is looked at, some instance has another truth than the first time."""
    items = ["array[OP] of var CHIP: chosen = [partition[row, o] | o in OP];"]
    different = ["false"]
    for name, holds in truth.holds.items():
        instances = holds.shape[1]
        if instances:
            items += [
                f"array[PARTITION, int] of bool: {name}_first;",
                f"array[int] of var bool: {name}_again = array1d({name}(chosen));",
            ]
            different += [
                f"exists(p in PARTITION, i in 1..{instances})"
                f"({name}_holds[(p - 1) * {instances} + i] != {name}_first[p, i])",
                f"exists(i in 1..{instances})({name}_again[i] != {name}_first[row, i])",
            ]
    return "\n".join([*items, f"constraint looked_at -> exists([{', '.join(different)}]);", ""])


def _one_after_another(batch: Sequence[int], score: str) -> str:
    """MiniZinc for: trial after trial, row after row, whatever auxiliaries there are, since the score has to rise."""
    order = ", ".join(["trial", *(f"row{_suffix(number)}" for number in batch)])
    return "\n".join(
        [
            f"var {{{', '.join(map(str, batch))}}}: trial :: add_to_output;",
            *(f"constraint looked_at{_suffix(number)} = (trial = {number});" for number in batch),
            f"var int: score = {score};",
            f"solve :: int_search([{order}], input_order, indomain_min) maximize score;",
        ]
    )
