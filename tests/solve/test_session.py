"""Requests through a session, the same on every kind of MiniZinc."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from chipzinc.errors import InputError, SolverError
from chipzinc.solve import Message, Session, Solution, SolveRequest, Status, Text, Toolchain
from tests.solve.conftest import HARD, IMPROVING, QUEENS, SLOW_TO_COMPILE


def queens(solver: str, n: int = 6, **wanted: object) -> SolveRequest:
    data = Text("board.json", f'{{"n": {n}}}')
    return SolveRequest(solver=solver, models=(Text("queens.mzn", QUEENS),), data=(data,), **wanted)  # type: ignore[arg-type]


def model(solver: str, text: str, **wanted: object) -> SolveRequest:
    return SolveRequest(solver=solver, models=(Text("model.mzn", text),), **wanted)  # type: ignore[arg-type]


def solutions(session: Session, request: SolveRequest) -> list[dict[str, object]]:
    return [dict(event.values) for event in session.solve(request) if isinstance(event, Solution)]


def status(session: Session, request: SolveRequest) -> Status:
    *_, last = session.solve(request)
    assert isinstance(last, Status)
    return last


def test_a_static_search_finds_the_lexicographically_first_solution(session: Session, solver: str) -> None:
    assert solutions(session, queens(solver)) == [{"q": [2, 4, 6, 1, 3, 5]}]


def test_six_queens_have_four_solutions_in_order(session: Session, solver: str) -> None:
    found = [each["q"] for each in solutions(session, queens(solver, all_solutions=True))]
    assert found == [[2, 4, 6, 1, 3, 5], [3, 6, 2, 5, 1, 4], [4, 1, 5, 2, 6, 3], [5, 3, 1, 6, 4, 2]]
    assert status(session, queens(solver, all_solutions=True)).name == "ALL_SOLUTIONS"


def test_a_second_solve_is_not_touched_by_the_first(session: Session) -> None:
    # A reused WebAssembly Chuffed answers the second question with more than was asked, or breaks.
    for _ in range(3):
        assert solutions(session, queens("chuffed")) == [{"q": [2, 4, 6, 1, 3, 5]}]


def test_three_queens_are_proven_impossible(session: Session, solver: str) -> None:
    end = status(session, queens(solver, n=3))
    assert end.name == "UNSATISFIABLE"
    assert end.conclusive
    assert not end.timed_out


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_a_constraint_that_fails_when_it_is_posted_is_a_proof(embedded_toolchain: Toolchain, solver: str) -> None:
    # Chuffed then ends before any search, in words of its own; Debian's, built with assertions, aborts.
    text = """\
var {2}: i;
var 1..2: j;
array[1..2] of var bool: b;
constraint b[j] /\\ j = i;
constraint not (b[2] /\\ b[1]) /\\ not (b[2] /\\ not b[1]);
solve satisfy;
"""
    with Session(embedded_toolchain) as session:
        assert status(session, model(solver, text)).name == "UNSATISFIABLE"


def test_improvements_arrive_in_order_with_their_objective(session: Session, solver: str) -> None:
    # Chuffed leaps to the best value of an objective that is searched itself.
    text = "var 0..5: x; var int: score = 2 * x; solve :: int_search([x], input_order, indomain_min) maximize score;"
    events = list(session.solve(model(solver, text)))
    found = [event for event in events if isinstance(event, Solution)]
    assert [event.values["x"] for event in found] == [0, 1, 2, 3, 4, 5]
    assert [event.values["_objective"] for event in found] == [0, 2, 4, 6, 8, 10]
    assert [event.seconds for event in found] == sorted(event.seconds for event in found)
    assert isinstance(events[-1], Status)
    assert events[-1].name == "OPTIMAL_SOLUTION"


def test_the_first_improvement_is_handed_out_while_the_search_goes_on(session: Session, solver: str) -> None:
    events = session.solve(model(solver, IMPROVING, time_limit_s=30.0))
    first = next(event for event in events if isinstance(event, Solution))
    events.close()  # type: ignore[attr-defined]
    assert first.seconds < 20


def test_sets_enums_and_two_dimensional_arrays_keep_their_form(session: Session, solver: str) -> None:
    text = """\
    enum COLOUR = {RED, GREEN};
    array[1..2, 1..2] of var 1..4: square;
    var COLOUR: colour;
    set of int: fixed = {1, 2, 3, 7};
    constraint square[1, 1] = 1 /\\ square[1, 2] = 2 /\\ square[2, 1] = 3 /\\ square[2, 2] = 4 /\\ colour = GREEN;
    solve satisfy;
    """
    assert solutions(session, model(solver, text)) == [{"square": [[1, 2], [3, 4]], "colour": "GREEN"}]


def test_models_in_folders_with_spaces_include_files_beside_them(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "my models (new) é%20"
    (folder / "parts").mkdir(parents=True)
    (folder / "main.mzn").write_text(
        '% include "absent.mzn";\ninclude "parts/limits.mzn";\nvar 1..top: x; solve maximize x;'
    )
    (folder / "parts" / "limits.mzn").write_text('include "more limits.mzn"; int: top = bottom + 2;')
    (folder / "parts" / "more limits.mzn").write_text("int: bottom;")
    (folder / "the data.dzn").write_text("bottom = 5;")
    request = SolveRequest(solver="chuffed", models=(folder / "main.mzn",), data=(folder / "the data.dzn",))
    assert solutions(session, request)[-1]["x"] == 7


def test_included_files_are_found_in_the_search_folders(session: Session, tmp_path: Path) -> None:
    rules = tmp_path / "my rules"
    rules.mkdir()
    (rules / "rule.mzn").write_text("predicate rule(var int: x) = x > 2;")
    text = 'include "rule.mzn"; var 1..3: x; constraint rule(x); solve satisfy;'
    empty = tmp_path / "empty"
    empty.mkdir()
    assert solutions(session, model("chuffed", text, include_dirs=(empty, rules))) == [{"x": 3}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("var 1..3: x;\nconstraint x + ;\nsolve satisfy;", 2, "syntax error"),
        ("var 1..3: x;\n\nconstraint x > nowhere;\nsolve satisfy;", 3, "nowhere"),
        ('var 1..3: x;\nconstraint assert(false, "wrong number");\nsolve satisfy;', 2, "wrong number"),
        ('include "absent_file.mzn";\nsolve satisfy;', 1, "absent_file.mzn"),
    ],
)
def test_a_faulty_model_is_bad_input_with_its_place(session: Session, text: str, line: int, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        list(session.solve(model("chuffed", text)))
    assert caught.value.file == "model.mzn"
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_fault_in_an_included_file_is_told_with_that_file(session: Session, tmp_path: Path) -> None:
    (tmp_path / "main.mzn").write_text('include "rule.mzn"; solve satisfy;')
    rule = tmp_path / "rule.mzn"
    rule.write_text("% a rule\nvar 1..3: x;\nconstraint x > ghost;\n")
    with pytest.raises(InputError, match="ghost") as caught:
        list(session.solve(SolveRequest(solver="chuffed", models=(tmp_path / "main.mzn",))))
    assert (caught.value.file, caught.value.line, caught.value.column) == (str(rule), 3, 16)


def test_missing_data_is_bad_input(session: Session) -> None:
    with pytest.raises(InputError, match="n"):
        list(session.solve(model("chuffed", QUEENS)))


def test_a_warning_is_an_event_and_does_not_stop_the_run(session: Session) -> None:
    text = "var 1..3: x; constraint x = [1, 2][3] \\/ x = 3; solve satisfy;"
    events = list(session.solve(model("chuffed", text)))
    assert any(isinstance(event, Message) and event.text for event in events)
    assert [event.values for event in events if isinstance(event, Solution)] == [{"x": 3}]


@pytest.mark.parametrize("text", [HARD, SLOW_TO_COMPILE], ids=["search", "compilation"])
def test_a_run_ends_at_most_two_seconds_past_its_limit(session: Session, solver: str, text: str) -> None:
    begin = time.monotonic()
    end = status(session, model(solver, text, time_limit_s=1.5))
    assert time.monotonic() - begin < 1.5 + 2
    assert end.name == "UNKNOWN"
    assert end.timed_out


def test_compiling_alone_keeps_the_limit_too(session: Session) -> None:
    begin = time.monotonic()
    with pytest.raises(SolverError, match=r"within the 1 s"):
        session.flatten(model("chuffed", SLOW_TO_COMPILE, time_limit_s=1.0))
    assert time.monotonic() - begin < 1 + 2


def test_solutions_before_the_limit_are_kept(session: Session, solver: str) -> None:
    events = list(session.solve(model(solver, IMPROVING, time_limit_s=4.0)))
    assert any(isinstance(event, Solution) for event in events)
    assert isinstance(events[-1], Status)
    assert events[-1].name == "SATISFIED"
    assert events[-1].timed_out


def test_flags_a_solver_does_not_know_are_left_out(session: Session, solver: str) -> None:
    request = queens(solver, free_search=True, processes=2, random_seed=7, statistics=True)
    assert len(solutions(session, request)) == 1


def test_a_missing_solver_is_told_with_those_there_are(session: Session) -> None:
    with pytest.raises(SolverError, match=r"no solver 'gurobi' in .*Chuffed"):
        list(session.solve(queens("gurobi")))


def test_runs_in_threads_do_not_mix(session: Session) -> None:
    found: dict[int, list[dict[str, object]]] = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: solutions(session, queens("chuffed", n=n))}))
        for n in (4, 5, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: len(each[0]["q"]) for n, each in found.items()} == {4: 4, 5: 5, 6: 6}  # type: ignore[arg-type]


def test_a_closed_session_refuses(toolchain: Toolchain) -> None:
    with Session(toolchain) as opened:
        pass
    with pytest.raises(SolverError, match="closed"):
        list(opened.solve(queens("chuffed")))


def test_a_session_closed_by_another_thread_ends_a_run_with_an_error(toolchain: Toolchain) -> None:
    opened = Session(toolchain)
    closer = threading.Timer(1.5, opened.close)
    closer.start()
    with pytest.raises(SolverError):
        list(opened.solve(model("chuffed", HARD, time_limit_s=60.0)))
    closer.join()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"time_limit_s": 0.0}, "time_limit_s"),
        ({"time_limit_s": float("nan")}, "time_limit_s"),
        ({"solutions": 0}, "solutions"),
    ],
)
def test_impossible_wishes_are_bad_input(wanted: dict[str, object], field: str) -> None:
    with pytest.raises(InputError, match=field):
        queens("chuffed", **wanted)


def test_a_request_needs_a_model() -> None:
    with pytest.raises(InputError, match="models or a flat model"):
        SolveRequest(solver="chuffed")
