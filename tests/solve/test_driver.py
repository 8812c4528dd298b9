"""The embedded MiniZinc as a command, for minizinc-python and for people."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chipzinc.solve import Toolchain
from tests.solve.conftest import HARD, IMPROVING, QUEENS, wait_until

with warnings.catch_warnings():
    # Where no native MiniZinc is on PATH it says so when imported.
    warnings.simplefilter("ignore", RuntimeWarning)
    import minizinc


@pytest.fixture(scope="module")
def command(embedded_toolchain: Toolchain) -> Path:
    return embedded_toolchain.command


@pytest.fixture(scope="module")
def driver(embedded_toolchain: Toolchain) -> minizinc.Driver:
    return embedded_toolchain.driver()


def run(command: Path, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    line = [str(command), *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, **options)


def queens(driver: minizinc.Driver, solver: str, n: int = 6) -> minizinc.Instance:
    model = minizinc.Model()
    model.add_string(QUEENS)
    instance = minizinc.Instance(minizinc.Solver.lookup(solver, driver), model, driver)
    instance["n"] = n
    return instance


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_minizinc_python_solves_through_it(driver: minizinc.Driver, solver: str) -> None:
    result = queens(driver, solver).solve()
    assert result.status is minizinc.Status.SATISFIED
    assert result["q"] == [2, 4, 6, 1, 3, 5]


@pytest.mark.parametrize("solver", ["gecode", "chuffed"])
def test_minizinc_python_gets_all_solutions(driver: minizinc.Driver, solver: str) -> None:
    result = queens(driver, solver).solve(all_solutions=True)
    assert result.status is minizinc.Status.ALL_SOLUTIONS
    assert len(result) == 4


def test_minizinc_python_gets_improvements_up_to_a_time_limit(driver: minizinc.Driver) -> None:
    model = minizinc.Model()
    model.add_string(IMPROVING)
    instance = minizinc.Instance(minizinc.Solver.lookup("gecode", driver), model, driver)
    begin = time.monotonic()
    result = instance.solve(time_limit=datetime.timedelta(seconds=5), intermediate_solutions=True)
    assert time.monotonic() - begin < 5 + 4  # the analysis of the model and the start come on top
    objectives = [solution.objective for solution in result.solution]
    assert objectives
    assert objectives == sorted(objectives, reverse=True)
    assert result.status is minizinc.Status.SATISFIED


def test_minizinc_python_is_told_where_a_model_is_wrong(driver: minizinc.Driver, tmp_path: Path) -> None:
    path = tmp_path / "bad model.mzn"
    path.write_text("var 1..3: x;\nconstraint x > ghost;\nsolve satisfy;\n")
    instance = minizinc.Instance(minizinc.Solver.lookup("chuffed", driver), None, driver)
    instance.add_file(path, parse_data=False)
    with pytest.raises(minizinc.MiniZincError, match="ghost") as caught:
        instance.solve()
    assert caught.value.location.lines == (2, 2)
    assert caught.value.location.file == str(path)


def test_it_reports_a_models_interface(command: Path, tmp_path: Path) -> None:
    (tmp_path / "queens.mzn").write_text(QUEENS)
    said = run(command, "--model-interface-only", "queens.mzn", cwd=tmp_path)
    interface = json.loads(said.stdout)
    assert interface["input"] == {"n": {"type": "int"}}
    assert interface["method"] == "sat"


def test_it_lists_version_and_solvers(command: Path) -> None:
    assert "version 2.10.0" in run(command, "--version").stdout
    names = {solver["name"] for solver in json.loads(run(command, "--solvers-json").stdout)}
    assert names == {"Chuffed", "COIN-BC", "Gecode", "HiGHS"}


def test_each_solution_is_out_before_the_next_is_found(command: Path, tmp_path: Path) -> None:
    (tmp_path / "improving.mzn").write_text(IMPROVING)
    words = [str(command), "--json-stream", "-i", "--solver", "gecode", "improving.mzn"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "solution"
        assert process.poll() is None
        process.terminate()
        assert process.wait(5) == -signal.SIGTERM


def test_terminated_or_orphaned_it_leaves_nothing(
    command: Path, tmp_path: Path, marked: Callable[[], list[str]]
) -> None:
    (tmp_path / "hard.mzn").write_text(HARD)
    words = [str(command), "--solver", "chuffed", str(tmp_path / "hard.mzn")]
    process = subprocess.Popen(words)
    time.sleep(1.5)
    process.terminate()
    process.wait(5)
    assert wait_until(lambda: marked() == [], 2), marked()
    parent = subprocess.Popen(["sh", "-c", '"$@" & echo started; wait', "sh", *words], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    parent.stdout.readline()
    time.sleep(1.5)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_until(lambda: marked() == [], 4), marked()


def test_its_time_limit_holds_in_search(command: Path, tmp_path: Path) -> None:
    (tmp_path / "hard.mzn").write_text(HARD)
    begin = time.monotonic()
    said = run(command, "--time-limit", "1000", "--solver", "gecode", "hard.mzn", cwd=tmp_path)
    assert time.monotonic() - begin < 1 + 4
    assert said.returncode == 0
    assert "=====UNKNOWN=====" in said.stdout


def test_it_compiles_to_files_and_solves_what_it_compiled(command: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "queens.mzn").write_text(QUEENS)
    run(command, "-c", "--solver", "gecode", folder / "queens.mzn", "-D", "n=6", check=True)
    assert (folder / "queens.ozn").read_text().startswith("output")
    assert "solve " in (folder / "queens.fzn").read_text()
    said = run(command, "--solver", "gecode", folder / "queens.fzn")
    assert "q = array1d(1..6,[2, 4, 6, 1, 3, 5]);" in said.stdout
    named = folder / "named.fzn"
    run(
        command,
        "-c",
        "--solver",
        "gecode",
        "--fzn",
        named,
        "--no-output-ozn",
        "queens.mzn",
        "-Dn=6",
        cwd=folder,
        check=True,
    )
    assert named.read_text().count("constraint") == (folder / "queens.fzn").read_text().count("constraint")


def test_it_reads_models_from_stdin_and_parameter_files(command: Path, tmp_path: Path) -> None:
    said = run(command, "--solver", "gecode", "-", input="var 3..3: x; solve satisfy;")
    assert said.stdout == "x = 3;\n----------\n"
    (tmp_path / "queens.mzn").write_text(QUEENS)
    (tmp_path / "board.dzn").write_text("n = 4;")
    parameters = {"solver": "chuffed", "model": "queens.mzn", "data": ["board.dzn"]}
    (tmp_path / "four queens.mpc").write_text(json.dumps(parameters))
    assert "q = [2, 4, 1, 3];" in run(command, tmp_path / "four queens.mpc").stdout


def test_a_missing_file_is_told_as_minizinc_does(command: Path, tmp_path: Path) -> None:
    said = run(command, "--solver", "gecode", "absent.mzn", cwd=tmp_path)
    assert said.returncode != 0
    assert "absent.mzn" in said.stderr


def test_a_solver_with_an_executable_is_refused_not_awaited(command: Path, tmp_path: Path) -> None:
    configuration = {"id": "org.example.outside", "name": "Outside", "version": "1", "executable": "/bin/true"}
    (tmp_path / "outside.msc").write_text(json.dumps(configuration))
    (tmp_path / "model.mzn").write_text("var 1..2: x; solve satisfy;")
    said = run(command, "--solver", "outside.msc", "model.mzn", cwd=tmp_path)
    assert said.returncode == 1
    assert "executable" in said.stderr
    assert "outside.msc" in said.stderr
