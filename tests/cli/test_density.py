"""rules density: what it prints, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

SPEC = """\
name: mine
chips:
  - {class: c, count: %d, peak: 1 TOPS, sram: 1 kB, sram_bandwidth: 1 GB/s}
topology: {kind: ring-one-way, link_bandwidth: 1 GB/s}
rules: [%s]
"""


def spec(folder: Path, rules: str, chips: int = 3) -> Path:
    file = folder / "mine.yaml"
    file.write_text(SPEC % (chips, rules))
    return file


def test_small_graphs_are_counted_a_rule_of_the_users_own_among_them(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    text = (
        "/*** Op 1 is first. */\nfunction array[int] of var bool: begins(array[OP] of var CHIP: chip) = [chip[1] = 0];"
    )
    (tmp_path / "begins.mzn").write_text(text)
    hardware = spec(tmp_path, "acyclic_dataflow, begins, {name: no_skipped_chips, soft_weight: 1}")
    answer = cli("rules", "density", diamond, "--hw", hardware, "--json").json
    counts = {tuple(one["rules"]): one["count"] for one in answer["densities"]}
    # of op0 <= op1, op2 <= op3 on three chips: for op3 = 0, 1, 2 and op0 at most that, squares of what lies between
    assert counts == {
        ("acyclic_dataflow",): 1 + (4 + 1) + (9 + 4 + 1),
        ("begins",): 3**3,
        ("acyclic_dataflow", "begins"): 1 + 4 + 9,
    }
    assert answer["densities"][1]["log10"] == pytest.approx(math.log10(1 / 3))
    assert answer["soft"] == ["no_skipped_chips"]


def test_what_is_too_large_to_count_is_estimated_and_told_as_such(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    hardware = spec(tmp_path, "acyclic_dataflow", chips=200)  # 200^4 is more than a solver's integers number
    ended = cli("rules", "density", diamond, "--hw", hardware, "--time-limit", "1s", "--samples", "64")
    assert ended.status == 0
    assert "10^9.2 assignments of 4 ops to 200 chips" in ended.out
    assert "plain draws" in ended.out or "independent estimates" in ended.out


@pytest.mark.parametrize(
    ("rules", "options", "told"),
    [
        ("", [], "every partition is valid"),
        ("{name: acyclic_dataflow, soft_weight: 1}", [], "every partition is valid"),
        ("acyclic_dataflow", ["--samples", "1"], "--samples"),
        ("acyclic_dataflow", ["--time-limit", "soon"], "--time-limit"),
        ("acyclic_dataflow", ["--solver", "nobody"], "nobody"),
    ],
)
def test_density_refuses_what_it_cannot_mean(
    cli: Cli, diamond: Path, tmp_path: Path, rules: str, options: list[str], told: str
) -> None:
    ended = cli("rules", "density", diamond, "--hw", spec(tmp_path, rules), *options)
    assert ended.status in (2, 3)
    assert told in ended.err
