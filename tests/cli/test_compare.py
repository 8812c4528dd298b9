"""`chipzinc compare` on a small graph: its table in every form, and how it ends."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

METHODS = ("--method", "greedy", "--method", "random")
BUDGET = ("--samples", "2", "--seeds", "2")


def test_the_table_is_written_in_every_form_with_a_plot(cli: Cli, diamond: Path, ring: Path) -> None:
    files = [diamond.parent / f"table{ending}" for ending in (".csv", ".json", ".md")]
    outputs = [word for file in files for word in ("-o", file)]
    plot = diamond.parent / "plot.svg"
    ended = cli(
        "compare", diamond, "--hw", ring, *METHODS, "--samples", 2, "--seeds", 1, *outputs, "--plot", plot, "--json"
    )
    assert ended.status == 0
    rows = ended.json["rows"]
    assert [(row["graph"], row["method"]) for row in rows] == [
        ("diamond", "greedy"),
        ("diamond", "random"),
        ("all", "greedy"),
        ("all", "random"),
    ]
    assert json.loads(files[1].read_text()) == rows
    with files[0].open(newline="") as stream:
        assert [row["method"] for row in csv.DictReader(stream)] == [row["method"] for row in rows]
    assert len(files[2].read_text().splitlines()) == 2 + len(rows)
    assert "<svg" in plot.read_text()


def test_a_second_comparison_takes_the_runs_of_the_first(cli: Cli, diamond: Path, ring: Path) -> None:
    runs = diamond.parent / "runs.jsonl"
    first = cli("compare", diamond, "--hw", ring, *METHODS, *BUDGET, "--runs", runs, "--json")
    lines = runs.read_text()
    assert len(lines.splitlines()) == 3
    assert cli("compare", diamond, "--hw", ring, *METHODS, *BUDGET, "--runs", runs, "--json").json == first.json
    assert runs.read_text() == lines


def test_where_no_method_has_an_answer_the_exit_code_is_3(cli: Cli, diamond: Path, ring: Path) -> None:
    ended = cli("compare", diamond, "--hw", ring, "--method", "greedy", "--time-limit", "1ns", "--json")
    assert ended.status == 3
    assert ended.json["errors"][0]["error"] == "found no partition"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "expected --samples, --time-limit, or both"),
        (("--samples", "0"), "Invalid value for '--samples'"),
        (("--time-limit", "fast"), "--time-limit: "),
        ((*BUDGET, "--method", "gready"), "no method 'gready'; did you mean 'greedy'?"),
        ((*BUDGET, "--method", "optimise"), "'optimise' takes no samples: give --time-limit"),
        ((*BUDGET, *METHODS, "--reference", "slice"), "--reference: expected one of the methods compared"),
        ((*BUDGET, "-o", "table.xls"), "--output: expected a file that ends in .csv, .json, .md"),
        ((*BUDGET, "-o", "nowhere/table.csv"), "there is no folder 'nowhere'"),
        ((*BUDGET, "--runs", "nowhere/runs.jsonl"), "there is no folder 'nowhere'"),
        ((*BUDGET, "--plot", "plot.txt"), "--plot: expected a file that ends in .svg, .png, .pdf"),
        ((*BUDGET, "--solver", "nosuch"), "nosuch"),
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
    ended = cli("compare", diamond, "--hw", ring, *arguments)
    assert ended.status in (2, 3)
    assert complaint in ended.err
    assert len(ended.err.splitlines()) == 1


def test_two_graphs_of_one_name_are_refused(cli: Cli, diamond: Path, ring: Path) -> None:
    other = diamond.with_name("other.json.gz")
    other.write_bytes(diamond.read_bytes())
    ended = cli("compare", diamond, other, "--hw", ring, *BUDGET)
    assert ended.status == 2
    assert "two graphs are called 'diamond'" in ended.err


def test_without_a_graph_one_is_asked_for(cli: Cli, ring: Path) -> None:
    ended = cli("compare", "--hw", ring, *BUDGET)
    assert ended.status == 2
    assert "expected a graph, or --split" in ended.err


def test_a_plot_without_matplotlib_is_refused_before_anything_runs(
    cli: Cli, diamond: Path, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipzinc.plotting.find_spec", lambda name: None)
    ended = cli("compare", diamond, "--hw", ring, *BUDGET, "--plot", "plot.svg")
    assert ended.status == 2
    assert "pip install 'chipzinc[plot]'" in ended.err
