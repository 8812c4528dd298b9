"""`chipzinc train`, and the policy it leaves as hints of `chipzinc partition`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.baselines.driver import Corrector
from chipzinc.policy.checkpoint import save_policy
from chipzinc.policy.learner import Learner
from chipzinc.policy.network import build
from tests.cli.conftest import Cli

FAST = (
    "--graph",
    "lenet5",
    "--variations",
    "0",
    "--imitation",
    "10",
    "--batch",
    "2",
    "--teach",
    "50ms",
    "--workers",
    "1",
)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("policy")
    save_policy(build({"width": 16, "graph_layers": 2, "pass_layers": 1}), directory, {})
    return directory


@pytest.mark.slow
def test_a_run_is_trained_resumed_and_used(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = cli("train", "-o", run, *FAST, "--updates", "2", "--json")
    assert first.status == 0
    assert (first.json["updates"], first.json["samples"]) == (2, 4)
    other = cli("train", "-o", run, "--resume", "--seed", "1")
    assert (other.status, other.err.count("\n")) == (2, 1)
    assert "--resume: the run has settings of its own" in other.err
    more = cli("train", "-o", run, "--resume", "--updates", "3", "--json")
    assert more.json["updates"] == 3
    used = cli(
        "partition", "lenet5", "--hw", "mcm16-ring", "--mode", "fix", "--hints", "policy", "--policy", run / "last"
    )
    assert used.status == 0


def test_ctrl_c_while_a_policy_is_tuned_keeps_the_best_plan(
    cli: Cli, diamond: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: Learner, seen: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Learner, "learn", cut)
    plan = diamond.parent / "plan.yaml"
    asked = ("--hw", "mcm16-ring", "--hints", "policy", "--policy", policy, "--finetune", "30", "-o", plan)
    ended = cli("partition", diamond, *asked)
    assert ended.status == 130
    assert cli("verify", plan).status == 0
    assert "mode: fix" in plan.read_text()


def test_ctrl_c_before_anything_was_corrected_keeps_where_tuning_begins(
    cli: Cli, diamond: Path, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(self: Corrector, proposal: object, time_limit_s: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Corrector, "__call__", cut)
    plan = diamond.parent / "plan.yaml"
    asked = ("--hw", "mcm16-ring", "--hints", "policy", "--policy", policy, "--finetune", "30", "-o", plan)
    assert cli("partition", diamond, *asked).status == 130
    assert cli("verify", plan).status == 0


def test_what_training_refuses_leaves_no_folder(cli: Cli, tmp_path: Path) -> None:
    for wrong, status in ((("--solver", "nope"), 3), (("--graph", "bert-large"), 2)):
        assert cli("train", "-o", tmp_path / "run", *FAST, *wrong).status == status
        assert not (tmp_path / "run").exists()


ALONE = """\
function array[int] of var bool: my_rule(array[OP] of var CHIP: chip) =
  [sum(o in OP)(bool2int(chip[o] = c)) <= 1 | c in CHIP];
"""
TWELVE_CHIPS = """\
name: mine
chips:
  - {class: c, count: 12, peak: 1 TOPS, sram: 100 MB, sram_bandwidth: 100 GB/s}
topology: {kind: ring-one-way, link_bandwidth: 1 GB/s}
rules: [acyclic_dataflow, my_rule]
"""


def test_where_no_partition_of_the_groups_holds_a_policy_is_tuned_on_the_ops(
    cli: Cli, policy: Path, tmp_path: Path
) -> None:
    (tmp_path / "my_rule.mzn").write_text(ALONE)
    (tmp_path / "mine.yaml").write_text(TWELVE_CHIPS)
    asked = ("--hw", tmp_path / "mine.yaml", "--mode", "fix", "--hints", "policy", "--policy", policy)
    tuned = cli("partition", "lenet5", *asked, "--finetune", "4", "--json")
    assert (tuned.status, tuned.json["valid"], tuned.json["chips_used"]) == (0, True, 12)


@pytest.mark.slow
def test_a_tuned_policy_begins_where_single_ops_have_moved(cli: Cli) -> None:
    asked = ("partition", "nasnet-a-mobile", "--hw", "mcm36-ring", "--mode", "fix", "--json")
    sliced = cli(*asked, "--hints", "slice")
    tuned = cli(*asked, "--hints", "policy", "--finetune", "1")
    assert (sliced.status, tuned.status, tuned.json["valid"]) == (0, 0, True)
    assert tuned.json["interval_us"] < 0.8 * sliced.json["interval_us"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--graph", "bert-large"), "'bert-large' is not a graph of the split 'train'"),
        (("--graph", "resnet34"), "'resnet34' is not a graph of the split 'train'"),
        (("--mode", "guess"), "--mode: expected fix or sample"),
        (("--start", "random"), "--start: expected greedy or slice, got 'random'"),
        (("--begin", "nothing"), "no policy 'nothing': expected a checkpoint's folder, or one of plain, sliced"),
        (("--device", "abacus"), "--device: torch has no such device"),
        (("--teach", "soon"), "--teach"),
        (("--batch", "1"), "--batch"),
        (("--resume",), "there is no run to resume"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(
    cli: Cli, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    ended = cli("train", "-o", tmp_path / "run", *arguments)
    assert ended.status == 2
    assert complaint in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not list((tmp_path / "run").glob("*")) if (tmp_path / "run").exists() else True


def test_a_run_that_is_ended_while_it_is_taught_goes_on(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def ended(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as at_once:
        at_once.setattr("chipzinc.policy.curriculum.training_instances", ended)
        assert cli("train", "-o", run, *FAST).status == 130  # before there is anything to keep
    short = tuple("0" if each == "10" else each for each in FAST)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("chipzinc.policy.teachers.best_slices", ended)
        meanwhile.setattr("chipzinc.policy.curriculum.trainable", lambda _: ())
        assert cli("train", "-o", run, *short, "--updates", "0").status == 130
        assert cli("train", "-o", run, "--resume", "--updates", "0").status == 130
    monkeypatch.setattr("chipzinc.policy.curriculum.trainable", lambda _: ())
    assert cli("train", "-o", run, "--resume", "--updates", "0").status == 0
    assert len((run / "teachers.jsonl").read_text().splitlines()) == 2


def test_a_folder_with_something_in_it_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    ended = cli("train", "-o", tmp_path)
    assert ended.status == 2
    assert "is not empty" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_policy_hints_and_a_tuned_one_holds(cli: Cli, diamond: Path, policy: Path) -> None:
    asked = (
        "partition",
        diamond,
        "--hw",
        "mcm16-ring",
        "--mode",
        "fix",
        "--hints",
        "policy",
        "--policy",
        policy,
        "--json",
    )
    drawn = cli(*asked, "--samples", "3")
    assert (drawn.status, drawn.json["valid"], drawn.json["samples"]) == (0, True, 3)
    tuned = cli(*asked, "--finetune", "8")
    assert (tuned.status, tuned.json["valid"], tuned.json["moved"]) == (0, True, 0)
    assert tuned.json["interval_us"] <= drawn.json["interval_us"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--policy", "x"), "--policy: goes with --hints policy"),
        (("--finetune", "5"), "--finetune: goes with --hints policy"),
        (("--hints", "policy", "--policy", "nonesuch"), "no policy 'nonesuch'"),
    ],
)
def test_a_policy_that_is_not_there_is_told(
    cli: Cli, diamond: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    ended = cli("partition", diamond, "--hw", "mcm16-ring", *arguments)
    assert ended.status == 2
    assert complaint in ended.err
