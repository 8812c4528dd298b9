"""`check_rule` passes the rules that ship, and finds what is wrong with rules that are wrong in one way each."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.rule_tests import check_rule
from chipzinc.rules.catalogue import Rule, all_rules, find_rule, read_rule
from chipzinc.solve import Session
from tests.rules.oracle import ORACLES

CASES = """
@allowed {chips: 2, edges: [a>b], chip: {a: 0, b: 1}}
@refused {chips: 2, edges: [a>b], chip: {a: 1, b: 0}}
"""
TRIED = {
    ("acyclic_dataflow", "gecode"),
    ("memory_capacity", "chuffed"),
    ("no_skipped_chips", "chuffed"),
    ("pinned", "gecode"),
    ("triangle_dependency", "chuffed"),
}
"""Rules that ship whose cases the fast tests try, each on one solver; their arrays are held to oracles beside."""
FORWARD = "[chip[edge_from[e]] <= chip[edge_to[e]] | e in EDGE]"

# Half-implied: `late` may be true wherever it likes, so a fixed assignment is valid or not at the solver's whim.
UNDETERMINED = """
  let { array[EDGE] of var bool: late; constraint forall(e in EDGE)(chip[edge_from[e]] > chip[edge_to[e]] -> late[e]) }
  in [not late[e] | e in EDGE]"""


def rule(folder: Path, array: str, *, cases: str = CASES, more: str = "") -> Rule:
    """A rule file `mine.mzn`."""
    file = folder / "mine.mzn"
    head = "function array[int] of var bool: mine(array[OP] of var CHIP: chip) ="
    file.write_text(f"/***\n@groupdef mine A rule of one's own.\n{cases}*/\n{head} {array};\n{more}\n")
    return read_rule(file)


def problems(session: Session, wrong: Rule, solver: str = "gecode") -> list[str]:
    return [problem for result in check_rule(session, wrong, solver) for problem in result.problems]


@pytest.mark.parametrize(
    ("name", "solver"),
    [
        pytest.param(each.name, solver, marks=[] if (each.name, solver) in TRIED else pytest.mark.slow)
        for each in all_rules()
        for solver in ("gecode", "chuffed")
    ],
)
def test_a_rule_that_ships_passes_its_own_cases(session: Session, name: str, solver: str) -> None:
    results = check_rule(session, find_rule(name), solver)
    assert len(results) >= 6
    assert {result.case.allowed for result in results} == {True, False}
    assert [result.problems for result in results if not result.passed] == []


def test_a_rule_that_ships_says_why_it_refuses() -> None:
    for name in ORACLES:
        assert all(case.because for case in find_rule(name).cases if not case.allowed)


@pytest.mark.parametrize("solver", ["chuffed", pytest.param("gecode", marks=pytest.mark.slow)])
def test_a_right_rule_without_a_lean_form_or_labels_passes(session: Session, tmp_path: Path, solver: str) -> None:
    assert problems(session, rule(tmp_path, FORWARD), solver) == []


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_a_rule_whose_array_the_chips_do_not_determine_is_rejected(
    session: Session, tmp_path: Path, solver: str
) -> None:
    found = problems(session, rule(tmp_path, UNDETERMINED), solver)
    assert "the array is not determined by the chips: one assignment, two truths" in found


def test_an_equivalence_in_place_of_the_implication_determines_the_same_rule(session: Session, tmp_path: Path) -> None:
    assert problems(session, rule(tmp_path, UNDETERMINED.replace("->", "<->"))) == []


def test_an_array_undetermined_only_while_chips_are_open_is_rejected(session: Session, tmp_path: Path) -> None:
    array = f"if forall(o in OP)(is_fixed(chip[o])) then {FORWARD} else {UNDETERMINED} endif"
    assert "not determined" in problems(session, rule(tmp_path, array))[0]


def test_an_array_without_a_value_is_rejected(session: Session, tmp_path: Path) -> None:
    array = f"let {{ constraint forall({FORWARD}) }} in {FORWARD}"
    assert problems(session, rule(tmp_path, array))[0] == "the array has no value for some assignment"


def test_a_wrong_verdict_names_what_the_array_says(session: Session, tmp_path: Path) -> None:
    found = problems(session, rule(tmp_path, FORWARD.replace("<=", "<")))
    assert found == []  # both cases hold for it as well
    found = problems(session, rule(tmp_path, FORWARD.replace("<=", ">=")))
    assert found == ["refused because of instance 1", "allowed"]


def test_a_refusal_for_another_reason_is_a_wrong_one(session: Session, tmp_path: Path) -> None:
    case = "@refused {chips: 2, edges: [a>b, a>c], chip: {a: 1, b: 0, c: 1}, because: [to c]}\n"
    labels = 'function array[int] of string: mine_labels() = ["to " ++ op_name[edge_to[e]] | e in EDGE];'
    assert problems(session, rule(tmp_path, FORWARD, cases=case, more=labels)) == [
        "refused because of to b, expected to c"
    ]


def test_a_lean_form_that_loses_solutions_is_rejected(session: Session, tmp_path: Path) -> None:
    lean = "predicate mine_enforce(array[OP] of var CHIP: chip) = forall(o in OP)(chip[o] = 0);"
    assert "solving loses {a: 0, b: 1}" in problems(session, rule(tmp_path, FORWARD, more=lean))[0]


def test_a_lean_form_that_leaves_too_much_is_rejected(session: Session, tmp_path: Path) -> None:
    lean = "predicate mine_enforce(array[OP] of var CHIP: chip) = true;"
    assert "solving leaves {a: 1, b: 0}" in problems(session, rule(tmp_path, FORWARD, more=lean))[0]


def test_a_lean_form_is_tried_beside_the_rules_it_leans_on(session: Session, tmp_path: Path) -> None:
    lean = f"""predicate mine_enforce(array[OP] of var CHIP: chip) =
      if dataflow_is_monotone then forall(o in OP)(chip[o] = 0) else forall({FORWARD}) endif;"""
    found = problems(session, rule(tmp_path, FORWARD, more=lean))
    assert found
    assert all(problem.startswith("solving beside acyclic_dataflow loses {a: 0, b: 1}") for problem in found)


def test_a_mistake_in_a_rule_is_told_with_its_file_and_line(session: Session, tmp_path: Path) -> None:
    wrong = rule(tmp_path, FORWARD, more="int: mine_twice = no_such_thing;")
    with pytest.raises(InputError, match="no_such_thing") as caught:
        check_rule(session, wrong, "gecode")
    assert caught.value.file == wrong.path
    assert caught.value.line == wrong.text.splitlines().index("int: mine_twice = no_such_thing;") + 1
    assert "_of_" not in str(caught.value)


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("{chips: 2, chip: {a: 2}}", "expected one of 0 to 1"),
        ("{chips: 0, chip: {}}", "expected a number of chips"),
        ("{chips: 2, chip: {a: 0}, sram: [1, 2, 3]}", "3 sizes of SRAM"),
        ("{chips: 2, chip: {a: 0}, parameters: {limit: 1}}", "no such parameter"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused_with_its_line(
    session: Session, tmp_path: Path, case: str, said: str
) -> None:
    wrong = rule(tmp_path, FORWARD, cases=f"@allowed {case}\n")
    with pytest.raises(InputError, match=said) as caught:
        check_rule(session, wrong, "gecode")
    assert (caught.value.file, caught.value.line) == (wrong.path, 3)
