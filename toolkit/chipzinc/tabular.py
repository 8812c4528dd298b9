"""Tables as files: CSV, JSON or Markdown by the file's ending. Knows nothing of what is in them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chipzinc.errors import InputError

Row = Mapping[str, Any]
"""A row by the names of its columns; the first row names all of them. None is an empty cell."""


def check_table_file(file: Path, field: str | None = None) -> None:
    """Refuses a file that `write_table` would not know how to write.

    Raises:
        InputError: if its ending is none of those known.
    """
    if file.suffix not in _WRITERS:
        raise InputError(f"expected a file that ends in {', '.join(_WRITERS)}, got '{file}'", field=field)


def write_table(rows: Sequence[Row], file: Path) -> None:
    """Writes rows as the file's ending says.

    Raises:
        InputError: if its ending is none of those known.
    """
    check_table_file(file)
    file.write_text(_WRITERS[file.suffix](rows), encoding="utf-8")


def _as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _as_json(rows: Sequence[Row]) -> str:
    return json.dumps([dict(row) for row in rows], indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _as_markdown(rows: Sequence[Row]) -> str:
    columns = list(rows[0]) if rows else []
    lines = [columns, ["---"] * len(columns), *([cell_text(row[name]) for name in columns] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell_text(value: Any) -> str:
    """A cell for people: numbers to six digits, nothing for None."""
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", r"\|")


_WRITERS: Mapping[str, Callable[[Sequence[Row]], str]] = {".csv": _as_csv, ".json": _as_json, ".md": _as_markdown}
