"""What a solve is asked and what it answers: requests, flat models and the events of a run.

Plain data; must not know how MiniZinc is found or run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from chipzinc.errors import InputError

#: Statuses after which nothing is left to find out.
CONCLUSIVE = frozenset(
    {"ALL_SOLUTIONS", "OPTIMAL_SOLUTION", "UNSATISFIABLE", "UNBOUNDED", "UNSAT_OR_UNBOUNDED"},
)


@dataclass(frozen=True, slots=True)
class Text:
    """A model or data file that exists in memory only.

    Args:
        name: a file name, whose ending says what it is (``.mzn``, ``.dzn``, ``.json``); errors are told under it.
        text: what it holds.
    """

    name: str
    text: str


Source: TypeAlias = Path | Text


@dataclass(frozen=True, slots=True)
class FlatModel:
    """A compiled model (FlatZinc), cut where something may be added without compiling again.

    Args:
        solver: id of the solver it was compiled for; another solver may lack its constraints.
        declarations: predicates, parameters and variables, one a line.
        constraints: constraint items, one a line.
        solve: the solve item, without a line end.
    """

    solver: str
    declarations: str
    constraints: str
    solve: str

    @classmethod
    def parse(cls, solver: str, text: str) -> FlatModel:
        """Cut FlatZinc as MiniZinc writes it: one item a line, constraints after declarations, solve last.

        Raises:
            InputError: the text has no solve item.
        """
        end = text.rfind("\nsolve ") + 1
        if end == 0 and not text.startswith("solve "):
            raise InputError("the flat model has no solve item; expected FlatZinc as `minizinc --compile` writes it")
        start = 0 if text.startswith("constraint ") else text.find("\nconstraint ") + 1
        if start == 0 and not text.startswith("constraint "):
            start = end
        return cls(solver, text[:start], text[start:end], text[end:].strip())

    def extended(self, *, declarations: str = "", constraints: str = "", solve: str | None = None) -> FlatModel:
        """Return the model with more FlatZinc in it: items end in ``;`` and a line end; ``solve`` replaces the item."""
        return FlatModel(
            self.solver, self.declarations + declarations, self.constraints + constraints, solve or self.solve
        )

    @property
    def is_false(self) -> bool:
        """Whether compiling alone has proven that there is no solution; nothing else is left of the model then."""
        return self.constraints.strip() == "constraint bool_eq(false,true);"

    @property
    def is_satisfaction(self) -> bool:
        """Whether any solution will do, as opposed to the best."""
        return self.solve.rstrip("; ").endswith("satisfy")

    @property
    def text(self) -> str:
        """The whole model as FlatZinc."""
        return f"{self.declarations}{self.constraints}{self.solve}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveRequest:
    """One question to a solver: either models with data, or a flat model.

    Args:
        solver: id, tag or name, such as ``chuffed``.
        models: model files; includes are followed relative to each file, then in ``include_dirs``.
        data: data files (``.dzn`` or ``.json``).
        flat: a compiled model to solve in place of ``models``.
        include_dirs: folders searched for included files.
        time_limit_s: wall-clock limit in seconds, compilation included; None for none.
        patience_s: longest wait for the next solution, in seconds; past it the run ends as if its time were up. For
            batches of samples, one of which may be stuck; use it with flat models, since it counts compilation too.
        warm_up_s: added to the patience until the first solution, for reading the model.
        all_solutions: enumerate (satisfaction) or list every improvement (optimisation).
        intermediate: hand out improvements while optimising; without it, only the last solution.
        solutions: stop a satisfaction search after this many; None for the solver's default of one.
        free_search: let the solver ignore the model's search annotations.
        random_seed: seed of the solver, where it has one; None lets it draw its own, another each run.
        processes: parallel threads, where the solver has them.
        statistics: ask the solver for its counters.
        extra_flags: further words of the command line, handed over as they are.
    """

    solver: str
    models: tuple[Source, ...] = ()
    data: tuple[Source, ...] = ()
    flat: FlatModel | None = None
    include_dirs: tuple[Path, ...] = ()
    time_limit_s: float | None = None
    patience_s: float | None = None
    warm_up_s: float = 0.0
    all_solutions: bool = False
    intermediate: bool = True
    solutions: int | None = None
    free_search: bool = False
    random_seed: int | None = 1
    processes: int | None = None
    statistics: bool = True
    extra_flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no solver could mean."""
        if bool(self.models) == (self.flat is not None):
            raise InputError("a solve request has either models or a flat model")
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise InputError(f"time limit {self.time_limit_s} s: expected a number above 0", field="time_limit_s")
        if self.solutions is not None and self.solutions < 1:
            raise InputError(f"{self.solutions} solutions: expected at least 1", field="solutions")


@dataclass(frozen=True, slots=True)
class Solution:
    """One solution: variable name to value, ``seconds`` after the run began.

    Numbers, booleans and strings stay as they are, arrays are (nested) lists, sets are frozensets, enum members their
    names. An objective is under ``_objective``, save in flat models.
    """

    values: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters of the compiler or the solver, as named by them."""

    values: Mapping[str, float | str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Message:
    """A warning about the model; errors are raised, not handed out."""

    text: str
    seconds: float
    file: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The last event of every run.

    Args:
        name: MiniZinc's word: one of CONCLUSIVE, or SATISFIED (solutions, no proof) or UNKNOWN (neither).
        seconds: wall time of the run.
        timed_out: whether the time limit ended it.
        statistics: every counter of the run, the last value of each.
    """

    name: str
    seconds: float
    timed_out: bool = False
    statistics: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def conclusive(self) -> bool:
        """Whether the search space was exhausted or the optimum proven."""
        return self.name in CONCLUSIVE


Event: TypeAlias = Solution | Statistics | Message | Status
