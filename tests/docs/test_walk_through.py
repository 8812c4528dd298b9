"""The walk-through holds: its files are written, its commands are run, and they print what it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "walk-through.md"
_BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EXIT_CODE = re.compile(r"\[exit code (\d+)\]")


@dataclass
class Command:
    """A command of the page, the lines that it shows, and the exit code it ends with."""

    words: list[str]
    shown: list[str] = field(default_factory=list)
    status: int = 0


def commands(block: str) -> Iterator[Command]:
    """The commands of a block `console`."""
    command: Command | None = None
    for line in block.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command
            command = Command(line[2:].split())
        else:
            assert command is not None, f"{line!r} belongs to no command"
            ended = _EXIT_CODE.fullmatch(line)
            if ended:
                command.status = int(ended.group(1))
            else:
                command.shown.append(line)
    if command is not None:
        yield command


def test_every_command_of_the_walk_through_prints_what_the_page_shows(tmp_path: Path) -> None:
    run: set[str] = set()
    for language, title, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language != "console":
            name, added = re.fullmatch(r"(\S+)( \(added\))?", title).groups()  # type: ignore[union-attr]
            with (tmp_path / name).open("a" if added else "w", encoding="utf-8") as file:
                file.write(body)
            continue
        for command in commands(body):
            program, *arguments = command.words
            assert program == "chipzinc"
            ended = subprocess.run(
                [sys.executable, "-m", "chipzinc", *arguments], cwd=tmp_path, capture_output=True, text=True
            )
            assert ended.returncode == command.status, f"{command.words}: {ended.stderr}"
            assert_shows(ended.stdout, command)
            run.add(arguments[0])
    assert {"partition", "rules", "verify", "explain", "repair"} <= run


def assert_shows(printed: str, command: Command) -> None:
    """Each line shown is part of a line printed, in any order, spaces aside."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    for shown in command.shown:
        assert any(" ".join(shown.split()) in line for line in lines), (
            f"{command.words} prints no {shown!r}:\n{printed}"
        )
