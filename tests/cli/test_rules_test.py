"""`chipzinc rules test`: exit codes, its JSON, and where it says that a rule is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.solve.toolchain import is_found
from tests.cli.conftest import Cli

RULE = """\
/***
@groupdef mine A rule of one's own.
{cases}
*/
function array[int] of var bool: mine(array[OP] of var CHIP: chip) =
  [chip[edge_from[e]] {relation} chip[edge_to[e]] | e in EDGE];
"""
CASES = "@allowed {chips: 2, edges: [a>b], chip: {a: 0, b: 1}}\n@refused {chips: 2, edges: [a>b], chip: {a: 1, b: 0}}"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec, with a right rule `mine` beside it."""
    (tmp_path / "mine.mzn").write_text(RULE.format(cases=CASES, relation="<="))
    (tmp_path / "mine.yaml").write_text("name: mine\n")
    return tmp_path / "mine.yaml"


def test_a_right_rule_is_exit_0_on_every_solver_found(cli: Cli, spec: Path) -> None:
    ended = cli("rules", "test", "mine", "--hw", spec, "--json")
    assert ended.status == 0
    assert ended.json["passed"]
    found = ["gecode", "chuffed", *(["cp-sat"] if is_found("cp-sat") else [])]
    assert [(one["solver"], one["cases"]) for one in ended.json["rules"]] == [(solver, 2) for solver in found]


def test_a_solver_that_cannot_take_the_models_is_told_to_be_such_a_one(cli: Cli, spec: Path) -> None:
    ended = cli("rules", "test", "mine", "--hw", spec, "--solver", "highs")
    assert ended.status == 3
    assert "integer-programming solvers such as HiGHS cannot take these models" in ended.err


def test_a_wrong_rule_is_exit_1_and_its_cases_are_named_by_line(cli: Cli, spec: Path) -> None:
    rule = spec.with_suffix(".mzn")
    rule.write_text(RULE.format(cases=CASES, relation=">="))
    ended = cli("rules", "test", "mine", "--hw", spec, "--solver", "gecode")
    assert ended.status == 1
    assert f"{rule}:3: refused because of instance 1 (gecode)" in ended.out
    assert f"{rule}:4: allowed (gecode)" in ended.out


def test_a_false_claim_to_be_hereditary_is_exit_1_and_says_what_is_refused_without_which_op(
    cli: Cli, spec: Path
) -> None:
    rule = spec.with_suffix(".mzn")
    text = RULE.format(cases="@hereditary so it says\n" + CASES, relation="<=")
    rule.write_text(text.replace("| e in EDGE]", "| e in EDGE] ++ [exists(o in OP)(chip[o] = 0)]"))
    ended = cli("rules", "test", "mine", "--hw", spec, "--solver", "gecode")
    assert ended.status == 1
    assert "not @hereditary: without the op 'a' it refuses {b: 1}" in ended.out


def test_a_rule_without_cases_is_exit_1(cli: Cli, spec: Path) -> None:
    spec.with_suffix(".mzn").write_text(RULE.format(cases=CASES.splitlines()[0], relation="<="))
    ended = cli("rules", "test", "mine", "--hw", spec, "--solver", "gecode", "--json")
    assert ended.status == 1
    assert ended.json["rules"][0]["missing"] == ["@refused"]


def test_a_rule_that_does_not_compile_is_exit_2_with_its_line(cli: Cli, spec: Path) -> None:
    rule = spec.with_suffix(".mzn")
    rule.write_text(RULE.format(cases=CASES, relation="<=") + "int: mine_x = nothing;\n")
    ended = cli("rules", "test", "mine", "--hw", spec, "--solver", "gecode")
    assert ended.status == 2
    assert f"chipzinc: error: {rule}:8:" in ended.err
