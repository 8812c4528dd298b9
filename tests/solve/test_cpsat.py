"""FlatZinc for CP-SAT: every constraint against enumeration, small models against their known optima."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chipzinc.errors import InputError, SolverError
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text, Toolchain
from tests.solve.conftest import IMPROVING, QUEENS, wait_until

cp_model = pytest.importorskip("ortools.sat.python.cp_model")

from chipzinc.solve.cpsat.translate import Translation  # noqa: E402


def cut(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if a * b >= 0 else -1)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}
# FlatZinc's arguments, the variables in them, and what must hold of their values. r is a boolean.
CASES: dict[str, tuple[str, str, Callable[..., Any]]] = {
    **{f"int_{name}": ("x,y", "xy", test) for name, test in COMPARE.items()},
    **{f"bool_{name}": ("p,q", "pq", test) for name, test in COMPARE.items()},
    **{
        f"int_lin_{name}": ("[2,-3,1],[x,y,z],1", "xyz", lambda x, y, z, test=test: test(2 * x - 3 * y + z, 1))
        for name, test in COMPARE.items()
        if name != "lt"
    },
    **{
        f"bool_lin_{name}": ("[2,3],[p,q],x", "pqx", lambda p, q, x, test=test: test(2 * p + 3 * q, x))
        for name, test in COMPARE.items()
        if name != "lt"
    },
    "bool_not": ("p,q", "pq", lambda p, q: p != q),
    "bool_clause": ("[p,q],[s]", "pqs", lambda p, q, s: p or q or not s),
    "set_in": ("x,{-2,1,2}", "x", lambda x: x in (-2, 1, 2)),
}
REIFIABLE = list(CASES)
IMPLIED = {
    "array_bool_and": ("[p,q,s],r", "pqs", lambda p, q, s: p and q and s),
    "array_bool_or": ("[p,q,s],r", "pqs", lambda p, q, s: p or q or s),
    "bool_and": ("p,q,r", "pq", lambda p, q: p and q),
    "bool_or": ("p,q,r", "pq", lambda p, q: p or q),
    "bool_xor": ("p,q,r", "pq", lambda p, q: p != q),
}
CASES |= {
    "array_bool_xor": ("[p,q,s]", "pqs", lambda p, q, s: (p + q + s) % 2 == 1),
    "bool2int": ("p,x", "px", lambda p, x: p == x),
    "array_int_element": ("x,[3,-1],y", "xy", lambda x, y: x in (1, 2) and [3, -1][x - 1] == y),
    "array_bool_element": ("x,[true,false],p", "xp", lambda x, p: x in (1, 2) and [1, 0][x - 1] == p),
    "array_var_int_element": ("x,[y,2],z", "xyz", lambda x, y, z: x in (1, 2) and [y, 2][x - 1] == z),
    "array_var_bool_element": ("x,[p,q],s", "xpqs", lambda x, p, q, s: x in (1, 2) and [p, q][x - 1] == s),
    "int_plus": ("x,y,z", "xyz", lambda x, y, z: x + y == z),
    "int_minus": ("x,y,z", "xyz", lambda x, y, z: x - y == z),
    "int_times": ("x,y,z", "xyz", lambda x, y, z: x * y == z),
    "int_div": ("x,y,z", "xyz", lambda x, y, z: y != 0 and cut(x, y) == z),
    "int_mod": ("x,y,z", "xyz", lambda x, y, z: y != 0 and x - y * cut(x, y) == z),
    "int_pow": (
        "x,y,z",
        "xyz",
        lambda x, y, z: (x != 0 or y >= 0) and z == (x**y if y >= 0 else cut(1, x**-y)),
    ),
    "int_abs": ("x,y", "xy", lambda x, y: abs(x) == y),
    "int_negate": ("x,y", "xy", lambda x, y: -x == y),
    "int_min": ("x,y,z", "xyz", lambda x, y, z: min(x, y) == z),
    "int_max": ("x,y,z", "xyz", lambda x, y, z: max(x, y) == z),
    "array_int_minimum": ("x,[y,z]", "xyz", lambda x, y, z: min(y, z) == x),
    "array_int_maximum": ("x,[y,z]", "xyz", lambda x, y, z: max(y, z) == x),
}


class Collect(cp_model.CpSolverSolutionCallback):  # type: ignore[misc]
    """Every solution, by the values of some variables."""

    def __init__(self, variables: list[Any]) -> None:
        super().__init__()
        self.variables, self.found = variables, set[tuple[int, ...]]()

    def on_solution_callback(self) -> None:
        self.found.add(tuple(self.value(each) for each in self.variables))


def domain(name: str) -> range:
    return range(-2, 4) if name in "xyz" else range(2)


def solutions(constraint: str, names: str) -> set[tuple[int, ...]]:
    lines = [f"var {'-2..3' if name in 'xyz' else 'bool'}: {name};" for name in names]
    built = Translation("\n".join([*lines, f"constraint {constraint};", "solve satisfy;"]))
    solver, collect = cp_model.CpSolver(), Collect([built.variables[name] for name in names])
    solver.parameters.enumerate_all_solutions = True
    solver.parameters.num_workers = 1
    solver.solve(built.model, collect)
    return collect.found


def expected(names: str, test: Callable[..., Any]) -> set[tuple[int, ...]]:
    return {values for values in itertools.product(*map(domain, names)) if test(*values)}


@pytest.mark.parametrize("name", CASES)
def test_a_constraint_has_the_solutions_of_its_definition(name: str) -> None:
    arguments, names, test = CASES[name]
    assert solutions(f"{name}({arguments})", names) == expected(names, test)


@pytest.mark.parametrize("name", REIFIABLE)
def test_a_reified_constraint_is_an_equivalence_and_an_implied_one_an_implication(name: str) -> None:
    arguments, names, test = CASES[name]
    both = expected(f"{names}r", lambda *values: bool(values[-1]) == bool(test(*values[:-1])))
    one = expected(f"{names}r", lambda *values: not values[-1] or test(*values[:-1]))
    assert solutions(f"{name}_reif({arguments},r)", f"{names}r") == both
    assert solutions(f"{name}_imp({arguments},r)", f"{names}r") == one


@pytest.mark.parametrize("name", IMPLIED)
def test_a_connective_says_its_outcome(name: str) -> None:
    arguments, names, test = IMPLIED[name]
    both = expected(f"{names}r", lambda *values: bool(values[-1]) == bool(test(*values[:-1])))
    one = expected(f"{names}r", lambda *values: not values[-1] or test(*values[:-1]))
    assert solutions(f"{name}({arguments})", f"{names}r") == both
    assert solutions(f"{name}_imp({arguments})", f"{names}r") == one


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("var 0..1: x;\nconstraint fzn_cumulative([x]);\nsolve satisfy;", "fzn_cumulative"),
        ("var set of 1..3: s;\nsolve satisfy;", "var set"),
        ("var float: f;\nsolve satisfy;", "var float"),
        ("constraint int_le(nobody,3);\nsolve satisfy;", "nobody"),
        ("var 0..1: x;\nsolve satisfy", "breaks off"),
    ],
)
def test_what_is_not_translated_is_named(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Translation(text)


KNAPSACK = """\
array[1..5] of int: weight = [12, 2, 1, 4, 1];
array[1..5] of int: worth = [4, 2, 1, 10, 2];
array[1..5] of var 0..1: taken;
constraint sum(i in 1..5)(weight[i] * taken[i]) <= 15;
solve maximize sum(i in 1..5)(worth[i] * taken[i]);
"""
GOLOMB = """\
include "alldifferent.mzn";
array[1..5] of var 0..20: mark;
constraint mark[1] = 0 /\\ forall(i in 1..4)(mark[i] < mark[i + 1]);
constraint alldifferent([mark[j] - mark[i] | i, j in 1..5 where i < j]);
solve :: int_search(mark, input_order, indomain_min) minimize mark[5];
"""
FIXED = """\
var 1..1: x; array[1..2] of var 3..3: a; array[1..2,1..2] of var bool: m;
constraint m[1,1] /\\ not m[2,2] /\\ m[1,2] != m[2,1];
solve :: bool_search([m[1,2]], input_order, indomain_max) satisfy;
"""


def run(session: Session, model: str, **how: Any) -> tuple[list[dict[str, Any]], Status]:
    *events, status = session.solve(SolveRequest(solver="cp-sat", models=(Text("model.mzn", model),), **how))
    assert isinstance(status, Status)
    return [dict(event.values) for event in events if isinstance(event, Solution)], status


@pytest.mark.parametrize(("model", "best"), [(KNAPSACK, 15), (GOLOMB, 11)], ids=["knapsack", "golomb"])
def test_a_small_model_reaches_its_known_optimum(session: Session, model: str, best: int) -> None:
    found, status = run(session, model)
    assert found[-1]["_objective"] == best
    assert status.name == "OPTIMAL_SOLUTION"
    assert status.statistics["objectiveBound"] == best


def test_every_solution_is_listed_once(session: Session) -> None:
    found, status = run(session, QUEENS.replace("int: n;", "int: n = 6;"), all_solutions=True)
    assert sorted(each["q"] for each in found) == [
        [2, 4, 6, 1, 3, 5], [3, 6, 2, 5, 1, 4], [4, 1, 5, 2, 6, 3], [5, 3, 1, 6, 4, 2],
    ]  # fmt: skip
    assert status.name == "ALL_SOLUTIONS"
    assert len(run(session, QUEENS.replace("int: n;", "int: n = 6;"), solutions=2)[0]) == 2


def test_what_compiling_fixes_is_in_the_solution(session: Session) -> None:
    assert run(session, FIXED)[0] == [{"x": 1, "a": [3, 3], "m": [[True, True], [False, False]]}]


def test_without_a_solution_that_is_proven(session: Session) -> None:
    assert run(session, "var 0..3: x; constraint x * x = 5; solve satisfy;")[1].name == "UNSATISFIABLE"


def test_a_time_limit_ends_the_run_and_nothing_stays_behind(
    toolchain: Toolchain, marked: Callable[[], list[str]]
) -> None:
    with Session(toolchain) as opened:
        _, status = run(opened, IMPROVING, time_limit_s=6.0)
        assert status.timed_out
        for event in opened.solve(SolveRequest(solver="cp-sat", models=(Text("golomb.mzn", IMPROVING),))):
            if isinstance(event, Solution):
                break
    assert wait_until(lambda: not marked(), 10.0)


def test_a_constraint_of_another_library_is_an_error_that_names_it(session: Session) -> None:
    flat = session.flatten(SolveRequest(solver="cp-sat", models=(Text("model.mzn", KNAPSACK),)))
    with pytest.raises(SolverError, match="fzn_cumulative"):
        list(
            session.solve(
                SolveRequest(solver="cp-sat", flat=flat.extended(constraints="constraint fzn_cumulative(1);\n"))
            )
        )


def test_without_ortools_the_extra_is_named(toolchain: Toolchain) -> None:
    bare = replace(toolchain, solvers=tuple(each for each in toolchain.solvers if each.name != "CP-SAT"))
    with pytest.raises(SolverError, match=r"pip install 'chipzinc\[cpsat\]'"):
        bare.solver("cp-sat")
