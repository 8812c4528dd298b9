"""The command line in this process, as `chipzinc ...` would run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chipzinc.cli.app import app
from chipzinc.cli.failures import run
from chipzinc.graph.io import save_graph
from tests.graph.graphs import graph_of


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ended]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command line."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def ended(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["chipzinc", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            run(app)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(int(left.value.code or 0), captured.out, captured.err)

    return ended


@pytest.fixture
def diamond(tmp_path: Path) -> Path:
    """The graph file of four ops: op0 feeds op1 and op2, which feed op3."""
    file = tmp_path / "diamond.json.gz"
    save_graph(graph_of([[1, 2], [3], [3], []], name="diamond"), file)
    return file


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """The spec of three chips on a one-way ring under two rules: little to compile."""
    file = tmp_path / "ring.yaml"
    file.write_text(
        "name: ring\n"
        "chips: [{class: c, count: 3, peak: 1 TOPS, sram: 1 kB, sram_bandwidth: 1 GB/s}]\n"
        "topology: {kind: ring-one-way, link_bandwidth: 1 GB/s}\n"
        "rules: [acyclic_dataflow, memory_capacity]\n"
    )
    return file
