"""A journal says each step once, whatever ended the run before."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.policy.journal import Journal


def steps(directory: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (directory / "journal.jsonl").read_text().splitlines()]


def test_entries_come_as_they_were_written(tmp_path: Path) -> None:
    with Journal(tmp_path / "run") as journal:
        journal.write("update", 1, reward=0.5, instance="g")
    assert json.loads((tmp_path / "run" / "journal.jsonl").read_text()) == {
        "kind": "update",
        "step": 1,
        "reward": 0.5,
        "instance": "g",
    }
    assert list((tmp_path / "run" / "events").iterdir())


def test_a_run_that_goes_on_drops_what_it_makes_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for step in range(1, 6):
            journal.write("update", step)
    with Journal(tmp_path, resumed_at=3) as journal:
        journal.write("update", 4)
    assert steps(tmp_path) == [1, 2, 3, 4]


def test_half_a_line_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"kind": "update", "step": 1}\n{"kind": "upd')
    with Journal(tmp_path, resumed_at=7) as journal:
        journal.write("update", 8)
    assert steps(tmp_path) == [1, 8]


def test_a_value_that_is_not_finite_is_no_event(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.write("update", 1, loss=math.nan, best=math.inf)
    assert math.isnan(json.loads((tmp_path / "journal.jsonl").read_text())["loss"])


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"kind": "update"}'])
def test_a_damaged_entry_is_told_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "journal.jsonl").write_text(f'{{"kind": "update", "step": 1}}\n{line}\n')
    with pytest.raises(InputError, match=r"journal\.jsonl:2: expected an entry of a run's journal"):
        Journal(tmp_path, resumed_at=3)
