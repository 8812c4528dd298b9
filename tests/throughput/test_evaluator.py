"""Judges of a partition: the model, and commands that answer well, badly, or not at all."""

from __future__ import annotations

import math
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError, NoAnswerError
from chipzinc.graph.opgraph import IntArray
from chipzinc.throughput.evaluator import CommandEvaluator, Evaluator, ModelEvaluator
from chipzinc.throughput.model import ThroughputModel
from tests.processes import is_running
from tests.throughput.small import graph, package

CHIPS = np.array([[0, 1], [1, 1]])


def plan(chip: IntArray) -> dict[str, object]:
    return {"assignment": {f"op{op}": int(d) for op, d in enumerate(chip)}}


def command(script: str, tmp_path: Path, timeout_s: float = 20) -> CommandEvaluator:
    file = tmp_path / "judge.py"
    file.write_text("import json, sys\n" + script)
    return CommandEvaluator(shlex.join([sys.executable, "-I", "-S", str(file)]), plan, timeout_s)


def test_the_model_judges_by_its_interval() -> None:
    model = ThroughputModel(graph([(0, [1], 7)], 2, flops=[3, 4]), package())
    judge: Evaluator = ModelEvaluator(model)
    assert [score.interval_us for score in judge.score(CHIPS)] == model.evaluate(CHIPS).interval_us.tolist()


def test_a_command_gets_the_plan_on_its_input_and_in_a_file_and_judges_each_partition(tmp_path: Path) -> None:
    script = """
plan = json.load(sys.stdin)
assert plan == json.load(open(sys.argv[-1]))
print(json.dumps({"interval_us": 10 + plan["assignment"]["op0"], "watts": 2}))
"""
    scores = command(script, tmp_path).score(CHIPS)
    assert [score.interval_us for score in scores] == [10, 11]
    assert scores[0].details == {"watts": 2}


def test_a_command_may_say_that_a_partition_does_not_run(tmp_path: Path) -> None:
    (score,) = command("print(json.dumps({'interval_us': None, 'why': 'too hot'}))", tmp_path).score(CHIPS[:1])
    assert (score.interval_us, score.details) == (math.inf, {"why": "too hot"})


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("sys.exit('no such board')", "ended with exit code 1: no such board"),
        ("sys.exit(7)", "ended with exit code 7"),
        ("print('fast')", "answered no JSON: 'fast'"),
        ("pass", "answered no JSON: ''"),
        ("print([1])", "answered no JSON object with 'interval_us'"),
        ("print('{}')", "answered no JSON object with 'interval_us'"),
        ("print(json.dumps({'interval_us': '3'}))", "expected a number above 0 or null"),
        ("print(json.dumps({'interval_us': 0}))", "expected a number above 0 or null"),
        ("print(json.dumps({'interval_us': True}))", "expected a number above 0 or null"),
        ("print('{\"interval_us\": NaN}')", "expected a number above 0 or null"),
    ],
)
def test_a_bad_answer_is_no_answer(script: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError, match=message):
        command(script, tmp_path).score(CHIPS[:1])


def test_a_command_that_reads_nothing_may_answer(tmp_path: Path) -> None:
    large = {"padding": "x" * 1_000_000}
    judge = command("print(json.dumps({'interval_us': 1}))", tmp_path)
    judge.plan = lambda chip: large
    assert judge.score(CHIPS[:1])[0].interval_us == 1


def test_a_slow_command_is_ended_with_all_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"""
import subprocess, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"])
open({str(started)!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    before = time.monotonic()
    with pytest.raises(NoAnswerError, match="no answer within 2 s"):
        command(script, tmp_path, timeout_s=2).score(CHIPS[:1])
    assert time.monotonic() - before < 20
    assert not is_running(int(started.read_text()))


@pytest.mark.parametrize(
    ("line", "message"),
    [("", "expected a command"), ("'open", "not a command line"), ("no-such-command-here", "cannot be run")],
)
def test_a_command_that_cannot_be_run_is_an_error_of_the_input(line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CommandEvaluator(line, plan).score(CHIPS[:1])
