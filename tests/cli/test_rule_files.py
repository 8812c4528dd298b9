"""Rules that users write: new, lint, and what is told of their faults wherever they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.rules.catalogue import all_rules
from tests.cli.conftest import Cli

SPEC = """\
name: mine
chips:
  - {class: c, count: 3, peak: 1 TOPS, sram: 1 kB, sram_bandwidth: 1 GB/s}
topology: {kind: ring-one-way, link_bandwidth: 1 GB/s}
rules:
  - acyclic_dataflow
"""
FUNCTION = "function array[int] of var bool: my_rule(array[OP] of var CHIP: chip) =\n"


def spec(folder: Path, *rules: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(SPEC + "".join(f"  - {rule}\n" for rule in rules))
    return file


def test_a_new_rule_is_without_fault_and_its_cases_pass(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("rules", "new", "few_kinds").status == 0
    linted = cli("rules", "lint", "few_kinds.mzn", "--json")
    assert (linted.status, linted.json["rules"][0]["findings"]) == (0, [])
    tried = cli("rules", "test", "few_kinds", "--hw", spec(tmp_path), "--solver", "gecode", "--json")
    assert (tried.status, {one["cases"] for one in tried.json["rules"]}) == (0, {6})


def test_a_new_rule_is_enforced_and_verified_with_parameters_from_the_spec(
    cli: Cli, diamond: Path, tmp_path: Path
) -> None:
    cli("rules", "new", "few_kinds", "-o", tmp_path)
    hardware = spec(tmp_path, "{name: few_kinds, parameters: {kind: add, limit: 2}}")
    made = cli("partition", diamond, "--hw", hardware, "--json")
    assert (made.status, made.json["rules"]["few_kinds"]) == (0, 0)
    assert made.json["chips_used"] >= 2
    design = tmp_path / "design.csv"
    design.write_text("op,chip\nop0,1\nop1,1\nop2,1\nop3,2\n")
    judged = cli("verify", design, "--graph", diamond, "--hw", hardware, "--json")
    assert (judged.status, judged.json["rules"]) == (1, {"acyclic_dataflow": 0, "few_kinds": 1})


def test_a_soft_rule_has_its_penalty_reported_apart(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    cli("rules", "new", "few_kinds", "-o", tmp_path)
    rule = "{name: few_kinds, parameters: {kind: add, limit: 2}, soft_weight: 2.5}"
    design = tmp_path / "design.csv"
    design.write_text("op,chip\nop0,1\nop1,1\nop2,1\nop3,1\n")
    judged = cli("verify", design, "--graph", diamond, "--hw", spec(tmp_path, rule), "--json")
    assert (judged.status, judged.json["valid"], judged.json["penalty"]) == (0, True, 2.5)


def test_a_rule_with_auxiliaries_of_its_own_judges_designs_in_part(
    cli: Cli, diamond: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPZINC_MINIZINC", raising=False)  # MiniZinc 2.9 refuses such auxiliaries
    auxiliaries = "  let { var int: all; constraint all = sum(chip) } in [chip[o] <= 1 /\\ all >= 0 | o in OP];\n"
    (tmp_path / "my_rule.mzn").write_text(FUNCTION + auxiliaries)
    hardware = spec(tmp_path, "my_rule")
    design = tmp_path / "design.csv"
    for text, status in (("op,chip\nop0,0\nop1,1\n", 0), ("op,chip\nop0,0\nop1,2\n", 1)):
        design.write_text(text)
        judged = cli("verify", design, "--graph", diamond, "--hw", hardware, "--json")
        assert (judged.status, judged.json["open"]) == (status, 2), judged.err


def test_a_rule_may_not_take_the_name_of_one_that_ships(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    posing = tmp_path / "acyclic_dataflow.mzn"
    posing.write_text(FUNCTION.replace("my_rule", "acyclic_dataflow") + "  [chip[o] = 0 | o in OP];\n")
    for command in (["partition", diamond, "--hw", spec(tmp_path)], ["rules", "lint", posing]):
        ended = cli(*command)
        assert ended.status == 2
        assert "'acyclic_dataflow' is a rule that ships: expected another name" in ended.err


def test_a_rule_without_end_and_labels_that_are_too_few_are_told_with_the_rules_file(
    cli: Cli, diamond: Path, tmp_path: Path
) -> None:
    rule, design = tmp_path / "my_rule.mzn", tmp_path / "design.csv"
    design.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,0\n")
    for text, status, told in (
        ("  my_rule(chip);\n", 3, f"{rule} seems to call itself without an end"),
        (
            '  [chip[o] = 0 | o in OP];\nfunction array[int] of string: my_rule_labels() = ["one"];\n',
            2,
            f"{rule}:3: 1 label for 4 instances: expected one each",
        ),
    ):
        rule.write_text(FUNCTION + text)
        ended = cli("verify", design, "--graph", diamond, "--hw", spec(tmp_path, "my_rule"))
        assert ended.status == status
        assert told in ended.err


def test_culprits_of_a_rule_whose_labels_interpolate_names_are_named_and_their_conflict_is_minimal(
    cli: Cli, diamond: Path, tmp_path: Path
) -> None:
    labels = r'["\(op_name[o]) is late" | o in OP]'
    case = "/*** @refused {chips: 3, chip: {a: 2, b: 0}, because: [a is late]} */\n"
    (tmp_path / "my_rule.mzn").write_text(
        f"{case}{FUNCTION}  [chip[o] <= 1 | o in OP];\nfunction array[int] of string: my_rule_labels() = {labels};\n"
    )
    hardware = spec(tmp_path, "my_rule")
    tried = cli("rules", "test", "my_rule", "--hw", hardware, "--solver", "gecode", "--json")
    assert tried.json["rules"][0]["failures"] == []
    design = tmp_path / "design.csv"
    design.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,2\n")
    (violation,) = cli("verify", design, "--graph", diamond, "--hw", hardware, "--json").json["violations"]
    assert (violation["label"], violation["ops"]) == ("op3 is late", ["op3"])
    (conflict,) = cli("explain", design, "--graph", diamond, "--hw", hardware, "--json").json["conflicts"]
    (rule,) = (member for member in conflict["members"] if member["kind"] == "rule")
    assert (rule["rule_file"], rule["rule_line"]) == (str(tmp_path / "my_rule.mzn"), 2)
    assert {member.get("op") for member in conflict["members"]} == {None, "op3"}


@pytest.mark.parametrize("name", ["My_Rule", "a/b", "../a", "if", "hops", "pinned", "x_labels", ""])
def test_a_name_that_no_rule_can_have_is_refused(cli: Cli, tmp_path: Path, name: str) -> None:
    ended = cli("rules", "new", name, "-o", tmp_path)
    assert ended.status == 2
    assert not list(tmp_path.iterdir())


def test_a_rule_that_is_there_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.mzn").write_text("precious")
    assert cli("rules", "new", "mine", "-o", tmp_path).status == 2
    assert (tmp_path / "mine.mzn").read_text() == "precious"


FAULTS = {
    "syntax": (FUNCTION + "  [chip[o] <= | o in OP];\n", (2, 15), "syntax error"),
    "undefined": (FUNCTION + "  [chip[o] <= limmit | o in OP];\n", (2, 15), "undefined identifier `limmit'"),
    "type": (FUNCTION + "  [chip[o] ++ 1 | o in OP];\n", (2, 4), "type error"),
    "par argument": (FUNCTION.replace("var CHIP", "CHIP") + "  [chip[o] <= 1 | o in OP];\n", (1, 34), "expected 'func"),
    "result": (FUNCTION.replace("var bool", "var int") + "  [chip[o] | o in OP];\n", (1, 33), "expected 'function"),
    "lean form": (
        FUNCTION + "  [chip[o] <= 1 | o in OP];\npredicate my_rule_enforce(int: x) = true;\n",
        (3, 11),
        "expected 'predicate my_rule_enforce(",
    ),
    "labels": (
        FUNCTION + "  [chip[o] <= 1 | o in OP];\nfunction array[int] of int: my_rule_labels() = [1];\n",
        (3, 29),
        "expected 'function array[int] of string: my_rule_labels()'",
    ),
    "solve item": (FUNCTION + "  [chip[o] <= 1 | o in OP];\nsolve satisfy;\n", (3, 1), "no solve item"),
    "assertion": (FUNCTION + '  [assert(n_chips > 100, "too few", chip[o] <= 1) | o in OP];\n', (2, 11), "too few"),
}
ONLY_WITH_VALUES = {"assertion"}  # lint tries values only where a file has cases


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - ONLY_WITH_VALUES))
def test_lint_points_into_the_users_file(cli: Cli, tmp_path: Path, fault: str) -> None:
    text, place, message = FAULTS[fault]
    file = tmp_path / "my_rule.mzn"
    file.write_text(text)
    ended = cli("rules", "lint", file, "--json")
    (finding,) = ended.json["rules"][0]["findings"]
    assert (ended.status, finding["severity"]) == (1, "error")
    assert (finding["line"], finding["column"]) == place
    assert message in finding["message"]


def test_lint_draws_a_caret_below_the_fault(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "my_rule.mzn"
    file.write_text(FAULTS["undefined"][0])
    shown = cli("rules", "lint", file).out.splitlines()
    assert shown[0].startswith(f"{file}:2:15: error: ")
    assert shown[1][shown[2].index("^") :].startswith("limmit")


def test_lint_warns_of_an_index_out_of_bounds_and_of_what_is_missing(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "my_rule.mzn"
    case = "/*** Mine.\n@allowed {chips: 2, chip: {a: 0}}\n*/\n"
    file.write_text(case + FUNCTION + "  [chip[o + 1] <= 1 | o in OP];\n")
    ended = cli("rules", "lint", file, "--json")
    assert ended.status == 0
    findings = {(one["severity"], one["line"]): one["message"] for one in ended.json["rules"][0]["findings"]}
    assert "out of bounds" in findings["warning", 5]
    assert "@refused" in findings["warning", None]


@pytest.mark.parametrize("names", [["triangle_dependency"], ["pinned"], pytest.param([], marks=pytest.mark.slow)])
def test_rules_that_ship_are_without_a_finding(cli: Cli, names: list[str]) -> None:
    ended = cli("rules", "lint", *names, "--json")
    assert [(rule["rule"], rule["findings"]) for rule in ended.json["rules"] if rule["findings"]] == []
    assert (ended.status, len(ended.json["rules"])) == (0, len(names) or len(all_rules()))


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"labels"}))
def test_partition_points_into_the_users_file(cli: Cli, diamond: Path, tmp_path: Path, fault: str) -> None:
    text, (line, column), message = FAULTS[fault]
    file = tmp_path / "my_rule.mzn"
    file.write_text(text)
    ended = cli("partition", diamond, "--hw", spec(tmp_path, "my_rule"))
    assert ended.status == 2
    told, source, caret = ended.err.splitlines()[-3:]
    assert told.startswith(f"chipzinc: error: {file}:{line}:{column}: ")
    assert message in told
    assert source.strip() == text.splitlines()[line - 1].strip()
    assert caret.index("^") - 4 == column - 1


PARAMETERS = {
    "pins: {nowhere: 0}": ("nowhere", "'nowhere' matches no op"),
    "pins: {op0: 7}": ("op0: 7", "there is no chip 7: expected one of 0 to 2"),
    "pins: {'op[': 0}": ("'op['", "no regular expression"),
    "pins: op0": ("pins", "expected a list or a mapping"),
    "pins: [[op0]]": ("[op0]", "expected a list of 2 values"),
    "pins: [[op0, 1.5]]": ("1.5", "expected a whole number"),
    "pins: [[op0, .nan]]": (".nan", "expected a number"),
    "chips: 1": ("chips: 1", "its parameters: pins"),
}


@pytest.mark.parametrize("given", PARAMETERS)
def test_a_wrong_parameter_is_pointed_at_in_the_spec(cli: Cli, diamond: Path, tmp_path: Path, given: str) -> None:
    pointed, message = PARAMETERS[given]
    hardware = spec(tmp_path, f"{{name: pinned, parameters: {{{given}}}}}")
    ended = cli("partition", diamond, "--hw", hardware)
    assert ended.status == 2
    told, source, caret = ended.err.splitlines()[-3:]
    assert message in told
    assert f"{hardware}:7:" in told
    assert source[caret.index("^") :].startswith(pointed)


def test_a_missing_parameter_is_told_with_its_type(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    ended = cli("partition", diamond, "--hw", spec(tmp_path, "colocated"))
    assert ended.status == 2
    assert "rules.colocated.groups: expected a value of type array[int] of set of OP" in ended.err
