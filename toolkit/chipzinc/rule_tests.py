"""Tests rule files by the cases they carry: `chipzinc rules test`.

A case's assignment has to get the case's verdict, for the case's reasons. On the case's graph, every other assignment
is tried too: its chips have to determine the rule's array, and the predicate made for solving has to agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chipzinc.exhaustive import NoVerdictError, Trial, Truths, every_assignment, judge, solve_all, undetermined
from chipzinc.graph.opgraph import Incidence, OpGraph, Profile
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.yaml import parse_yaml
from chipzinc.rules.cases import RuleCase
from chipzinc.rules.catalogue import Rule, SelectedRule, find_rule
from chipzinc.rules.labels import unquoted
from chipzinc.solve import Session

MOST_ASSIGNMENTS = 256
"""A case with more assignments than this is tried on its own alone, not on every one."""

PROMISES = {
    "dataflow_is_monotone": "acyclic_dataflow",
    "quotient_is_acyclic": "acyclic_quotient",
    "chips_have_no_holes": "no_skipped_chips",
}
"""What a lean predicate may ask, and the rule that makes it true: such a predicate is tried beside that rule too."""


@dataclass(frozen=True)
class CaseResult:
    """How one case went.

    Attributes:
        case: the case.
        problems: what is wrong, in words; empty where nothing is.
    """

    case: RuleCase
    problems: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_rule(session: Session, rule: Rule, solver: str) -> list[CaseResult]:
    """Tries every case of a rule's file on a solver.

    Args:
        session: where to solve.
        rule: the rule.
        solver: a solver that honours search annotations.

    Raises:
        InputError: if the file, or a case in it, is not well formed.
        SolverError: if the solver failed.
    """
    settings: dict[str, list[RuleCase]] = {}
    for case in rule.cases:
        settings.setdefault(_setting(case), []).append(case)
    trials = [trial_of(rule, cases) for cases in settings.values()]
    truths, problems = _judged(session, rule, trials, solver)
    results = {}
    for cases, trial, truth, said in zip(settings.values(), trials, truths, problems, strict=True):
        for case in cases:
            own = [] if truth is None else _of_verdict(rule, trial, case, truth)
            results[case.line] = CaseResult(case, (*own, *said))
    return [results[line] for line in sorted(results)]


def _judged(
    session: Session, rule: Rule, trials: Sequence[Trial], solver: str
) -> tuple[list[Truths | None], list[list[str]]]:
    """What the array says in each trial, None where it says nothing, and what is wrong whatever the cases want."""
    truths = _verdicts(session, trials, solver)
    problems = [["the array has no value for some assignment"] if truth is None else [] for truth in truths]
    judged = [number for number, truth in enumerate(truths) if truth is not None]
    said = [truth for truth in truths if truth is not None]
    is_open = undetermined(session, [trials[number] for number in judged], said, solver)
    for number in np.array(judged, dtype=int)[is_open].tolist():
        problems[number].append("the array is not determined by the chips: one assignment, two truths")
    settled = np.array(judged, dtype=int)[~is_open].tolist()
    for number, problem in _compare_with_solving(session, rule, trials, settled, solver):
        problems[number].append(problem)
    if rule.carries_over:
        for number, problem in _refused_in_part(session, rule, trials, truths, settled, solver):
            problems[number].append(problem)
    return truths, problems


def _verdicts(session: Session, trials: Sequence[Trial], solver: str) -> list[Truths | None]:
    """What the arrays say; None where one has no value."""
    try:
        return list(judge(session, trials, solver))
    except NoVerdictError:
        if len(trials) == 1:
            return [None]
        return [truth for trial in trials for truth in _verdicts(session, [trial], solver)]


def _of_verdict(rule: Rule, trial: Trial, case: RuleCase, truth: Truths) -> list[str]:
    """What is wrong with the array's verdict on the case's own assignment."""
    row = int((trial.assignments == list(case.chip.values())).all(axis=1).argmax())
    violated = [truth.labels[rule.name][n] for n in np.flatnonzero(~truth.holds[rule.name][row]).tolist()]
    if case.allowed == bool(violated):
        return [f"refused because of {', '.join(violated)}" if violated else "allowed"]
    if case.because is not None and set(map(unquoted, case.because)) != set(violated):
        return [f"refused because of {', '.join(violated)}, expected {', '.join(case.because)}"]
    return []


def _refused_in_part(
    session: Session,
    rule: Rule,
    trials: Sequence[Trial],
    truths: Sequence[Truths | None],
    numbers: Sequence[int],
    solver: str,
) -> Iterator[tuple[int, str]]:
    """Leaves out each op of what a hereditary rule allows; yields where it then refuses what is left."""
    parts: list[tuple[int, int, Trial]] = []
    for number in numbers:
        trial, truth = trials[number], truths[number]
        n_ops = trial.graph.n_ops
        good = trial.assignments[truth.allowed(trial.rules)] if truth is not None else trial.assignments[:0]
        for left_out in range(n_ops if len(good) and n_ops > 1 else 0):
            kept = np.delete(np.arange(n_ops), left_out)
            rows = np.unique(good[:, kept], axis=0)
            parts.append((number, left_out, replace(trial, assignments=rows, part=kept)))
    judged = judge(session, [part for _, _, part in parts], solver) if parts else []
    for (number, left_out, part), truth in zip(parts, judged, strict=True):
        wrong = np.flatnonzero(~truth.allowed(part.rules))
        if len(wrong) and part.part is not None:
            names = part.graph.op_names
            chips = zip((names[op] for op in part.part), part.assignments[wrong[0]], strict=True)
            place = ", ".join(f"{op}: {chip}" for op, chip in chips)
            yield number, f"not @hereditary: without the op '{names[left_out]}' it refuses {{{place}}}"


def _compare_with_solving(
    session: Session, rule: Rule, trials: Sequence[Trial], numbers: Sequence[int], solver: str
) -> Iterator[tuple[int, str]]:
    """Solves trials, alone and beside the rules whose promises the rule may use; yields where arrays say otherwise."""
    for company in _companies(rule):
        together = [replace(trials[number], rules=(*trials[number].rules, *company)) for number in numbers]
        allowed = [
            truth.allowed(trial.rules) for trial, truth in zip(together, judge(session, together, solver), strict=True)
        ]
        found = solve_all(session, together, allowed, solver)
        beside = f" beside {' and '.join(other.name for other in company)}" if company else ""
        for number, good, left in zip(numbers, allowed, found, strict=True):
            wrong = np.flatnonzero(good != left)
            if len(wrong):
                chips = zip(trials[number].graph.op_names, trials[number].assignments[wrong[0]], strict=True)
                place = ", ".join(f"{op}: {chip}" for op, chip in chips)
                verb = "leaves" if left[wrong[0]] else "loses"
                yield number, f"solving{beside} {verb} {{{place}}}, against what the array says of it"


def _companies(rule: Rule) -> list[tuple[SelectedRule, ...]]:
    names = [other for promise, other in PROMISES.items() if promise in rule.text and other != rule.name]
    others = [SelectedRule(find_rule(name), RuleUse(name)) for name in names]
    return [(), *((other,) for other in others), *([tuple(others)] if len(others) > 1 else [])]


def _setting(case: RuleCase) -> str:
    """What a case says but for its assignment and verdict; cases of one setting are tried together."""
    return repr(replace(case, allowed=True, line=0, chip=dict.fromkeys(case.chip, 0), because=None))


def trial_of(rule: Rule, cases: Sequence[RuleCase]) -> Trial:
    """The trial of cases of one setting: every assignment where these are few, else the cases' own."""
    case = cases[0]
    own = np.array([list(each.chip.values()) for each in cases], dtype=np.int64)
    few = case.chips ** len(case.chip) <= MOST_ASSIGNMENTS
    return Trial(
        graph=_graph(rule, case),
        package=_package(rule, case),
        rules=(SelectedRule(rule, RuleUse(rule.name, case.parameters, line=case.line)),),
        assignments=every_assignment(len(case.chip), case.chips) if few else np.unique(own, axis=0),
    )


def _graph(rule: Rule, case: RuleCase) -> OpGraph:
    """The case's graph: tensors along edges are empty, so that an op's inputs and outputs are what the case says."""
    names = list(case.chip)
    place = {name: op for op, name in enumerate(names)}
    readers = [[place[target] for source, target in case.edges if source == name] for name in names]
    io, weights = list(case.io.items()), list(case.weights.items())
    return OpGraph(
        name=f"line {case.line} of {rule.path.name}",
        op_names=tuple(names),
        op_kinds=tuple(case.kinds.get(name, "add") for name in names),
        op_flops=np.zeros(len(names)),
        op_free=np.zeros(len(names), dtype=bool),
        tensor_producer=np.array([*range(len(names)), *(place[name] for name, _ in io)], dtype=np.int64),
        tensor_elements=np.array([0] * len(names) + [size for _, size in io], dtype=np.int64),
        tensor_bits=np.full(len(names) + len(io), 8),
        tensor_consumers=Incidence.from_rows([*readers, *([] for _ in io)]),
        weight_elements=np.array([size for _, size in weights], dtype=np.int64),
        weight_bits=np.full(len(weights), 8),
        weight_users=Incidence.from_rows([[place[name]] for name, _ in weights]),
        profile=_backward_pass(case) if case.backward else None,
    )


def _backward_pass(case: RuleCase) -> Profile:
    """What graphs say of a backward pass comes with measurements, here of nothing."""
    n_ops, classes = len(case.chip), [f"chip{chip}" for chip in range(case.chips)]
    return Profile(
        op_time_us={name: np.zeros(n_ops) for name in classes},
        op_transfer_us=np.zeros(n_ops),
        op_supported={name: np.ones(n_ops, dtype=bool) for name in classes},
        op_backward=np.isin(list(case.chip), case.backward),
        op_colour=np.full(n_ops, -1),
    )


def _package(rule: Rule, case: RuleCase) -> Package:
    """The case's package: a one-way ring whose chips differ in their SRAM, and in what they can run, at most."""
    rates = "peak: 1 MOPS, sram_bandwidth: 1 MB/s, offchip_bandwidth: 1 MB/s"
    kinds = [f", supported_kinds: [{', '.join(names)}]" for names in case.supported] or [""] * case.chips
    chips = "\n".join(
        f"  - {{class: chip{chip}, count: 1, sram: {size} B, {rates}{kinds[chip]}}}"
        for chip, size in enumerate(case.sram)
    )
    topology = "topology: {kind: ring-one-way, link_bandwidth: 1 MB/s}"
    weights = "streamed" if case.streamed else "resident"
    return build_package(parse_yaml(f"name: case\nchips:\n{chips}\n{topology}\nweights: {weights}\n", rule.path))
