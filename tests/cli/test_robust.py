"""Ranges of op times on the command line: objectives, and what verify tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.resources import hw_specs_dir
from tests.cli.conftest import Cli


@pytest.fixture
def spread(tmp_path: Path) -> Path:
    """A spec whose op times are ranges."""
    file = tmp_path / "spread.yaml"
    file.write_text((hw_specs_dir() / "mcm16-ring.yaml").read_text() + "time_spread: {default: -10%..+30%}\n")
    return file


def test_the_worst_case_is_optimised_and_told_again_by_verify(cli: Cli, diamond: Path, spread: Path) -> None:
    plan = diamond.parent / "plan.yaml"
    made = cli("partition", diamond, "--hw", spread, "--objective", "worst_case", "-o", plan, "--json")
    assert made.status == 0
    robust, distribution = made.json["robust"], made.json["interval_distribution"]
    assert robust["value_us"] == distribution["worst_us"]
    assert robust["bound_us"] <= robust["value_us"] * (1 + 1e-9)
    assert made.json["objective"] == "worst_case"
    assert made.json["interval_us"] == distribution["nominal_us"]
    told = cli("verify", plan, "--scenarios", 500, "--json").json["interval_distribution"]
    assert told["worst_us"] == distribution["worst_us"]
    assert (told["scenarios"], told["seed"]) == (500, 0)
    assert told["best_us"] <= told["quantiles_us"]["0.05"] <= told["quantiles_us"]["0.95"] <= told["worst_us"]


def test_a_table_of_times_is_enough(cli: Cli, diamond: Path) -> None:
    times, plan = diamond.parent / "times.csv", diamond.parent / "plan.csv"
    times.write_text("op,low_us,high_us\nop3,50,100\n")
    plan.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,1\n")
    arguments = ("verify", plan, "--graph", diamond, "--hw", "mcm16-ring", "--op-times", times)
    told = cli(*arguments, "--json").json["interval_distribution"]
    assert told["worst_us"] - told["best_us"] == pytest.approx(50)
    assert "Interval when op times are ranges" in cli(*arguments).out


def test_where_times_are_exact_verify_tells_no_distribution(cli: Cli, diamond: Path) -> None:
    plan = diamond.parent / "plan.csv"
    plan.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,1\n")
    answer = cli("verify", plan, "--graph", diamond, "--hw", "mcm16-ring", "--json").json
    assert "interval_distribution" not in answer


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--objective", "worst_case"), "'worst_case' needs op times that are ranges: time_spread in the spec, or"),
        (("--objective", "quantile:2"), "objective: expected 'worst_case' or 'quantile:0.95'"),
        (("--op-times", "times.csv"), "--op-times: the objective does not heed it"),
        (("--op-times", "times.csv", "--objective", "worst_case"), "times.csv: cannot be read"),
        (("--mode", "fix", "--op-times", "times.csv"), "--op-times: fix does not heed it"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, diamond: Path, arguments: tuple[str, ...], complaint: str) -> None:
    ended = cli("partition", diamond, "--hw", "mcm16-ring", *arguments)
    assert ended.status == 2
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_wrong_spread_is_told_with_its_place(cli: Cli, diamond: Path, spread: Path) -> None:
    spread.write_text(spread.read_text().replace("-10%..+30%", "lots"))
    ended = cli("partition", diamond, "--hw", spread)
    assert ended.status == 2
    assert "spread.yaml:" in ended.err
    assert "expected a spread such as '10%' or '-5%..+20%', got 'lots'" in ended.err
    assert ended.err.splitlines()[-1].strip() == "^"


def test_an_unknown_kind_of_a_spread_is_told(cli: Cli, diamond: Path, spread: Path) -> None:
    spread.write_text(spread.read_text().replace("{default:", "{defautl:"))
    ended = cli("partition", diamond, "--hw", spread)
    assert ended.status == 2
    assert "'defautl' is no op kind or family" in ended.err
