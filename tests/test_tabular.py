"""Tables come out as their file's ending says."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.tabular import write_table

ROWS = [{"name": "a|b", "value": 1.5}, {"name": "c", "value": None}]


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (".csv", "name,value\na|b,1.5\nc,\n"),
        (".md", "| name | value |\n| --- | --- |\n| a\\|b | 1.5 |\n| c |  |\n"),
        (
            ".json",
            '[\n  {\n    "name": "a|b",\n    "value": 1.5\n  },\n  {\n    "name": "c",\n    "value": null\n  }\n]\n',
        ),
    ],
)
def test_rows_are_written_as_the_ending_says(tmp_path: Path, ending: str, text: str) -> None:
    file = tmp_path / f"table{ending}"
    write_table(ROWS, file)
    assert file.read_text() == text


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.json, \.md"):
        write_table(ROWS, tmp_path / "table.xls")
