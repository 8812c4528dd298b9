"""Runs the embedded MiniZinc: a pool process with warm engines, bound to the life of this one.

A `Driver`; must not know what is solved.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from chipzinc.errors import SolverError
from chipzinc.solve.backend import Exit, Held
from chipzinc.solve.embedded import HERE, Place

#: Held files have no place on disk; any folder that no host path begins with will do.
_FOLDER = "/chipzinc-held"
_KEEP_S = 60.0


class Pool:
    """One Node.js process that keeps ``spare`` engines started ahead of need.

    It is started by the first run, ends with `close`, and ends by itself when this process goes, since its stdin then
    closes. A run takes an engine for itself and throws it away after: the solvers keep state between runs. Should the
    process be killed, runs that had said nothing yet begin anew in another, once.

    Args:
        place: the installed MiniZinc.
        spare: engines started ahead of need.
        code: a file of `keep_compiled` to begin with; None for the one that stays beside the package, if it is there.
    """

    def __init__(self, place: Place, spare: int = 1, code: Path | None = None) -> None:
        self._words = [str(place.node), str(HERE / "pool.cjs"), str(place.distribution), str(spare)]
        if code is not None:
            self._words.append(str(code))
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._numbers = itertools.count(1)
        self._runs: dict[int, _PoolRun] = {}

    def warm(self) -> None:
        """Start the engines now, in the background, so that the first run finds one."""
        with self._lock:
            self._started()

    def start(
        self,
        words: Sequence[str | Held],
        texts: Mapping[str, str],
        outputs: Sequence[str] = (),
        program: Path | None = None,
    ) -> _PoolRun:
        """Start a run; see `Driver.start`. Files on disk are read by the pool, includes followed."""
        if program is not None:
            raise SolverError(f"the embedded MiniZinc cannot start {program}")
        with self._lock:
            number = next(self._numbers)
            request = {
                "id": number,
                "args": [f"{_FOLDER}/{word.name}" if isinstance(word, Held) else word for word in words],
                "texts": {f"{_FOLDER}/{name}": text for name, text in texts.items()},
            }
            run = _PoolRun(self, number, json.dumps(request))
            self._begin(run)
        return run

    def _begin(self, run: _PoolRun) -> None:
        """Hand a run to the process there is, or to a new one."""
        run.process = self._started()
        self._runs[run.number] = run
        self._send(run.process, run.request)

    def keep_compiled(self, file: Path) -> None:
        """Write to a file what the process has compiled of the engine, for other processes to begin with.

        Raises:
            SolverError: it was not kept.
        """
        with self._lock:
            number = next(self._numbers)
            run = _PoolRun(self, number, json.dumps({"id": number, "keep": str(file)}))
            run.repeated = True  # another process would have compiled nothing
            self._begin(run)
        try:
            end = run.read(_KEEP_S)
        except TimeoutError:
            end = Exit(-1, f"no answer in {_KEEP_S:g} s")
        if not isinstance(end, Exit) or end.code != 0:
            raise SolverError(f"the embedded MiniZinc's code was not kept: {end}")

    def close(self) -> None:
        """End the process and with it every run."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and self._listener is not None:
            process.kill()
            self._listener.join()

    def cancel(self, number: int) -> None:
        """End a run at once; does nothing if it has ended."""
        with self._lock:
            if self._runs.pop(number, None) is not None and self._process is not None:
                self._send(self._process, json.dumps({"id": number, "cancel": True}))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            last_words = tempfile.TemporaryFile()  # noqa: SIM115 (the listener closes it)
            try:
                self._process = subprocess.Popen(
                    self._words,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=last_words,
                    text=True,
                    encoding="utf-8",
                    # Ctrl-C in a terminal goes to the whole process group; here it must reach Python only.
                    start_new_session=True,
                )
            except OSError as error:
                last_words.close()
                raise SolverError(f"cannot start the embedded MiniZinc: {error}") from None
            self._listener = threading.Thread(
                target=self._listen, args=(self._process, last_words), name="chipzinc-pool", daemon=True
            )
            self._listener.start()
        return self._process

    def _send(self, process: subprocess.Popen[str], line: str) -> None:
        # A pool that is gone closes its runs through _listen.
        with contextlib.suppress(OSError, ValueError):
            assert process.stdin is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()

    def _listen(self, process: subprocess.Popen[str], words: IO[bytes]) -> None:
        """Hand every line of the pool to its run; when it ends, begin anew or end what it left undone."""
        assert process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in process.stdout:
                self._hand_out(line)
        process.wait()
        process.stdout.close()
        with words:
            end = Exit(-1, _last_words(process.returncode, words))
        with self._lock:
            if process.stdin is not None:
                # What was written and not read breaks the pipe again when it is flushed.
                with contextlib.suppress(OSError):
                    process.stdin.close()
            left = [run for run in self._runs.values() if run.process is process]
            for run in left:
                del self._runs[run.number]
                # Whoever waits has seen nothing of it yet; a run that ends a second process is at fault itself.
                if self._process is not None and run.quiet and not run.repeated:
                    run.repeated = True
                    with contextlib.suppress(SolverError):
                        self._begin(run)
        for run in left:
            if run.process is process:
                run.put(end)

    def _hand_out(self, line: str) -> None:
        try:
            said = json.loads(line)
            number = said["id"]
        except (ValueError, KeyError, TypeError):
            return
        with self._lock:
            run = self._runs.pop(number, None) if "exit" in said else self._runs.get(number)
            if run is None:
                return
            run.quiet = False
        run.put(_exit(said["exit"]) if "exit" in said else json.dumps(said["message"]))


def _last_words(code: int, words: IO[bytes]) -> str:
    """One line that says how the process ended, with what it said of that itself."""
    words.seek(0)
    said = [line.strip() for line in words.read().decode(errors="replace").splitlines() if "rror" in line]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"the embedded MiniZinc's process ended ({how}{': ' + said[-1] if said else ''})"


def _exit(said: Mapping[str, Any]) -> Exit:
    outputs = {name.removeprefix(f"{_FOLDER}/"): text for name, text in (said.get("outputFiles") or {}).items()}
    return Exit(int(said.get("code") or 0), str(said.get("message") or said.get("stderr") or ""), outputs)


class _PoolRun:
    """A run in the pool; see `Run`."""

    folder = _FOLDER

    def __init__(self, pool: Pool, number: int, request: str) -> None:
        self.number, self.request = number, request
        self.process: subprocess.Popen[str] | None = None
        self.quiet, self.repeated = True, False
        self._pool = pool
        self._said: queue.SimpleQueue[str | Exit] = queue.SimpleQueue()

    def put(self, said: str | Exit) -> None:
        self._said.put(said)

    def read(self, timeout_s: float | None) -> str | Exit:
        try:
            return self._said.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None

    def kill(self) -> None:
        self._pool.cancel(self.number)
