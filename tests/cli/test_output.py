"""What commands print."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from chipzinc.cli.output import Progress, print_json, print_table


def test_json_takes_what_the_library_computes(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"interval_us": np.float64(1.5), "chips": np.array([0, 1]), "valid": np.bool_(True)})
    assert json.loads(capsys.readouterr().out) == {"interval_us": 1.5, "chips": [0, 1], "valid": True}


def test_json_never_holds_a_word_that_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"interval_us": float("nan")})


def test_a_table_in_a_pipe_cuts_no_cell(capsys: pytest.CaptureFixture[str]) -> None:
    name = "layer." * 30
    print_table(["op", "µs"], [[name, "1.5"]])
    assert name in capsys.readouterr().out


def test_names_that_begin_with_a_digit_are_aligned_as_text_and_numbers_as_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(["", "op", "lost"], [["", "0/conv", "0.00 to 0.02"], ["", "10/tanh", "7.07"]])
    first, second = (line.rstrip() for line in capsys.readouterr().out.splitlines() if "/" in line)
    assert first.index("0/conv") == second.index("10/tanh")
    assert len(first) == len(second)


def test_progress_of_a_quick_command_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress("solving")
    assert capsys.readouterr().err == ""


def test_progress_of_a_slow_command_is_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet_seconds=0) as progress:
        progress("solving")
        progress("scoring")
    told = capsys.readouterr().err.splitlines()
    assert {"chipzinc: solving", "chipzinc: scoring"} == set(told)


def test_progress_tells_of_a_step_that_hangs(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(quiet_seconds=0.05) as progress:
        progress("solving")
        time.sleep(0.5)
    assert capsys.readouterr().err == "chipzinc: solving\n"
