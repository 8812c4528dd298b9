"""How commands end: one line, the documented exit code, one JSON object."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

from chipzinc.cli.failures import answers
from chipzinc.errors import InfeasibleError, InputError, NoAnswerError, SolverError


def ending(error: BaseException, capsys: pytest.CaptureFixture[str], as_json: bool = False) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command that raises an error."""

    @answers
    def command(as_json: bool = False) -> Never:
        raise error

    status = command(as_json=as_json)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("x"), 2), (InfeasibleError("x"), 1), (NoAnswerError("x"), 3), (SolverError("x"), 3)],
)
def test_each_error_of_the_toolkit_ends_with_its_exit_code(
    error: Exception, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error, capsys) == (status, "", "chipzinc: error: x\n")


def test_bad_input_is_one_line_with_file_line_column_and_field(capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError("expected a number\nof chips", file="a.yaml", line=3, column=7, field="chips[0].sram")
    _, _, line = ending(error, capsys)
    assert line == "chipzinc: error: a.yaml:3:7: chips[0].sram: expected a number of chips\n"


def test_a_proven_no_is_a_json_object_that_names_rule_and_op(capsys: pytest.CaptureFixture[str]) -> None:
    error = InfeasibleError("too big", rule="memory_capacity", op="embed")
    status, out, _ = ending(error, capsys, as_json=True)
    assert status == 1
    assert json.loads(out) == {"valid": False, "error": "too big", "rule": "memory_capacity", "op": "embed"}


def test_no_answer_is_a_json_object_that_claims_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ending(NoAnswerError("out of time"), capsys, as_json=True)
    assert json.loads(out) == {"valid": None, "error": "out of time"}


def test_bad_input_prints_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ending(InputError("x"), capsys, as_json=True)
    assert out == ""


def test_a_defect_is_one_line_that_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHIPZINC_TRACEBACK", raising=False)
    status, _, err = ending(KeyError("x"), capsys)
    assert status == 3
    assert err == "chipzinc: error: internal error: KeyError: 'x' (CHIPZINC_TRACEBACK=1 shows where)\n"


def test_a_defect_shows_its_traceback_to_who_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIPZINC_TRACEBACK", "1")
    _, _, err = ending(KeyError("x"), capsys)
    assert "Traceback (most recent call last)" in err


def test_a_file_that_cannot_be_opened_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = ending(FileNotFoundError(2, "No such file or directory", "no.yaml"), capsys)
    assert (status, err) == (2, "chipzinc: error: no.yaml: No such file or directory\n")


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "chipzinc", *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such-command"], "No such command 'no-such-command'"),
        (["doctor", "--no-such-option"], "doctor: No such option: --no-such-option"),
        (["import"], "import: Missing argument 'SOURCE'"),
    ],
)
def test_a_mistyped_command_line_is_one_line_and_exit_2(arguments: list[str], told: str) -> None:
    ran = run_cli(*arguments)
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"chipzinc: error: {told}")
    assert ran.stderr.count("\n") == 1


def test_no_command_at_all_shows_the_help() -> None:
    ran = run_cli()
    assert ran.returncode == 0
    assert "Commands:" in ran.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("partition", "no-such-graph", "--hw", "mcm16-ring"),
        ("repair", "no-such-plan.yaml"),
        ("import", "no-such-model.onnx"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, command: tuple[str, ...]) -> None:
    missing = run_cli(*command, "-o", str(tmp_path / "nowhere" / "out.yaml"))
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "there is no folder" in missing.stderr
    folder = run_cli(*command, "-o", str(tmp_path))
    assert (folder.returncode, folder.stderr.count("\n")) == (2, 1)
    assert "it is a folder" in folder.stderr


def test_a_folder_is_no_hardware_spec(tmp_path: Path) -> None:
    ran = run_cli("bound", "resnet18", "--hw", str(tmp_path))
    assert ran.returncode == 2
    assert ran.stderr == f"chipzinc: error: {tmp_path}: is a folder; expected a hardware spec file\n"


def test_ctrl_c_while_commands_are_imported_is_one_line_and_exit_130() -> None:
    script = """\
import builtins, os, signal
from chipzinc.cli.entry import main
imported = builtins.__import__
def interrupting(name, *rest, **options):
    if name == "typer":
        os.kill(os.getpid(), signal.SIGINT)
    return imported(name, *rest, **options)
builtins.__import__ = interrupting
main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (130, "chipzinc: error: interrupted\n")


def test_stdout_holds_the_answer_and_nothing_that_native_code_writes() -> None:
    script = """
import os
import chipzinc.cli.app
from chipzinc.cli.entry import main
chipzinc.cli.app.main = lambda: (print("before"), os.write(1, b"of a library"), print("after"))
main()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "before\nafter\n", "")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_answer_that_nobody_reads_ends_quietly_with_a_code_of_its_own(form: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "chipzinc", "rules", "list", *form],
        stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")


BUSY = """
import atexit, threading, time, typer
from chipzinc.cli.failures import run

app = typer.Typer()

class Teardown:
    def __del__(self):
        print("torn down")

@app.command()
def busy():
    atexit.register(print, "cleaned")
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    print("answer")
    return 1

kept = Teardown()
run(app)
"""


def test_a_command_leaves_with_its_own_code_while_a_proof_still_runs_in_a_thread() -> None:
    ended = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "answer\ncleaned\n", "")
