"""verify, explain and repair of designs made by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chipzinc.resources import mzn_dir
from tests.cli.conftest import Cli


def design(folder: Path, assignment: dict[str, int], hardware: str = "mcm36-ring") -> Path:
    """A design for the diamond beside it, an op a line from line 4 on."""
    file = folder / "hand.yaml"
    lines = ["graph: {name: diamond, file: diamond.json.gz}", f"hardware: {hardware}", "assignment:"]
    file.write_text("\n".join([*lines, *(f"  {op}: {chip}" for op, chip in assignment.items()), ""]))
    return file


def test_verify_of_a_partial_design_judges_what_it_gives(cli: Cli, diamond: Path) -> None:
    fine = cli("verify", design(diamond.parent, {"op0": 0, "op3": 1}), "--json")
    assert (fine.status, fine.json["valid"], fine.json["open"], fine.json["interval_us"]) == (0, True, 2, None)
    wrong = cli("verify", design(diamond.parent, {"op0": 2, "op1": 1}), "--json")
    assert (wrong.status, wrong.json["valid"], wrong.json["open"]) == (1, False, 2)
    (violation,) = wrong.json["violations"]
    assert (violation["rule"], violation["ops"], violation["chips"]) == ("acyclic_dataflow", ["op0", "op1"], [2, 1])
    assert (violation["demand"], violation["limit"], violation["excess"], violation["unit"]) == (2, 1, 1, "chips")


def test_verify_tells_the_walk_of_chips_that_makes_a_triangle(cli: Cli, diamond: Path) -> None:
    ended = cli("verify", design(diamond.parent, {"op0": 0, "op1": 1, "op2": 0, "op3": 2}))
    assert ended.status == 1
    assert "triangle_dependency: 1 violated" in ended.out
    assert "reads from chip 0 and chip 1, and 0 feeds 1 feeds 2" in ended.out


def test_repair_moves_one_op_and_its_plan_verifies(cli: Cli, diamond: Path) -> None:
    hand, mended = design(diamond.parent, {"op0": 1, "op1": 0, "op2": 0, "op3": 0}), diamond.parent / "mended.yaml"
    answer = cli("repair", hand, "-o", mended, "--json").json
    assert (answer["valid"], answer["moved"], answer["bound"], answer["proven"]) == (True, 1, 1, True)
    assert answer["changes"] == [{"op": "op0", "from": 1, "to": 0}]
    assert cli("verify", mended).status == 0


def test_repair_completes_a_design_and_moves_nothing(cli: Cli, diamond: Path) -> None:
    answer = cli("repair", design(diamond.parent, {"op0": 0, "op3": 1}), "--json").json
    assert (answer["valid"], answer["moved"], answer["placed"], answer["bound"]) == (True, 0, 2, 0)


def test_repair_with_everything_pinned_in_a_wrong_place_is_a_clear_no(cli: Cli, diamond: Path) -> None:
    ended = cli("repair", design(diamond.parent, {"op0": 1, "op1": 0}), "--pin", "op[01]")
    assert ended.status == 1
    assert "no valid partition exists that keeps the 2 pinned ops" in ended.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--pin", "nobody"], "matches no op"),
        (["--pin", "("], "no regular expression"),
        (["--weight", "gold"], "--weight: expected ops, work, bytes"),
        (["--chips-down", "seven"], "--chips-down: expected the number of a chip"),
        (["--chips-down", "99"], "has no chip 99"),
        (["--links-down", "3"], "--links-down: expected a link such as 3-4"),
    ],
)
def test_repair_refuses_what_it_cannot_mean(cli: Cli, diamond: Path, options: list[str], told: str) -> None:
    ended = cli("repair", design(diamond.parent, {"op0": 0}), *options)
    assert ended.status == 2
    assert told in ended.err


def test_repair_after_a_chip_died_leaves_it_empty_and_the_plan_says_so(cli: Cli, diamond: Path) -> None:
    hand, mended = design(diamond.parent, {"op0": 0, "op1": 0, "op2": 0, "op3": 1}), diamond.parent / "mended.json"
    answer = cli("repair", hand, "--chips-down", "1", "-o", mended, "--json").json
    plan = json.loads(mended.read_text())
    assert answer["valid"]
    assert answer["moved"] >= answer["bound"] >= 1  # op3 was on chip 1
    assert plan["down"]["chips"] == [1]
    assert 1 not in plan["assignment"].values()
    assert cli("verify", mended).status == 0
    assert cli("verify", hand, "--chips-down", "1").status == 1


def test_explain_names_the_lines_of_the_spec_and_the_design(cli: Cli, diamond: Path) -> None:
    hand = design(diamond.parent, {"op0": 2, "op1": 1})
    ended = cli("explain", hand)
    assert ended.status == 1
    assert f"{hand}:4: op0 on chip 2" in ended.out
    assert f"{hand}:5: op1 on chip 1" in ended.out
    rule = mzn_dir() / "rules" / "acyclic_dataflow.mzn"
    line = next(n for n, text in enumerate(rule.read_text().splitlines(), 1) if "acyclic_dataflow(array" in text)
    assert f"mcm36-ring.yaml:30: rule acyclic_dataflow ({rule}:{line})" in ended.out
    assert "nothing can be left out" in ended.out
    assert "Moving 1 op makes it valid (that fewer cannot is proven)" in ended.out


def test_explain_of_what_can_be_partitioned_has_nothing_to_say(cli: Cli, diamond: Path) -> None:
    answer = cli("explain", diamond, "--hw", "mcm36-ring", "--json")
    assert (answer.status, answer.json["valid"], answer.json["conflicts"]) == (0, True, [])


@pytest.mark.slow
def test_explain_names_the_pins_of_a_spec_that_clash(cli: Cli, diamond: Path) -> None:
    spec = diamond.parent / "mine.yaml"
    text = Path(__file__).parents[2].joinpath("hw_specs", "mcm16-ring.yaml").read_text()
    text = text.replace("count: 16", "count: 3")
    pins = "  - name: pinned\n    parameters:\n      pins:\n        op0: 0\n        op1: 1\n        op3: 0\n"
    spec.write_text(text.rstrip() + "\n" + pins)
    line = len(text.rstrip().splitlines())
    answer = cli("explain", diamond, "--hw", spec, "--json", "--time-limit", "2min").json
    (conflict,) = answer["conflicts"]
    entries = {member["entry"]: member["line"] for member in conflict["members"] if member["kind"] == "parameter"}
    assert entries == {"op1: 1": line + 5, "op3: 0": line + 6}


@pytest.mark.parametrize("command", ["verify", "explain", "repair"])
@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("graph: nobody\nhardware: mcm36-ring\n", "hand.yaml:1:8: graph.name: the model zoo has no graph 'nobody'"),
        ("graph: {name: a, file: b.json.gz}\nhardware: mcm36-ring\n", "hand.yaml:1:24: graph.file: "),
        ("graph: lenet5\nhardware: other.yaml\n", "hand.yaml:2:11: hardware: other.yaml: no such hardware spec file"),
        ("graph: lenet5\nhardware: mcm37-ring\n", "hand.yaml:2:11: hardware: no hardware spec 'mcm37-ring'"),
    ],
)
def test_what_a_design_names_and_is_not_there_is_told_at_its_line(
    cli: Cli, tmp_path: Path, command: str, named: str, told: str
) -> None:
    hand = tmp_path / "hand.yaml"
    hand.write_text(named)
    ended = cli(command, hand)
    assert ended.status == 2
    assert told in ended.err


@pytest.mark.parametrize("name", ["gone.yaml", "gone.csv", "."])
def test_explain_tells_of_a_design_that_is_missing_as_of_a_design(cli: Cli, tmp_path: Path, name: str) -> None:
    ended = cli("explain", tmp_path / name / "x.yaml" if name == "." else tmp_path / name)
    assert ended.status == 2
    assert "cannot be read" in ended.err


def test_watch_checks_again_after_a_save(diamond: Path) -> None:
    hand = design(diamond.parent, {"op0": 1, "op1": 0})
    command = [sys.executable, "-m", "chipzinc", "verify", str(hand), "--watch"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as ran:
        assert ran.stdout is not None
        try:
            assert any("Not valid" in line for line in ran.stdout)
            time.sleep(0.1)
            design(diamond.parent, {"op0": 0, "op1": 0})
            assert any("Nothing violated so far" in line for line in ran.stdout)
        finally:
            ran.terminate()
