"""What a run leaves behind when it ends, is cancelled, or loses its owner: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chipzinc.errors import SolverError
from chipzinc.solve import Session, Solution, SolveRequest, Text, Toolchain, embedded
from chipzinc.solve.backend import Exit, Held
from chipzinc.solve.minizinc_backend import MiniZincBackend
from chipzinc.solve.native import Native
from chipzinc.solve.pool import Pool
from tests.solve.conftest import HARD, IMPROVING, QUEENS, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs a process table in /proc")

Live = Callable[[], list[str]]

# Starts to solve the hard model, says so, and goes on until something ends it.
OWNER = """\
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background has it ignored
from chipzinc.solve import Session, SolveRequest, Text, Toolchain
from chipzinc.solve.toolchain import Solver
solver = Solver("{id}", "Chuffed", "1", ("chuffed",), frozenset({{"-a"}}), ())
with Session(Toolchain("{kind}", Path("{command}"), "2.10.0", (solver,))) as session:
    easy = SolveRequest(solver="chuffed", models=(Text("easy.mzn", "var 1..2: x; solve satisfy;"),))
    list(session.solve(easy))
    print("solving", flush=True)
    for event in session.solve(SolveRequest(solver="chuffed", models=(Text("hard.mzn", {model!r}),))):
        print(event, flush=True)
"""


def hard(**wanted: object) -> SolveRequest:
    return SolveRequest(solver="chuffed", models=(Text("hard.mzn", HARD),), **wanted)  # type: ignore[arg-type]


def owner(toolchain: Toolchain) -> subprocess.Popen[str]:
    """Start a process that owns a solve and wait until the solver is at work."""
    script = OWNER.format(id=toolchain.solver("chuffed").id, kind=toolchain.kind, command=toolchain.command, model=HARD)
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "solving\n"
    time.sleep(1.0)
    assert process.poll() is None
    return process


def test_closing_a_session_leaves_no_process(toolchain: Toolchain, marked: Live) -> None:
    with Session(toolchain) as session:
        data = Text("n.dzn", "n = 6;")
        list(session.solve(SolveRequest(solver="chuffed", models=(Text("queens.mzn", QUEENS),), data=(data,))))
        assert marked()  # the pool, or the guard
    assert marked() == []


def test_closing_the_iterator_ends_the_solver_at_once(toolchain: Toolchain, marked: Live) -> None:
    with Session(toolchain) as session:
        request = SolveRequest(solver="chuffed", models=(Text("model.mzn", IMPROVING),), time_limit_s=60.0)
        events = session.solve(request)
        assert any(isinstance(event, Solution) for event in events)
        before = processor_seconds(toolchain)
        begin = time.monotonic()
        events.close()  # type: ignore[attr-defined]
        assert time.monotonic() - begin < 1
        if toolchain.kind == "native":
            assert wait_until(lambda: not any("fzn-chuffed" in each for each in marked()), 2)
        else:
            time.sleep(1.5)  # the spare engine starts meanwhile
            settled = processor_seconds(toolchain)
            time.sleep(1.0)
            assert processor_seconds(toolchain) - settled < 0.5
            assert settled >= before
    assert marked() == []


def processor_seconds(toolchain: Toolchain) -> float:
    """The processor time of the pools that belong to this process."""
    ticks = 0
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and "pool.cjs" in (entry / "cmdline").read_text():
                ticks += int(fields[11]) + int(fields[12])
        except (OSError, ValueError):
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def test_a_killed_owner_leaves_no_solver(toolchain: Toolchain, marked: Live) -> None:
    process = owner(toolchain)
    process.kill()
    process.communicate()
    assert wait_until(lambda: marked() == [], 3), marked()


def test_ctrl_c_ends_owner_and_solver(toolchain: Toolchain, marked: Live) -> None:
    process = owner(toolchain)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=5)
    assert "KeyboardInterrupt" in words
    assert wait_until(lambda: marked() == [], 2), marked()


def test_a_time_limit_leaves_no_solver(toolchain: Toolchain, marked: Live) -> None:
    with Session(toolchain) as session:
        list(session.solve(hard(time_limit_s=1.0)))
        if toolchain.kind == "native":
            assert not any("fzn" in each or "minizinc" in each for each in marked())
    assert marked() == []


def test_a_pool_that_dies_again_is_an_error_and_the_next_run_has_another(embedded_toolchain: Toolchain) -> None:
    pool = Pool(embedded.locate())
    backend = MiniZincBackend(embedded_toolchain, pool)
    easy = SolveRequest(solver="gecode", models=(Text("easy.mzn", "var 2..2: x; solve satisfy;"),))
    try:
        run = pool.start(["--solver", "gecode", Held("easy.mzn")], {"easy.mzn": easy.models[0].text})
        first = pool._process
        os.kill(pool_number(pool), signal.SIGKILL)
        while pool._process is first:
            time.sleep(0.01)
        os.kill(pool_number(pool), signal.SIGKILL)
        assert run.read(60.0) == Exit(-1, "the embedded MiniZinc's process ended (signal 9)")
        assert any(isinstance(event, Solution) for event in backend.solve(easy))
    finally:
        backend.close()


def test_a_run_that_had_said_nothing_when_its_pool_died_begins_anew(embedded_toolchain: Toolchain) -> None:
    pool = Pool(embedded.locate())
    backend = MiniZincBackend(embedded_toolchain, pool)
    try:
        killer = subprocess.Popen(["sh", "-c", f"sleep 0.1; kill -9 {pool_number(pool)}"])
        flat = backend.flatten(SolveRequest(solver="gecode", models=(Text("hard.mzn", HARD),)))
        killer.wait()
        assert flat.constraints.count("int_lin_ne") == 16 * 15 // 2
    finally:
        backend.close()


def test_a_run_that_had_spoken_when_its_pool_died_is_an_error(embedded_toolchain: Toolchain) -> None:
    pool = Pool(embedded.locate())
    backend = MiniZincBackend(embedded_toolchain, pool)
    events = backend.solve(SolveRequest(solver="gecode", models=(Text("improving.mzn", IMPROVING),)))
    try:
        assert isinstance(next(event for event in events if isinstance(event, Solution)), Solution)
        os.kill(pool_number(pool), signal.SIGKILL)
        with pytest.raises(SolverError, match="process ended"):
            list(events)
    finally:
        backend.close()


def pool_number(pool: Pool) -> int:
    pool.warm()
    assert pool._process is not None
    return pool._process.pid


def test_a_solver_that_crashes_is_told_with_its_signal(native_toolchain: Toolchain, tmp_path: Path) -> None:
    check_native_failure(native_toolchain, tmp_path, "kill -SEGV $$", "signal 11")


def test_a_compiler_that_crashes_is_asked_once_more_in_two_passes(native_toolchain: Toolchain, tmp_path: Path) -> None:
    asked, real = tmp_path / "asked", native_toolchain.command
    script = f'echo "$@" >> {asked}\ncase "$*" in *-O2*) exec {real} "$@";; esac\nkill -ABRT $$'
    backend = native_backend(native_toolchain, tmp_path, script)
    flat = backend.flatten(hard(time_limit_s=20.0))
    backend.close()
    assert flat.text
    assert ["-O2" in line.split() for line in asked.read_text().splitlines()] == [False, True]


def test_a_solver_that_fails_is_told_with_its_last_words(native_toolchain: Toolchain, tmp_path: Path) -> None:
    check_native_failure(
        native_toolchain,
        tmp_path,
        "echo first; echo 'out of memory' >&2; exit 3",
        "not MiniZinc's protocol|out of memory",
    )


def test_a_solver_that_talks_nonsense_is_told_with_it(native_toolchain: Toolchain, tmp_path: Path) -> None:
    check_native_failure(native_toolchain, tmp_path, "echo 'Segmentation violation in libfoo'", "libfoo")


def test_a_solver_that_says_nothing_for_ever_is_ended(native_toolchain: Toolchain, tmp_path: Path) -> None:
    backend = native_backend(native_toolchain, tmp_path, "sleep 60")
    begin = time.monotonic()
    events = list(backend.solve(hard(time_limit_s=0.5)))
    backend.close()
    assert time.monotonic() - begin < 2.5
    assert events[-1].timed_out  # type: ignore[union-attr]


def check_native_failure(toolchain: Toolchain, folder: Path, script: str, words: str) -> None:
    backend = native_backend(toolchain, folder, script)
    with pytest.raises(SolverError, match=words) as caught:
        list(backend.solve(hard(time_limit_s=20.0)))
    backend.close()
    assert "\n" not in str(caught.value)


def native_backend(toolchain: Toolchain, folder: Path, script: str) -> MiniZincBackend:
    """A backend whose MiniZinc is a broken executable."""
    command = folder / "minizinc"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return MiniZincBackend(toolchain, Native(command))


def test_an_engine_that_breaks_is_an_error_and_not_used_again(embedded_toolchain: Toolchain) -> None:
    # A chain of calls deeper than an engine's stack.
    text = "function int: deep(int: n) = if n = 0 then 0 else deep(n - 1) + 1 endif;\n"
    text += "var 0..deep(10000000): x; solve satisfy;"
    with Session(embedded_toolchain) as session:
        with pytest.raises(SolverError):
            list(session.solve(SolveRequest(solver="gecode", models=(Text("deep.mzn", text),), time_limit_s=60.0)))
        easy = SolveRequest(solver="gecode", models=(Text("easy.mzn", "var 2..2: x; solve satisfy;"),))
        assert any(isinstance(event, Solution) for event in session.solve(easy))
