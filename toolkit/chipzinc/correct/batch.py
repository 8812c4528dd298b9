"""FIX and SAMPLE: one solver process corrects a whole batch of hints.

The model's variable `sample` picks the hint; it is branched on first, smallest first, and the objective rises with
it, so that each improvement is the correction of the next sample. Knows the search files in mzn/search.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chipzinc.correct.problem import Mode, Problem
from chipzinc.errors import InfeasibleError, SolverError
from chipzinc.graph.opgraph import IntArray
from chipzinc.solve import FlatModel, Session, Solution, SolveRequest, Status

LEAST_SHARE_S = 1.0
"""Least time that a sample gets before it counts as stuck."""

NO_PARTITION = "no valid partition exists: the rules leave no assignment of chips to groups"

State = Literal["corrected", "timed_out"]


@dataclass(frozen=True, eq=False)
class Correction:
    """What became of one hint.

    Attributes:
        sample: number of the hint in its batch, from 0.
        group_chip: chip of each group, shape [group]; None if the sample timed out.
        seconds: time since the correction before it.
    """

    sample: int
    group_chip: IntArray | None
    seconds: float

    @property
    def state(self) -> State:
        """Whether it was corrected, or stuck or never reached."""
        return "timed_out" if self.group_chip is None else "corrected"


def fix(
    session: Session,
    problem: Problem,
    hints: IntArray,
    *,
    solver: str,
    time_limit_s: float | None = None,
    order: IntArray | None = None,
) -> Iterator[Correction]:
    """Corrects hints: each group keeps its chip where a valid completion still allows it, else takes the nearest.

    The correction is the lexicographically smallest (|chip - hint|, chip) in visiting order over all valid
    partitions, whichever complete solver finds it.

    Args:
        session: where to solve.
        problem: the graph, package, rules and groups.
        hints: chip of each group, shape [sample, group].
        solver: a solver that honours search annotations.
        time_limit_s: wall-clock limit of the whole batch, compilation included; None for none.
        order: groups in visiting order, shape [group]; None: topological.

    Yields:
        One correction a sample, in order, as they come.

    Raises:
        InfeasibleError: if no valid partition of the groups exists.
        InputError: if a rule file or parameter is wrong.
        SolverError: if the solver fails; what it had corrected by then was yielded.
    """
    return _correct(session, problem, "fix", hints, _hint_items, solver, time_limit_s, order)


def sample(
    session: Session,
    problem: Problem,
    rankings: IntArray,
    *,
    solver: str,
    time_limit_s: float | None = None,
    order: IntArray | None = None,
) -> Iterator[Correction]:
    """Corrects draws: each group takes the first chip of its own ranking that a valid completion still allows.

    The correction is the lexicographically smallest vector of ranks in visiting order over all valid partitions. With
    rankings drawn from a policy by Gumbel top-k the first group visited follows the policy restricted to the chips
    that some valid partition gives it.

    Args:
        session: as for `fix`.
        problem: as for `fix`.
        rankings: chips of each group from the most to the least wanted, shape [sample, group, chip].
        solver: as for `fix`.
        time_limit_s: as for `fix`.
        order: as for `fix`.

    Yields:
        One correction a sample, in order, as they come.

    Raises:
        InfeasibleError: as for `fix`.
        InputError: as for `fix`.
        SolverError: as for `fix`.
    """
    return _correct(session, problem, "sample", rankings, _ranking_items, solver, time_limit_s, order)


def _correct(
    session: Session,
    problem: Problem,
    mode: Mode,
    wishes: IntArray,
    items: Callable[[FlatModel, IntArray], str],
    solver: str,
    time_limit_s: float | None,
    order: IntArray | None,
) -> Iterator[Correction]:
    n_samples, begin = len(wishes), time.monotonic()
    if not n_samples:
        return
    visiting = problem.visiting_order() if order is None else order
    if len(wishes) == 1:
        wishes = np.repeat(wishes, 2, axis=0)  # a variable with one value would not stay in the compiled model
    compiled = problem.compiled(session, solver, mode, len(wishes), visiting, time_limit_s)
    if compiled.flat.is_false:
        raise InfeasibleError(NO_PARTITION)
    flat = compiled.flat.extended(constraints=items(compiled.flat, wishes))
    following = 0
    while following < n_samples:
        left = None if time_limit_s is None else time_limit_s - (time.monotonic() - begin)
        if left is not None and left <= 0:
            break
        for correction in _run(session, flat, solver, following, n_samples, left, compiled.compile_s):
            yield correction
            following = correction.sample + 1
    for late in range(following, n_samples):
        yield Correction(late, None, 0.0)


def _run(
    session: Session,
    flat: FlatModel,
    solver: str,
    first: int,
    n_samples: int,
    left_s: float | None,
    warm_up_s: float,
) -> Iterator[Correction]:
    """One process from sample `first` on; ends with a stuck sample, which is the last one it yields."""
    asked = f"constraint int_le({first + 1},sample);\nconstraint int_le(sample,{n_samples});\n"
    request = SolveRequest(
        solver=solver,
        flat=flat.extended(constraints=asked),
        time_limit_s=left_s,
        patience_s=None if left_s is None else max(LEAST_SHARE_S, left_s / (n_samples - first)),
        warm_up_s=warm_up_s,  # reading the model takes the solver less than writing it took the compiler
        statistics=False,
    )
    following, since = first, 0.0
    for event in session.solve(request):
        if isinstance(event, Solution):
            found = int(event.values["sample"]) - 1
            if found != following:
                raise SolverError(f"{solver} skipped from sample {following} to {found}: it ignores search annotations")
            yield Correction(found, np.array(event.values["corrected"][:-1]), event.seconds - since)
            following, since = found + 1, event.seconds
        elif isinstance(event, Status):
            if event.name == "UNSATISFIABLE" and following == 0:
                raise InfeasibleError(NO_PARTITION)
            if following < n_samples:
                yield Correction(following, None, event.seconds - since)


def _names(flat: FlatModel, array: str) -> list[str]:
    """The variables of an array of the model, as the flat model names them."""
    match = re.search(rf"^array \[[^\]]*\] of var [^:]*: {array}\b[^=]*= \[(.*)\];$", flat.declarations, re.MULTILINE)
    if match is None:
        raise SolverError(f"the compiled model has no array '{array}'")
    return match.group(1).split(",")


def _element(index: str, values: IntArray, result: str) -> str:
    if (values == values[0]).all():
        return f"constraint int_eq({result},{values[0]});\n"
    return f"constraint array_int_element({index},[{','.join(map(str, values.tolist()))}],{result});\n"


def _hint_items(flat: FlatModel, hints: IntArray) -> str:
    """hinted[g] = hints[sample, g]."""
    names = _names(flat, "hinted")
    return "".join(_element("sample", column, name) for column, name in zip(hints.T, names, strict=True))


def _ranking_items(flat: FlatModel, rankings: IntArray) -> str:
    """group_chip[g] = rankings[sample, g, rank[g]], by the cell that sample and rank choose."""
    cells, chips = _names(flat, "cell"), _names(flat, "corrected")[:-1]
    tables = rankings.transpose(1, 0, 2).reshape(len(chips), -1)
    return "".join(_element(cell, table, chip) for cell, table, chip in zip(cells, tables, chips, strict=True))
