"""Runs a native MiniZinc: one process a run, in a session of its own, that never outlives the run or this process.

A `Driver`; must not know what is solved.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from chipzinc.errors import SolverError
from chipzinc.solve.backend import Exit, Held
from chipzinc.solve.guard import kill_session

_CHUNK = 1 << 16


class Native:
    """Starts runs of one executable, and a guard that ends them should this process be killed."""

    def __init__(self, command: Path) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._guard: subprocess.Popen[bytes] | None = None
        self._runs: set[_NativeRun] = set()

    def start(
        self,
        words: Sequence[str | Held],
        texts: Mapping[str, str],
        outputs: Sequence[str] = (),
        program: Path | None = None,
    ) -> _NativeRun:
        """Start a run; see `Driver.start`. Held files lie in a temporary folder as long as the run lasts."""
        folder = tempfile.TemporaryDirectory(prefix="chipzinc-")
        try:
            for name, text in texts.items():
                Path(folder.name, name).write_text(text, encoding="utf-8")
            arguments = [str(Path(folder.name, word.name)) if isinstance(word, Held) else word for word in words]
            command = program or self._command
            with self._lock:
                run = _NativeRun(self, [str(command), *arguments], folder, outputs)
                self._runs.add(run)
                self._tell_guard(run.process.pid)
        except OSError as error:
            folder.cleanup()
            raise SolverError(f"cannot start {program or self._command}: {error}") from None
        return run

    def close(self) -> None:
        """End every run, and the guard. What a run holds is released by whoever reads it."""
        with self._lock:
            runs, guard, self._guard = list(self._runs), self._guard, None
        for run in runs:
            run.stop()
        if guard is not None:
            assert guard.stdin is not None
            with contextlib.suppress(OSError):
                guard.stdin.close()
            guard.wait()

    def forget(self, run: _NativeRun) -> None:
        """Take note that a run has ended."""
        with self._lock:
            if run in self._runs:
                self._runs.remove(run)
                if self._guard is not None:
                    self._tell_guard(-run.process.pid)

    def _tell_guard(self, number: int) -> None:
        if self._guard is None or self._guard.poll() is not None:
            script = str(Path(__file__).with_name("guard.py"))
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._guard.stdin is not None
        with contextlib.suppress(OSError):
            self._guard.stdin.write(f"{number}\n".encode())
            self._guard.stdin.flush()


class _NativeRun:
    """A MiniZinc process; see `Run`."""

    def __init__(
        self,
        driver: Native,
        words: Sequence[str],
        folder: tempfile.TemporaryDirectory[str],
        outputs: Sequence[str],
    ) -> None:
        self.folder = folder.name
        self._driver, self._held, self._outputs = driver, folder, outputs
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in the terminal does not reach it, and all it starts can be found by it.
            start_new_session=True,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._stopped = False
        self._rest = b""
        self._lines: list[bytes] = []
        self._words = b""
        self._pipes = selectors.DefaultSelector()
        for pipe in (self.process.stdout, self.process.stderr):
            os.set_blocking(pipe.fileno(), False)
            self._pipes.register(pipe, selectors.EVENT_READ)

    def read(self, timeout_s: float | None) -> str | Exit:
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._lines:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError
            if not self._pipes.get_map():
                return self._finished(left)
            for key, _ in self._pipes.select(left):
                self._take(key.fileobj)
        return self._lines.pop(0).decode("utf-8", errors="replace")

    def _take(self, pipe: object) -> None:
        chunk = os.read(pipe.fileno(), _CHUNK)  # type: ignore[attr-defined]
        if not chunk:
            self._pipes.unregister(pipe)  # type: ignore[arg-type]
        if pipe is self.process.stderr:
            self._words = (self._words + chunk)[-_CHUNK:]
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if not chunk and self._rest:
            lines, self._rest = [self._rest], b""
        self._lines += [line for line in lines if line.strip()]

    def _finished(self, timeout_s: float | None) -> Exit:
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        if self._stopped:
            return Exit(-1, "the run was ended")
        outputs = {name: _text(Path(self.folder, name)) for name in self._outputs}
        return Exit(code, self._words.decode("utf-8", errors="replace"), outputs)

    def stop(self) -> None:
        """Kill what runs; the reader then sees its end. Safe to call from another thread than the reader's."""
        self._stopped = True
        kill_session(self.process.pid)

    def kill(self) -> None:
        # Also after a run that ended by itself: a solver could have stayed behind.
        self.stop()
        self.process.wait()
        self._pipes.close()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self._driver.forget(self)
        self._held.cleanup()


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None
