"""`chipzinc partition` on a small graph: its plan, its JSON, and how it ends."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from chipzinc.cli.partition import FIELDS
from chipzinc.graph.io import load_graph_file
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import Noisy
from chipzinc.plans.files import load_design
from chipzinc.recipe import partition
from chipzinc.solve import Session
from tests.cli.conftest import Cli

HARDWARE = ("--hw", "mcm36-ring")


def test_a_partition_is_valid_and_its_json_says_what_is_documented(cli: Cli, diamond: Path) -> None:
    ended = cli("partition", diamond, *HARDWARE, "--json")
    assert ended.status == 0
    assert set(FIELDS) <= ended.json.keys()
    assert ended.json["valid"] is True
    assert ended.json["interval_us"] == pytest.approx(ended.json["bound_us"] * (1 + ended.json["gap"]))
    seconds = ended.json["seconds"]
    assert {"import", "render", "solve", "score", "total"} <= seconds.keys()
    assert 0 < seconds["solve"] < seconds["total"]


def test_a_plan_is_verified_with_the_interval_it_carries(cli: Cli, diamond: Path) -> None:
    plan = diamond.parent / "out" / "plan.yaml"
    plan.parent.mkdir()
    made = cli("partition", diamond, *HARDWARE, "-o", plan, "--json").json
    judged = cli("verify", plan, "--json")
    assert judged.status == 0
    assert judged.json["interval_us"] == made["interval_us"]


def test_a_valid_plan_given_as_hint_comes_back_unchanged(cli: Cli, diamond: Path) -> None:
    hint, plan = diamond.parent / "hint.csv", diamond.parent / "plan.json"
    hint.write_text("op,chip\nop0,0\nop1,1\nop2,1\nop3,2\n")
    answer = cli("partition", diamond, *HARDWARE, "--mode", "fix", "--hints", hint, "-o", plan, "--json").json
    assert (answer["moved"], answer["samples"]) == (0, 1)
    assert load_design(plan).plan.assignment == load_design(hint).plan.assignment


def test_a_plan_is_not_written_where_nothing_was_found(cli: Cli, diamond: Path) -> None:
    plan = diamond.parent / "plan.yaml"
    ended = cli("partition", diamond, *HARDWARE, "--mode", "fix", "--time-limit", "1ns", "-o", plan, "--json")
    assert ended.status == 3
    assert ended.json["valid"] is None
    assert set(FIELDS) <= ended.json.keys()
    assert not plan.exists()


def test_optimising_tells_the_best_bound_and_every_best_partition_in_its_turn(cli: Cli, diamond: Path) -> None:
    ended = cli("partition", diamond, *HARDWARE, "--mode", "optimise", "--hints", "random", "--iterations", 5, "--json")
    assert ended.status == 0
    assert set(FIELDS) <= ended.json.keys()
    intervals = [each["interval_us"] for each in ended.json["incumbents"]]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[-1] == ended.json["interval_us"] >= ended.json["bound_us"]
    assert ended.json["proven"] is True


def test_the_objective_of_the_command_line_is_what_is_minimised(cli: Cli, diamond: Path) -> None:
    ended = cli("partition", diamond, *HARDWARE, "--objective", "chips_used", "--iterations", 5, "--json")
    assert (ended.json["chips_used"], ended.json["objective_values"]) == (1, [1])


@pytest.mark.parametrize(
    "wrong", [("--mode", "best"), ("--objective", "speed"), ("--mode", "fix", "--iterations", "3")]
)
def test_what_optimising_cannot_do_is_refused(cli: Cli, diamond: Path, wrong: tuple[str, ...]) -> None:
    ended = cli("partition", diamond, *HARDWARE, *wrong)
    assert ended.status == 2
    assert ended.err.count("\n") == 1


def test_hints_that_do_not_exist_are_bad_input(cli: Cli, diamond: Path) -> None:
    ended = cli("partition", diamond, *HARDWARE, "--hints", "oracle")
    assert ended.status == 2
    assert "--hints" in ended.err


def test_a_solver_that_is_not_there_is_no_answer_and_says_which_are(cli: Cli, diamond: Path) -> None:
    ended = cli("partition", diamond, *HARDWARE, "--solver", "no-such-solver")
    assert ended.status == 3
    assert "no-such-solver" in ended.err
    assert ended.err.count("\n") == 1


def test_a_foreign_judge_is_given_a_plan_and_leaves_no_bound(cli: Cli, diamond: Path) -> None:
    judge = diamond.parent / "judge.py"
    judge.write_text(
        f"#!{sys.executable}\nimport json, sys\nplan = json.load(sys.stdin)\n"
        "print(json.dumps({'interval_us': 1000 + len(plan['assignment'])}))\n"
    )
    judge.chmod(judge.stat().st_mode | stat.S_IXUSR)
    answer = cli("partition", diamond, *HARDWARE, "--evaluate-with", judge, "--json").json
    assert answer["interval_us"] == 1004
    assert answer["bound_us"] is None
    assert answer["gap"] is None


def test_a_plan_beside_its_graph_moves_with_it(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    cli("partition", diamond, *HARDWARE, "-o", diamond.parent / "plan.yaml")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("plan.yaml", diamond.name):
        (diamond.parent / name).rename(elsewhere / name)
    assert cli("verify", elsewhere / "plan.yaml").status == 0


def test_an_edited_plan_is_scored_anew(cli: Cli, diamond: Path) -> None:
    plan = diamond.parent / "plan.json"
    cli("partition", diamond, *HARDWARE, "-o", plan)
    edited = json.loads(plan.read_text())
    edited["assignment"] |= {"op0": 0, "op1": 0, "op2": 0, "op3": 0}
    edited["score"]["interval_us"] = -1
    plan.write_text(json.dumps(edited))
    judged = cli("verify", plan, "--json")
    assert judged.status == 0
    assert judged.json["interval_us"] > 0


def test_ctrl_c_keeps_the_best_partition_so_far(diamond: Path) -> None:
    def stop(step: str) -> None:
        if step.startswith("corrected 2 of"):
            raise KeyboardInterrupt

    graph, package = load_graph_file(diamond), load_spec("mcm36-ring")
    with Session(solver="gecode") as session:
        found = partition(
            graph, package, session=session, hints=Noisy(), solver="gecode", samples=5, mode="sample", progress=stop
        )
    assert found.interrupted
    assert found.verdict.valid
    assert (found.samples, found.timed_out) == (2, 3)


def test_ctrl_c_before_anything_was_found_is_exit_130_without_a_plan(
    cli: Cli, diamond: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("chipzinc.recipe.settle", interrupted)
    plan = diamond.parent / "plan.yaml"
    ended = cli("partition", diamond, *HARDWARE, "--mode", "fix", "-o", plan)
    assert (ended.status, ended.err) == (130, "chipzinc: error: interrupted\n")
    assert not plan.exists()


def test_what_no_memory_holds_is_infeasible_at_once_not_unanswered(cli: Cli) -> None:
    ended = cli("partition", "llama-3.2-1b", "--hw", "mcm16-ring", "--time-limit", "60s")
    assert ended.status == 1
    assert "the weights take 1,236,338,688 bytes, and all chips together have 1,073,741,824" in ended.err
