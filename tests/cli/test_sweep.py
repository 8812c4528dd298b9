"""`chipzinc partition --sweep` on a small graph: its table, its plot, and what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_a_sweep_tells_how_many_chips_are_needed(cli: Cli, diamond: Path, ring: Path) -> None:
    table, plot = diamond.parent / "table.csv", diamond.parent / "plot.svg"
    ended = cli("partition", diamond, "--hw", ring, "--sweep", "chips=1..2", "-o", table, "--plot", plot, "--json")
    assert ended.status == 0
    one, two = ended.json["points"]
    assert (one["chips"], two["chips"]) == (1, 2)
    assert one["valid"] is two["valid"] is True
    assert two["interval_us"] <= one["interval_us"]
    assert one["bound_us"] <= one["interval_us"] * (1 + 1e-9)
    assert ended.json["first_valid"] == 1
    with table.open(newline="") as stream:
        assert [row["chips"] for row in csv.DictReader(stream)] == ["1", "2"]
    assert "<svg" in plot.read_text()


def test_where_nothing_can_be_the_exit_code_is_1(cli: Cli, diamond: Path, ring: Path) -> None:
    ended = cli("partition", diamond, "--hw", ring, "--sweep", "sram=1B", "--json")
    assert ended.status == 1
    assert [point["valid"] for point in ended.json["points"]] == [False]
    assert ended.json["first_valid"] is None


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--sweep", "chips"), "--sweep: expected a field and its values"),
        (("--sweep", "speed=1"), "--sweep: speed=1: "),
        (("--sweep", "chips=1", "--mode", "fix"), "--mode: a sweep does not heed it"),
        (("--sweep", "chips=1", "--hints", "greedy"), "--hints: a sweep does not heed it"),
        (("--sweep", "chips=1", "--objective", "latency"), "--objective: a sweep does not heed it"),
        (("--sweep", "chips=1", "-o", "plan.yaml"), "--output: expected a file that ends in .csv, .json, .md"),
        (("--sweep", "chips=1", "--plot", "plot.csv"), "--plot: expected a file that ends in .svg"),
        (("--sweep", "chips=1", "-o", "nowhere/table.csv"), "there is no folder 'nowhere'"),
        (("--plot", "plot.svg"), "--plot: draws a sweep: give --sweep"),
    ],
)
def test_bad_input_is_one_line(
    cli: Cli,
    diamond: Path,
    ring: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = cli("partition", diamond, "--hw", ring, *arguments)
    assert ended.status == 2
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1
