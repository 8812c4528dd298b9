"""`Apart`: the long proofs in a process of their own, which ends when it is told to, or with the process that began it.

HiGHS hears of nothing while it solves: a thread in it would outlive a search by seconds, and bring down a program that
ends meanwhile. The process reads a pickled `_Task` on stdin and writes a line of JSON a bound.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import chipzinc
from chipzinc.bounds.prove import prove_long
from chipzinc.bounds.simple import Bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import OpGraph
from chipzinc.hardware.package import Package
from chipzinc.priority import yield_more

_YIELD = 3  # steps of niceness once proofs seldom gain
_SLACK, _INFEASIBLE = "slack", "infeasible"


@dataclass(frozen=True, eq=False)
class _Task:
    """What to prove, and until when by `time.time()`."""

    graph: OpGraph
    package: Package
    known_us: float
    chained: bool
    deadline: float


class Apart:
    """Proves once; see the head of this file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def prove(
        self,
        graph: OpGraph,
        package: Package,
        known_us: float,
        chained: bool,
        time_limit_s: float,
        slackens: Callable[[], None],
    ) -> Iterator[Bound]:
        """`prove_long` in the process, which then yields to others; nothing more comes of it once it is ended.

        Raises:
            InfeasibleError: if a proof finds that no partition keeps the rules.
        """
        task = pickle.dumps(_Task(graph, package, known_us, chained, time.time() + time_limit_s))
        process = self._begun()
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(task)
            process.stdin.flush()
            for line in process.stdout:
                said: dict[str, Any] = json.loads(line)
                if _SLACK in said:
                    slackens()
                elif _INFEASIBLE in said:
                    raise InfeasibleError(said[_INFEASIBLE])
                else:
                    yield Bound(**said)
        except BrokenPipeError:  # ended before it read its task
            return
        finally:
            self.end()
            for pipe in (process.stdin, process.stdout):
                with suppress(BrokenPipeError):
                    pipe.close()

    def end(self) -> None:
        """Ends the process, if there is one, and lets none begin."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    def _begun(self) -> subprocess.Popen[bytes] | None:
        """Begins the process; None where there can be none."""
        root = str(Path(chipzinc.__file__).parents[1])  # last, should the process not find the toolkit by itself
        command = f"import sys; sys.path.append({root!r}); from {__name__} import main; main()"
        with self._lock, suppress(OSError):
            if not self._ended:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    process_group=0,  # Ctrl-C is for whoever began it
                )
                return self._process
        return None


def main() -> None:
    """Proves what stdin says, until that is closed."""
    say = _kept_stdout()
    try:
        task: _Task = pickle.load(sys.stdin.buffer)
    except (EOFError, pickle.UnpicklingError):  # whoever began it is gone
        return
    threading.Thread(target=_end_with_owner, daemon=True).start()

    def slackens() -> None:
        yield_more(_YIELD)
        print(json.dumps({_SLACK: True}), file=say, flush=True)

    left = task.deadline - time.time()
    try:
        for bound in prove_long(task.graph, task.package, task.known_us, task.chained, left, slackens):
            print(json.dumps(asdict(bound)), file=say, flush=True)
    except InfeasibleError as error:
        print(json.dumps({_INFEASIBLE: str(error)}), file=say, flush=True)


def _kept_stdout() -> IO[str]:
    """Stdout, out of reach of native code, which writes there now and then."""
    ours = os.dup(sys.stdout.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return os.fdopen(ours, "w", encoding="utf-8")


def _end_with_owner() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)
