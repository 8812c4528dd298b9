"""Flat models: compiled once, extended, solved without compiling again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.errors import InputError, SolverError
from chipzinc.solve import FlatModel, Session, Solution, SolveRequest, Status, Text
from tests.solve.conftest import QUEENS


def flat_queens(session: Session, solver: str) -> FlatModel:
    data = Text("board.json", '{"n": 6}')
    return session.flatten(SolveRequest(solver=solver, models=(Text("queens.mzn", QUEENS),), data=(data,)))


def first(session: Session, solver: str, flat: FlatModel) -> dict[str, object]:
    events = session.solve(SolveRequest(solver=solver, flat=flat))
    return next(dict(event.values) for event in events if isinstance(event, Solution))


def test_a_flat_model_has_the_solution_of_its_model(session: Session, solver: str) -> None:
    assert first(session, solver, flat_queens(session, solver)) == {"q": [2, 4, 6, 1, 3, 5]}


def test_added_constraints_and_another_search_take_effect(session: Session, solver: str) -> None:
    flat = flat_queens(session, solver)
    extended = flat.extended(
        declarations="array [1..2] of int: added = [1,-1];\n"
        "var 1..6: copy:: output_var;\nvar 1..6: last:: output_var;\n",
        constraints="constraint array_var_int_element(1,q,copy);\nconstraint array_var_int_element(6,q,last);\n"
        "constraint int_lin_le(added,[last,copy],-1);\n",
        solve="solve :: int_search([copy],input_order,indomain_max,complete) satisfy;",
    )
    assert first(session, solver, extended) == {"q": [5, 3, 1, 6, 4, 2], "copy": 5, "last": 2}
    assert first(session, solver, flat) == {"q": [2, 4, 6, 1, 3, 5]}


def test_an_added_objective_is_followed_to_its_optimum(session: Session, solver: str) -> None:
    flat = flat_queens(session, solver).extended(
        declarations="var 1..6: goal:: output_var;\n",
        constraints="constraint array_var_int_element(2,q,goal);\n",
        solve="solve :: int_search([goal],input_order,indomain_min,complete) maximize goal;",
    )
    events = list(session.solve(SolveRequest(solver=solver, flat=flat)))
    assert [event.values["goal"] for event in events if isinstance(event, Solution)][-1] == 6
    assert isinstance(events[-1], Status)
    assert events[-1].name == "OPTIMAL_SOLUTION"


def test_a_flat_model_is_refused_by_another_solver(session: Session) -> None:
    if session.toolchain is None or not session.toolchain.has("gecode"):
        pytest.skip("one solver only")
    with pytest.raises(SolverError, match="compiled for"):
        list(session.solve(SolveRequest(solver="gecode", flat=flat_queens(session, "chuffed"))))


def test_a_fault_in_added_flatzinc_is_an_error_not_silence(session: Session, solver: str) -> None:
    flat = flat_queens(session, solver).extended(constraints="constraint int_le(nobody,3);\n")
    with pytest.raises((InputError, SolverError)):
        list(session.solve(SolveRequest(solver=solver, flat=flat)))


ITEM = st.sampled_from(["var 0..1: a;", "array [1..2] of int: b = [1,2];", "predicate p(var int: x);"])


@given(st.lists(ITEM), st.lists(st.sampled_from(["constraint int_le(a,1);", "constraint p(a);"])))
def test_cutting_and_joining_gives_the_text_back(declarations: list[str], constraints: list[str]) -> None:
    text = "".join(f"{line}\n" for line in [*declarations, *constraints]) + "solve satisfy;\n"
    flat = FlatModel.parse("s", text)
    assert flat.text == text
    assert flat.constraints.splitlines() == constraints


def test_text_without_a_solve_item_is_refused() -> None:
    with pytest.raises(InputError, match="solve item"):
        FlatModel.parse("s", "var 0..1: a;\nconstraint int_le(a,1);\n")
