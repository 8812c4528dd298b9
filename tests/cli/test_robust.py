"""Ranges of op times on the command line: objectives, and what verify tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.cli.tables import print_distribution
from chipzinc.throughput.uncertain import Distribution
from tests.cli.conftest import Cli


@pytest.fixture
def spread(ring: Path) -> Path:
    """A spec whose op times are ranges."""
    file = ring.with_name("spread.yaml")
    file.write_text(ring.read_text() + "time_spread: {default: -10%..+30%}\n")
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


def test_a_table_of_times_is_enough(cli: Cli, diamond: Path, ring: Path) -> None:
    times, plan = diamond.parent / "times.csv", diamond.parent / "plan.csv"
    times.write_text("op,low_us,high_us\nop3,50,100\n")
    plan.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,1\n")
    told = cli("verify", plan, "--graph", diamond, "--hw", ring, "--op-times", times, "--json")
    distribution = told.json["interval_distribution"]
    assert distribution["worst_us"] - distribution["best_us"] == pytest.approx(50)


@pytest.mark.parametrize("design", ["op0,0\n", "op0,0\nop1,0\nop2,0\nop3,1\n"])
def test_a_table_of_times_is_read_before_the_rules_are_checked(
    cli: Cli, diamond: Path, ring: Path, design: str
) -> None:
    plan = diamond.parent / "plan.csv"
    plan.write_text("op,chip\n" + design)
    made = cli("verify", plan, "--graph", diamond, "--hw", ring, "--op-times", diamond.parent / "times.csv")
    assert (made.status, "times.csv: cannot be read" in made.err) == (2, True)


def test_a_distribution_is_printed_with_its_ends(capsys: pytest.CaptureFixture[str]) -> None:
    print_distribution(Distribution(5.0, 4.0, 7.0, 5.5, 0.5, {0.5: 5.25}, 1000, 3))
    printed = capsys.readouterr().out
    assert "1,000 scenarios of seed 3" in printed
    assert all(value in printed for value in ("4.00", "5.25", "7.00", "5.50", "0.50"))


def test_where_times_are_exact_verify_tells_no_distribution(cli: Cli, diamond: Path, ring: Path) -> None:
    plan = diamond.parent / "plan.csv"
    plan.write_text("op,chip\nop0,0\nop1,0\nop2,0\nop3,1\n")
    answer = cli("verify", plan, "--graph", diamond, "--hw", ring, "--json").json
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
def test_bad_input_is_one_line(cli: Cli, diamond: Path, ring: Path, arguments: tuple[str, ...], complaint: str) -> None:
    ended = cli("partition", diamond, "--hw", ring, *arguments)
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
