"""Code that the embedded MiniZinc keeps on disk: another process answers with it as without, and a bad file is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chipzinc.errors import SolverError
from chipzinc.solve import Session, Solution, SolveRequest, Text, Toolchain, embedded
from chipzinc.solve.embedded import Place
from chipzinc.solve.minizinc_backend import MiniZincBackend
from chipzinc.solve.pool import Pool
from tests.solve.conftest import QUEENS


@pytest.fixture
def place(embedded_toolchain: Toolchain, tmp_path: Path) -> Place:
    """The installed engine, with a folder of its own for what it keeps."""
    installed = embedded.locate()
    apart = replace(installed, root=tmp_path)
    apart.distribution.mkdir(parents=True)
    for file in installed.distribution.iterdir():
        if file.suffix != ".compiled":
            (apart.distribution / file.name).symlink_to(file)
    return apart


def queens(
    toolchain: Toolchain, place: Place, solver: str, then: Callable[[Pool], None] = lambda pool: None
) -> list[int]:
    """A placing of 20 queens; `then` gets the process that found it."""
    pool = Pool(place)
    with Session(toolchain, backend=MiniZincBackend(toolchain, pool)) as session:
        request = SolveRequest(solver=solver, models=(Text("queens.mzn", QUEENS),), data=(Text("n.dzn", "n = 20;"),))
        (found,) = [event.values["q"] for event in session.solve(request) if isinstance(event, Solution)]
        then(pool)
    return list(found)


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_answers_with_kept_code_are_the_same(embedded_toolchain: Toolchain, place: Place, solver: str) -> None:
    first = queens(embedded_toolchain, place, solver, Pool.keep_compiled)
    assert place.compiled.stat().st_size > 100_000
    assert queens(embedded_toolchain, place, solver) == first


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_as_none(embedded_toolchain: Toolchain, place: Place, damage: str) -> None:
    first = queens(embedded_toolchain, place, "gecode", Pool.keep_compiled)
    code = bytearray(place.compiled.read_bytes())
    code[len(code) // 2] ^= 1
    place.compiled.write_bytes({"cut": code[: len(code) // 2], "changed": code, "empty": b""}[damage])
    assert queens(embedded_toolchain, place, "gecode") == first


def test_where_nothing_was_compiled_nothing_is_kept(place: Place) -> None:
    pool = Pool(place)
    try:
        with pytest.raises(SolverError, match="not kept"):
            pool.keep_compiled()
    finally:
        pool.close()
    assert [file.name for file in place.distribution.iterdir() if not file.is_symlink()] == []


def test_a_folder_that_cannot_be_written_is_told(embedded_toolchain: Toolchain, place: Place) -> None:
    def refused(pool: Pool) -> None:
        shutil.rmtree(place.distribution)
        with pytest.raises(SolverError, match=r"not kept.*ENOENT"):
            pool.keep_compiled()

    queens(embedded_toolchain, place, "gecode", refused)
