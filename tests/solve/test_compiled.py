"""Code that the embedded MiniZinc keeps on disk: another process answers with it as without, and a bad file is none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chipzinc import preparation
from chipzinc.baselines.driver import Corrected, Corrector, Proposal
from chipzinc.errors import SolverError
from chipzinc.solve import Session, Solution, SolveRequest, Text, Toolchain, embedded
from chipzinc.solve.embedded import Place
from chipzinc.solve.minizinc_backend import MiniZincBackend
from chipzinc.solve.pool import Pool
from tests.solve.conftest import QUEENS

COMPILED = embedded.HERE / "compiled.cjs"


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


def keep(place: Place) -> Callable[[Pool], None]:
    return lambda pool: pool.keep_compiled(place.compiled)


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
    first = queens(embedded_toolchain, place, solver, keep(place))
    assert place.compiled.stat().st_size > 100_000
    assert queens(embedded_toolchain, place, solver) == first


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_as_none(embedded_toolchain: Toolchain, place: Place, damage: str) -> None:
    first = queens(embedded_toolchain, place, "gecode", keep(place))
    code = bytearray(place.compiled.read_bytes())
    code[len(code) // 2] ^= 1
    place.compiled.write_bytes({"cut": code[: len(code) // 2], "changed": code, "empty": b""}[damage])
    assert queens(embedded_toolchain, place, "gecode") == first


def test_where_nothing_was_compiled_nothing_is_kept(place: Place) -> None:
    pool, kept = Pool(place), place.compiled
    try:
        with pytest.raises(SolverError, match="not kept"):
            pool.keep_compiled(kept)
    finally:
        pool.close()
    assert own_files(place) == []


def test_a_folder_that_cannot_be_written_is_told(embedded_toolchain: Toolchain, place: Place) -> None:
    kept = place.compiled

    def refused(pool: Pool) -> None:
        shutil.rmtree(place.distribution)
        with pytest.raises(SolverError, match=r"not kept.*ENOENT"):
            pool.keep_compiled(kept)

    queens(embedded_toolchain, place, "gecode", refused)


def test_another_build_of_node_looks_for_a_file_of_its_own(place: Place) -> None:
    script = "Object.defineProperty(process, 'config', {value: {}}); require(process.argv[1]).place('.')"
    asked = subprocess.run([place.node, "-p", script, COMPILED], capture_output=True, text=True, check=True)
    other = asked.stdout.strip()
    assert other.endswith(".compiled")
    assert other != place.compiled.name


class TestPrepare:
    """What `doctor --install` does besides installing."""

    @pytest.fixture(autouse=True)
    def small(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(preparation, "GRAPH", "lenet5")
        monkeypatch.setattr(preparation, "SAMPLES", 2)
        monkeypatch.setattr(embedded, "locate", lambda: place)

    def test_code_is_kept_once(self, place: Place) -> None:
        said: list[str] = []
        assert preparation.prepare(said.append)
        assert preparation.prepare(said.append)
        assert said == ["preparing MiniZinc, once"]
        assert own_files(place) == [place.compiled.name]

    def test_code_that_ends_the_next_process_is_not_kept(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        class Broken(Pool):
            def __init__(self, place: Place, spare: int = 1, code: Path | None = None) -> None:
                super().__init__(place, spare, code)
                if code is not None:
                    assert code.exists()
                    self._words[1:2] = ["-e", "process.abort()"]

        monkeypatch.setattr(preparation, "Pool", Broken)
        assert not preparation.prepare()
        assert own_files(place) == []

    def test_nobody_finds_the_code_before_a_process_has_worked_with_it(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work, seen = preparation._work, []

        def watched(session: Session, solvers: tuple[str, ...]) -> None:
            seen.append(place.compiled.exists())
            work(session, solvers)

        monkeypatch.setattr(preparation, "_work", watched)
        assert preparation.prepare()
        assert seen == [False, False]

    def test_an_interrupted_one_is_told_and_leaves_nothing(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(self: Corrector, proposal: Proposal, limit_s: float) -> Corrected:
            raise KeyboardInterrupt

        monkeypatch.setattr(Corrector, "__call__", interrupt)
        with pytest.raises(KeyboardInterrupt):
            preparation.prepare()
        assert own_files(place) == []


def own_files(place: Place) -> list[str]:
    return [file.name for file in place.distribution.iterdir() if not file.is_symlink()]
