"""rules price: what it prints, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.cli.price import shown_range
from chipzinc.price import Loss
from tests.cli.conftest import Cli

SPEC = """\
name: mine
chips:
  - {class: c, count: 2, peak: 1 TOPS, sram: 1 kB, sram_bandwidth: 1 GB/s}
topology: {kind: ring-one-way, link_bandwidth: 1 TB/s}
rules: [%s]
"""
ALL_ON_ONE = (
    "/*** All ops share a chip. */\nfunction array[int] of var bool: all_on_one(array[OP] of var CHIP: chip) =\n"
)


def test_a_rule_of_the_users_own_has_its_price(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    (tmp_path / "all_on_one.mzn").write_text(ALL_ON_ONE + "  [chip[o] = chip[1] | o in OP];\n")
    hardware = tmp_path / "mine.yaml"
    hardware.write_text(SPEC % "all_on_one, {name: no_skipped_chips, soft_weight: 1}")
    answer = cli("rules", "price", diamond, "--hw", hardware, "--json").json
    (price,) = answer["prices"]
    assert (price["rule"], answer["soft"]) == ("all_on_one", ["no_skipped_chips"])
    assert answer["no_rule"]["interval_us"] < answer["all_rules"]["interval_us"]
    assert price["without"] == answer["no_rule"]
    assert price["alone"] == answer["all_rules"]
    found = 1 - answer["no_rule"]["interval_us"] / answer["all_rules"]["interval_us"]
    assert 0 <= price["by_itself"]["least"] <= found <= price["by_itself"]["most"] < 1


def test_the_table_shows_each_interval_with_its_bound(cli: Cli, diamond: Path, tmp_path: Path) -> None:
    hardware = tmp_path / "mine.yaml"
    hardware.write_text(SPEC % "supported_kinds")
    ended = cli("rules", "price", diamond, "--hw", hardware)
    assert ended.status == 0
    for told in ("interval µs", "bound µs", "all rules", "no rule", "costs by itself"):
        assert told in ended.out


@pytest.mark.parametrize(
    ("loss", "told"), [(Loss(0.0, 0.0002), "0.00 to 0.02"), (Loss(0.0707, 0.07072), "7.07"), (Loss(0.0, 0.0), "0.00")]
)
def test_a_price_is_one_number_only_where_both_ends_of_its_range_are(loss: Loss, told: str) -> None:
    assert shown_range(loss) == told


@pytest.mark.parametrize(
    ("rules", "options", "told"),
    [("", [], "there is nothing to price"), ("supported_kinds", ["--time-limit", "0s"], "a time above 0")],
)
def test_price_refuses_what_it_cannot_mean(
    cli: Cli, diamond: Path, tmp_path: Path, rules: str, options: list[str], told: str
) -> None:
    hardware = tmp_path / "mine.yaml"
    hardware.write_text(SPEC % rules)
    ended = cli("rules", "price", diamond, "--hw", hardware, *options)
    assert ended.status == 2
    assert told in ended.err
