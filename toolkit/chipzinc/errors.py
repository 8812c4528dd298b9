"""The errors the toolkit raises, each tied to a documented exit code.

Knows nothing of graphs, solvers or the command line; everything may import it.
"""

from __future__ import annotations

from pathlib import Path


class ChipzincError(Exception):
    """Base of every error a command turns into one line and an exit code."""

    exit_code = 2


class InputError(ChipzincError):
    """Something the user gave is wrong; says which file, line and field, and what was expected.

    Args:
        message: what is wrong and what was expected, in one line.
        file: the file it stands in, if any.
        line: 1-based line in that file.
        column: 1-based column in that line.
        field: the field's dotted name, such as ``chips[3].sram``.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        column: int | None = None,
        field: str | None = None,
    ) -> None:
        self.message, self.file, self.line, self.column, self.field = message, file, line, column, field
        place = ":".join(str(part) for part in (file, line, column if line else None) if part is not None)
        super().__init__(": ".join(part for part in (place, field, message) if part))


class InfeasibleError(ChipzincError):
    """No partition satisfies the rules; a proven no, or an op that fits no chip.

    Args:
        message: one line that says what cannot be.
        rule: the rule that refuses, where one alone does.
        op: the op it refuses, where one alone is refused.
    """

    exit_code = 1

    def __init__(self, message: str, *, rule: str | None = None, op: str | None = None) -> None:
        self.rule, self.op = rule, op
        super().__init__(message)


class NoAnswerError(ChipzincError):
    """The time limit passed, or every solver failed, with nothing to show."""

    exit_code = 3


class SolverError(NoAnswerError):
    """A solver is missing, crashed, or refused the model; carries its own last words."""
