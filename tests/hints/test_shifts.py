"""The search by shifting is compiled once a machine, beside the work, and not waited for beyond the time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.shifts import Shifts, search_is_kept

SCRIPT = """
import numpy as np, time
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.hints.shifts import Shifts, search_is_kept
graph, package = load_zoo_graph("resnet20-cifar"), load_spec("mcm16-ring")
shifts = Shifts(graph, package, group_ops(graph, package))
chips = np.arange(graph.n_ops) * 8 // graph.n_ops
before, begin = search_is_kept(), time.monotonic()
found = shifts.find(chips, {seconds}, 0, 0, {moves})
print(before, found is not None, time.monotonic() - begin < 10)
"""


def said(home: Path, seconds: str, moves: str) -> list[str]:
    """What a fresh process with a cache of its own says."""
    environment = os.environ | {"XDG_CACHE_HOME": str(home)}
    script = SCRIPT.format(seconds=seconds, moves=moves)
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.split()


@pytest.mark.slow
def test_the_search_is_compiled_beside_the_work_and_kept(tmp_path: Path) -> None:
    assert said(tmp_path, "0.5", "None") == ["False", "False", "True"]  # the compiling goes on without that process
    assert said(tmp_path, "np.inf", "20_000")[1] == "True"
    assert said(tmp_path, "2.0", "20_000") == ["True", "True", "True"]


def test_single_ops_and_groups_are_shifted_to_shorter_partitions() -> None:
    graph, package = load_zoo_graph("resnet20-cifar"), load_spec("mcm16-ring")
    shifts = Shifts(graph, package, group_ops(graph, package))
    chips = np.arange(graph.n_ops) * 8 // graph.n_ops
    for turn in range(4):
        found = shifts.find(chips, np.inf, 0, turn, 20_000)
        assert found is not None
        assert len(found) == graph.n_ops
    assert search_is_kept()


def test_searches_side_by_side_find_what_each_finds_alone() -> None:
    graph, package = load_zoo_graph("resnet20-cifar"), load_spec("mcm16-ring")
    shifts = Shifts(graph, package, group_ops(graph, package))
    chips = np.arange(graph.n_ops) * 8 // graph.n_ops
    alone = [shifts.find(chips, np.inf, turn, turn, 20_000) for turn in range(3)]
    each = shifts.each([chips] * 3, np.inf, 0, range(3), 20_000)
    assert any(found is not None for found in each)
    for found, other in zip(each, alone, strict=True):
        np.testing.assert_array_equal(found, other)


def test_a_search_that_is_stopped_ends_before_its_time() -> None:
    graph, package = load_zoo_graph("resnet20-cifar"), load_spec("mcm16-ring")
    shifts = Shifts(graph, package, group_ops(graph, package))
    chips = np.arange(graph.n_ops) * 8 // graph.n_ops
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(len(asked) == 3)
        return asked[-1]

    assert shifts.find(chips, np.inf, 0, stopped=stopped) is not None
    assert asked == [False, False, False, True]
