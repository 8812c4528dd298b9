"""Finding a MiniZinc: the order of places, and why one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.errors import SolverError
from chipzinc.solve import Toolchain, doctor, toolchain
from chipzinc.solve.toolchain import ENVIRONMENT, discover, find_toolchain, read_solvers


def executable(folder: Path, script: str) -> Path:
    path = folder / "minizinc"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without MiniZinc; the folder is all of PATH."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin-without-minizinc")
    return tmp_path


def test_without_a_native_one_the_embedded_one_is_used(bare: Path, embedded_toolchain: Toolchain) -> None:
    assert find_toolchain() == embedded_toolchain


def test_the_environments_is_preferred(
    bare: Path, native_toolchain: Toolchain, embedded_toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(native_toolchain.command))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert find_toolchain("chuffed").command == native_toolchain.command
    assert find_toolchain("chuffed", prefer="embedded") == embedded_toolchain
    assert find_toolchain("highs") == embedded_toolchain or native_toolchain.has("highs")


def test_an_old_minizinc_is_refused_with_its_version(bare: Path, embedded_toolchain: Toolchain) -> None:
    executable(bare, 'echo "MiniZinc to FlatZinc converter, version 2.6.4"')
    refused = next(candidate for candidate in discover() if candidate.origin == "PATH")
    assert refused.toolchain is None
    assert "is MiniZinc 2.6.4; at least 2.8.0 is needed" in refused.refusal
    assert find_toolchain() == embedded_toolchain


@pytest.mark.parametrize(
    "script",
    ["echo hello", "exit 3", "kill -9 $$", 'case $1 in --version) echo "version 2.9.2";; *) echo "[{";; esac'],
    ids=["no version", "fails", "dies", "no solvers"],
)
def test_what_does_not_answer_as_minizinc_is_refused(bare: Path, script: str) -> None:
    executable(bare, script)
    refused = next(candidate for candidate in discover() if candidate.origin == "PATH")
    assert refused.toolchain is None
    assert "does not answer as MiniZinc does" in refused.refusal
    assert "\n" not in refused.refusal


def test_one_that_never_answers_is_not_awaited(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "_ANSWER_S", 0.3)
    executable(bare, "exec /bin/sleep 30")
    refused = next(candidate for candidate in discover() if candidate.origin == "PATH")
    assert "does not answer" in refused.refusal


def test_a_named_minizinc_that_is_missing_is_an_error_not_a_fallback(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(bare / "nowhere"))
    with pytest.raises(SolverError, match=r"CHIPZINC_MINIZINC: no executable .*nowhere"):
        find_toolchain()


def test_a_solver_nobody_has_is_told_with_all_that_was_found(bare: Path, embedded_toolchain: Toolchain) -> None:
    with pytest.raises(SolverError, match=r"gurobi.*PATH: no executable.*embedded: no gurobi in .*Gecode"):
        find_toolchain("gurobi")


@pytest.mark.parametrize("name", ["chuffed", "Chuffed", "org.minizinc.chuffed", "lcg"])
def test_a_solver_answers_to_id_name_and_tag(embedded_toolchain: Toolchain, name: str) -> None:
    assert embedded_toolchain.solver(name).name == "Chuffed"


def test_interfaces_without_their_library_or_executable_are_no_solvers() -> None:
    listed = [
        {"id": "org.minizinc.mip.gurobi", "name": "Gurobi", "version": "<unknown version>", "tags": ["mip", "api"]},
        {"id": "org.example.gone", "name": "Gone", "version": "1.0", "executable": "/nowhere/fzn-gone"},
        {
            "id": "org.gecode.gist",
            "name": "Gist",
            "version": "6.3.0",
            "executable": "/bin/sh",
            "isGUIApplication": True,
        },
        {"id": "org.example.here", "name": "Here", "version": "1.0", "executable": "/bin/sh", "stdFlags": ["-a"]},
    ]
    assert [solver.name for solver in read_solvers(listed)] == ["Here"]


def test_the_report_names_the_licence_of_every_solver(embedded_toolchain: Toolchain) -> None:
    places = {place["origin"]: place for place in doctor.report()["places"]}
    licences = {solver["name"]: solver["licence"] for solver in places["embedded"]["solvers"]}
    assert licences.pop("CP-SAT", "Apache-2.0") == "Apache-2.0"  # where its extra is installed
    assert licences == {"Chuffed": "MIT", "COIN-BC": "EPL-2.0", "Gecode": "MIT", "HiGHS": "MIT"}
    assert places["embedded"]["licence"] == "MPL-2.0"
