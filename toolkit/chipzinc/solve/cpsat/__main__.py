"""Solves a FlatZinc file with CP-SAT and prints what FlatZinc solvers print; takes their standard flags.

Must not know what is solved.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ortools.sat.python import cp_model

from chipzinc.errors import ChipzincError
from chipzinc.solve.cpsat.reader import Name
from chipzinc.solve.cpsat.translate import Translation

#: Words for how a run ended that proves nothing of its last solution.
_ENDINGS = {cp_model.INFEASIBLE: "=====UNSATISFIABLE=====", cp_model.UNKNOWN: "=====UNKNOWN====="}


class _Printer(cp_model.CpSolverSolutionCallback):
    """Prints solutions as they are found, or keeps the last one, and stops after enough of them."""

    def __init__(self, built: Translation, *, keep: bool, enough: int | None, objective: bool) -> None:
        super().__init__()
        self._keep, self._enough = keep, enough
        self._outputs = list(_outputs(built, objective))
        self.found, self.last = 0, ""
        self._lock = threading.Lock()

    def on_solution_callback(self) -> None:
        """Take note of a solution."""
        self.found += 1
        self.last = "\n".join([*self._assignments(), "----------"])
        if not self._keep:
            self.say(self.last)
        if self.found == self._enough:
            self.stop_search()

    def bound(self, value: float) -> None:
        """Say a bound of the objective."""
        self.say(f"%%%mzn-stat: objectiveBound={round(value)}")

    def say(self, text: str) -> None:
        """Print lines whole, from whichever thread."""
        with self._lock:
            print(text, flush=True)

    def _assignments(self) -> list[str]:
        lines = []
        for name, variables, is_bool, sizes in self._outputs:
            values = ",".join(self._value(each, is_bool) for each in variables)
            spans = ",".join(f"{low}..{high}" for low, high in sizes)
            lines.append(f"{name} = array{len(sizes)}d({spans},[{values}]);" if sizes else f"{name} = {values};")
        return lines

    def _value(self, variable: Any, is_bool: bool) -> str:
        value = int(self.value(variable))
        return str(bool(value)).lower() if is_bool else str(value)


def _outputs(built: Translation, objective: bool) -> Iterator[tuple[str, list[Any], bool, list[tuple[int, int]]]]:
    """Yield what is printed: name, variables, whether they are booleans, and an array's index ranges.

    All before the solve: looking up a constant may add it to the model.
    """
    items = built.items
    for name, ranges in items.outputs.items():
        single = name in built.variables or not ranges
        variables = [built.one(Name(name))] if single else built.several(Name(name))
        yield (
            name,
            variables,
            name in items.booleans,
            [each.intervals[0] if each.intervals else (1, 0) for each in ranges],
        )
    if objective and items.objective is not None:
        yield "_objective", [built.one(items.objective)], False, []


def _options(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chipzinc.solve.cpsat", description="Solve a FlatZinc file with CP-SAT.")
    parser.add_argument("-a", action="store_true", help="all solutions, or every improvement")
    parser.add_argument("-n", type=int, help="as many solutions")
    parser.add_argument("-f", action="store_true", help="search freely")
    parser.add_argument("-p", type=int, default=1, help="threads")
    parser.add_argument("-r", type=int, help="seed")
    parser.add_argument("-s", action="store_true", help="counters")
    parser.add_argument("-t", type=int, help="time limit in milliseconds")
    parser.add_argument("--objective", action="store_true", help="print the objective, as _objective")
    parser.add_argument("file", type=Path)
    return parser.parse_args(words)


def _solver(built: Translation, options: argparse.Namespace, enumerates: bool) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = 1 if enumerates else max(1, options.p)
    if built.model.proto.search_strategy and not options.f:
        # what is found first is then what the annotations say
        parameters.search_branching = cp_model.FIXED_SEARCH
        parameters.num_workers = 1
        parameters.keep_all_feasible_solutions_in_presolve = True
        parameters.symmetry_level = 0
    parameters.enumerate_all_solutions = enumerates
    if options.r is not None:
        parameters.random_seed = options.r
    if options.t is not None:
        parameters.max_time_in_seconds = options.t / 1000
    return solver


def main(words: Sequence[str] | None = None) -> int:
    """Solve; return the exit code."""
    options = _options(words)
    try:
        built = Translation(options.file.read_text(encoding="utf-8"))
    except (ChipzincError, OSError) as error:
        print(f"CP-SAT: {error}", file=sys.stderr)
        return 2
    satisfies = built.items.goal == "satisfy"
    enough = (None if options.a else options.n or 1) if satisfies else None
    enumerates = satisfies and enough != 1
    solver = _solver(built, options, enumerates)
    printer = _Printer(built, keep=not satisfies and not options.a, enough=enough, objective=options.objective)
    if not satisfies:
        solver.best_bound_callback = printer.bound
    status = solver.solve(built.model, printer)
    if status == cp_model.MODEL_INVALID:
        print(f"CP-SAT refuses the model: {' '.join(built.model.validate().split())}", file=sys.stderr)
        return 2
    if not satisfies and not options.a and printer.found:
        printer.say(printer.last)
    if not satisfies and status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        printer.bound(solver.best_objective_bound)
    if options.s:
        printer.say(f"%%%mzn-stat: failures={solver.num_conflicts}\n%%%mzn-stat: nodes={solver.num_branches}")
    if status in _ENDINGS:
        printer.say(_ENDINGS[status])
    elif status == cp_model.OPTIMAL and (enough is None or enough > 1) and printer.found != enough:
        printer.say("==========")
    return 0


if __name__ == "__main__":
    sys.exit(main())
