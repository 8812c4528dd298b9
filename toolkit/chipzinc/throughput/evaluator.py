"""Who judges a partition: the throughput model, or a command that knows the real package.

To add another judge, write a class with the one method of `Evaluator`. Knows neither rules nor how a plan is laid
out: whoever makes a `CommandEvaluator` hands it a function that turns a partition into a plan's document.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from chipzinc.errors import InputError, NoAnswerError
from chipzinc.graph.opgraph import IntArray
from chipzinc.throughput.model import ThroughputModel


@dataclass(frozen=True)
class Score:
    """A judge's answer for one partition.

    Attributes:
        interval_us: µs between two results; infinite where the judge says that the partition does not run.
        details: whatever else the judge answered.
    """

    interval_us: float
    details: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Evaluator(Protocol):
    """Scores partitions."""

    def score(self, chips: IntArray) -> list[Score]:
        """Scores a batch of partitions of shape [sample, op], one score each."""
        ...


class ModelEvaluator:
    """The throughput model as a judge."""

    def __init__(self, model: ThroughputModel) -> None:
        self.model = model

    def score(self, chips: IntArray) -> list[Score]:
        """Scores by the model's interval."""
        return [Score(float(interval)) for interval in self.model.evaluate(chips).interval_us]


class CommandEvaluator:
    """A command of the user's as a judge; with it there is no bound and no gap, since the model's would not hold.

    The command runs once per partition and gets a plan as JSON, both on standard input and in a file whose path is
    its last argument. It answers one JSON object on standard output: ``interval_us``, a number above 0, or null for
    a partition that does not run on the package; anything else in it is kept.

    Args:
        command: the command line, split as a shell splits words; no shell runs it.
        plan: turns a partition of shape [op] into a plan's document of plain data.
        timeout_s: seconds after which the command is stopped.

    Raises:
        InputError: if the command line is empty, its quotes do not close, or there is no such command.
    """

    def __init__(self, command: str, plan: Callable[[IntArray], Mapping[str, Any]], timeout_s: float = 60.0) -> None:
        try:
            self.arguments = shlex.split(command)
        except ValueError as error:
            raise InputError(f"not a command line: {error}", field="--evaluate-with") from error
        if not self.arguments:
            raise InputError("expected a command", field="--evaluate-with")
        if shutil.which(self.arguments[0]) is None:
            raise InputError(f"'{self.arguments[0]}' cannot be run: no such executable", field="--evaluate-with")
        self.plan, self.timeout_s = plan, timeout_s

    def score(self, chips: IntArray) -> list[Score]:
        """Runs the command for each partition.

        Raises:
            InputError: if it cannot be run.
            NoAnswerError: if it fails, takes too long, or answers something else than agreed.
        """
        return [self._answer(self._run(json.dumps(self.plan(chip)))) for chip in chips]

    def _run(self, document: str) -> str:
        name = self.arguments[0]
        with tempfile.TemporaryDirectory(prefix="chipzinc-") as folder:
            file = Path(folder) / "plan.json"
            file.write_text(document, encoding="utf-8")
            try:
                process = subprocess.Popen(
                    [*self.arguments, str(file)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                raise InputError(f"'{name}' cannot be run: {error.strerror}", field="--evaluate-with") from error
            try:
                answer, complaint = process.communicate(document.encode(), self.timeout_s)
            except subprocess.TimeoutExpired as error:
                raise NoAnswerError(f"'{name}' gave no answer within {self.timeout_s:g} s") from error
            finally:
                _end(process)
        if process.returncode != 0:
            last_words = ["", *complaint.decode(errors="replace").strip().splitlines()][-1]
            code = process.returncode
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise NoAnswerError(f"'{name}' ended with {how}: {last_words}".rstrip(": "))
        return answer.decode(errors="replace")

    def _answer(self, text: str) -> Score:
        name = self.arguments[0]
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise NoAnswerError(f"'{name}' answered no JSON: {text.strip()[:80]!r}") from error
        if not isinstance(answer, dict) or "interval_us" not in answer:
            raise NoAnswerError(f"'{name}' answered no JSON object with 'interval_us': {text.strip()[:80]!r}")
        details = {key: value for key, value in answer.items() if key != "interval_us"}
        interval = answer["interval_us"]
        if interval is None:
            return Score(math.inf, details)
        if isinstance(interval, bool) or not isinstance(interval, (int, float)) or not 0 < interval < math.inf:
            raise NoAnswerError(f"'{name}' answered interval_us {interval!r}, expected a number above 0 or null")
        return Score(float(interval), details)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leaves nothing running that the command started, however the wait for it ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
