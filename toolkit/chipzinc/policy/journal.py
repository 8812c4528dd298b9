"""The journal of a run: one JSON line an entry, and the same numbers as TensorBoard events."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from chipzinc.errors import InputError
from chipzinc.policy.checkpoint import write_whole


class Journal:
    """Writes entries as they come; a context manager.

    Args:
        directory: of the run.
        resumed_at: entries of later steps are dropped, as a run that is resumed makes them again.

    Raises:
        InputError: if a line of the run's journal is no entry.
    """

    def __init__(self, directory: Path, resumed_at: int | None = None) -> None:
        from tensorboardX import SummaryWriter

        directory.mkdir(parents=True, exist_ok=True)
        self.file = directory / "journal.jsonl"
        if resumed_at is not None:
            self._drop_after(resumed_at)
        self._stream = self.file.open("a", encoding="utf-8")
        self._events = SummaryWriter(str(directory / "events"), purge_step=resumed_at)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, kind: str, step: int, **values: Any) -> None:
        """Adds an entry of a kind, such as ``update``."""
        self._stream.write(json.dumps({"kind": kind, "step": step, **values}, default=float) + "\n")
        self._stream.flush()
        for name, value in values.items():
            if isinstance(value, (int, float)) and math.isfinite(value):
                self._events.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Ends the journal."""
        self._stream.close()
        self._events.close()

    def _drop_after(self, step: int) -> None:
        if self.file.is_file():
            lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [
                line
                for number, line in enumerate(lines, start=1)
                if line.endswith("\n") and self._step(line, number) <= step
            ]
            write_whole(self.file, "".join(kept).encode())

    def _step(self, line: str, number: int) -> int:
        try:
            return int(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError):
            raise InputError("expected an entry of a run's journal", file=self.file, line=number) from None
