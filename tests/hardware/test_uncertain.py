"""Ranges of op times: from a spec's spread, from a table, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.demand import op_supported, op_time_us
from chipzinc.hardware.uncertain import time_range, with_times
from chipzinc.throughput.model import ThroughputModel
from chipzinc.units import parse_spread
from tests.throughput.small import OFFCHIP, graph, package

CHAIN = graph([(0, [1], 1), (1, [2], 1)], 3, flops=[10.0, 20.0, 30.0], kinds=["matmul", "add", "conv_transpose"])


def table(folder: Path, *lines: str) -> Path:
    file = folder / "times.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("text", "shares"),
    [("10%", (0.9, 1.1)), ("0 %", (1.0, 1.0)), ("-5%..+20%", (0.95, 1.2)), ("5%..20%", (1.05, 1.2))],
)
def test_a_spread_is_read_as_shares_of_the_nominal_time(text: str, shares: tuple[float, float]) -> None:
    assert parse_spread(text) == pytest.approx(shares)


@pytest.mark.parametrize("text", ["10", 10, "120%", "-120%..5%", "5%..-5%", "1.2.3%", "%", None, "many%"])
def test_what_is_no_spread_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="expected a spread such as '10%'"):
        parse_spread(text)


def test_a_kind_goes_before_its_family_and_the_family_before_the_rest() -> None:
    spread = package(more="time_spread: {matmul: 50%, conv: 20%, default: 10%}")
    times, nominal = time_range(CHAIN, spread), op_time_us(CHAIN, spread)
    assert times is not None
    assert (times.low_us / nominal)[:, 0] == pytest.approx([0.5, 0.9, 0.8])
    assert (times.high_us / nominal)[:, 0] == pytest.approx([1.5, 1.1, 1.2])


def test_without_a_spread_every_time_is_exact() -> None:
    assert time_range(CHAIN, package()) is None


def test_a_table_goes_before_the_spread(tmp_path: Path) -> None:
    times = time_range(CHAIN, package(more="time_spread: 10%"), table(tmp_path, "op,low_us,high_us", "op1,3,7.5"))
    assert times is not None
    assert (times.low_us[1] == 3).all()
    assert (times.high_us[1] == 7.5).all()
    assert times.low_us[0, 0] == pytest.approx(0.9 * op_time_us(CHAIN, package())[0, 0])


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (("op,low,high",), "times.csv:1: expected the columns op,low_us,high_us"),
        (("",), "times.csv:1: expected the columns"),
        (("op,low_us,high_us", "op9,1,2"), "times.csv:2: op: the graph has no op 'op9'; did you mean"),
        (("op,low_us,high_us", "op1,1"), "times.csv:2: expected 3 cells"),
        (("op,low_us,high_us", "op1,1,fast"), "times.csv:2: expected two numbers of µs"),
        (("op,low_us,high_us", "op1,3,2"), "times.csv:2: expected a range from low to high, got 3 to 2"),
        (("op,low_us,high_us", "op1,-1,2"), "times.csv:2: expected a range"),
        (("op,low_us,high_us", "op1,1,inf"), "times.csv:2: expected a range"),
        (("op,low_us,high_us", "op1,1,nan"), "times.csv:2: expected a range"),
        (("op,low_us,high_us", "op1,1,2", "op1,1,2"), "times.csv:3: the op 'op1' is given twice"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(tmp_path: Path, lines: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(InputError) as told:
        time_range(CHAIN, package(), table(tmp_path, *lines))
    assert complaint in str(told.value)


def test_a_table_that_is_missing_is_told() -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read"):
        time_range(CHAIN, package(), Path("nowhere.csv"))


def test_measured_times_change_nothing_but_times() -> None:
    around = package("kind: mesh, rows: 2, columns: 2")
    same = with_times(CHAIN, around, op_time_us(CHAIN, around))
    assert (op_supported(same, around) == op_supported(CHAIN, around)).all()
    chips = np.array([[0, 1, 3], [2, 2, 1]])
    before, after = (ThroughputModel(each, around).evaluate(chips) for each in (CHAIN, same))
    assert (before.interval_us == after.interval_us).all()
    assert (before.link_us == after.link_us).all()


def test_unmeasured_transfers_through_the_host_are_refused() -> None:
    host = package(chip=OFFCHIP, more="communication: host")
    with pytest.raises(InputError, match="ranges of op times need links"):
        with_times(CHAIN, host, op_time_us(CHAIN, host))
