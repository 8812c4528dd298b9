"""Long proofs in a process of their own say what they say here, and end with whoever began them."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from chipzinc.bounds.apart import Apart
from chipzinc.bounds.prove import prove_long
from chipzinc.bounds.simple import simple_bound
from chipzinc.errors import InfeasibleError
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import RuleUse
from tests.bounds.packages import RULES
from tests.processes import is_running
from tests.throughput.small import graph, package

needs_processes = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a process table in /proc")


def test_the_bounds_are_those_proven_here() -> None:
    model = graph([(op, [op + 1, op + 2], 5) for op in range(8)], 10, flops=[10] * 10)
    on = package(chips=4, sram="1 kB", more=RULES)
    known = simple_bound(model, on).value_us
    slackened: list[str] = []
    here = list(prove_long(model, on, known, False, 20, lambda: slackened.append("here")))
    apart = list(Apart().prove(model, on, known, False, 20, lambda: slackened.append("apart")))
    assert here
    assert [(bound.name, pytest.approx(bound.value_us)) for bound in apart] == [(b.name, b.value_us) for b in here]
    assert slackened == ["here", "apart"]


def test_what_cannot_be_is_told() -> None:
    model = graph([(0, [1], 1)], 2, flops=[10, 10], weights=[(600, [0]), (600, [1])])
    on = package(chips=3, sram="1000 B", more="rules: [acyclic_dataflow, memory_capacity]")
    together = RuleUse("colocated", parameters={"groups": [[*model.op_names]]})
    on = dataclasses.replace(on, rules=(*on.rules, together))
    with pytest.raises(InfeasibleError, match="can hold"):
        list(Apart().prove(model, on, 1e-3, False, 20, lambda: None))


def test_a_proof_ends_when_it_is_told_to() -> None:
    model, on = load_zoo_graph("nasnet-a-mobile"), load_spec("mcm16-ring")
    apart = Apart()
    threading.Timer(3.0, apart.end).start()
    begin = time.monotonic()
    list(apart.prove(model, on, simple_bound(model, on).value_us, False, 60, lambda: None))
    assert 2.5 < time.monotonic() - begin < 15
    assert list(apart.prove(model, on, 1.0, False, 60, lambda: None)) == []


OWNER = """
import threading, time
from chipzinc.bounds.apart import Apart
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec

apart = Apart()
work = lambda: list(apart.prove(load_zoo_graph("nasnet-a-mobile"), load_spec("mcm16-ring"), 1.0, False, 60, int))
threading.Thread(target=work, daemon=True).start()
time.sleep(6)
print(apart._process.pid, flush=True)
time.sleep(60)
"""


@needs_processes
def test_a_proof_ends_with_a_program_that_is_killed() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner:
        proof = int(owner.stdout.readline())
        assert is_running(proof)
        os.kill(owner.pid, signal.SIGKILL)
    assert not is_running(proof)


PROGRAM = """
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import Greedy
from chipzinc.improve import optimise
from chipzinc.solve import Session

with Session() as session:
    graph, package = load_zoo_graph("nasnet-a-mobile"), load_spec("mcm16-ring")
    found = optimise(graph, package, session=session, worker=Session, hints=Greedy(), time_limit_s=8)
print(found.verdict.valid)
"""


def test_a_program_ends_well_while_a_proof_is_at_work() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "True\n", "")
