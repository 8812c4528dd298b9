"""An op that fits no chip ends `partition` with exit code 1, and is named together with the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.graph.io import save_graph
from tests.cli.conftest import Cli
from tests.throughput.small import graph

SPEC = """\
name: small
chips:
  - {{class: a, count: 2, peak: 1 TOPS, sram: 100 B, sram_bandwidth: 1 GB/s{a}}}
  - {{class: b, count: 1, peak: 1 TOPS, sram: 60 B, sram_bandwidth: 1 GB/s{b}}}
topology: {{kind: ring-two-way, link_bandwidth: 1 GB/s}}
rules: {rules}
"""


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """The file of op0 -> op1 -> op2 -> op3 with kinds and weights of their own; op2 needs most memory."""
    file = tmp_path / "chain.json.gz"
    tensors = [(0, [1], 5), (1, [2], 5), (2, [3], 5), (3, [], 5)]
    kinds = ["embedding", "matmul", "conv", "softmax"]
    save_graph(graph(tensors, 4, kinds=kinds, weights=[(10, [0]), (50, [1]), (90, [2]), (1, [3])]), file)
    return file


def spec(chain: Path, rules: str, a: str = "", b: str = "") -> Path:
    file = chain.parent / "small.yaml"
    file.write_text(SPEC.format(rules=rules, a=a, b=b))
    return file


def test_an_op_that_no_chip_can_hold(cli: Cli, chain: Path) -> None:
    hardware = spec(chain, "[acyclic_dataflow, no_skipped_chips, memory_capacity]")
    assert cli("partition", chain, "--hw", hardware).status == 0
    hardware.write_text(hardware.read_text().replace("100 B", "99 B"))
    ended = cli("partition", chain, "--hw", hardware, "--json")
    assert ended.status == 1
    assert (ended.json["rule"], ended.json["op"]) == ("memory_capacity", "op2")
    said = "the op 'op2' fits no chip: it needs 100 bytes at once, and none has more than 99"
    assert said in ended.err.splitlines()[-1]


def test_an_op_that_no_chip_can_run(cli: Cli, chain: Path) -> None:
    some = ", supported_kinds: [embedding, matmul, conv]"
    hardware = spec(chain, "[supported_kinds]", a=some, b=some)
    ended = cli("partition", chain, "--hw", hardware, "--json")
    assert (ended.status, ended.json["rule"], ended.json["op"]) == (1, "supported_kinds", "op3")


def test_an_op_that_fits_by_one_rule_and_may_run_by_another_but_nowhere_by_both(cli: Cli, chain: Path) -> None:
    hardware = spec(chain, "[memory_capacity, supported_kinds]", a=", supported_kinds: [embedding, matmul, softmax]")
    ended = cli("partition", chain, "--hw", hardware, "--json")
    assert (ended.status, ended.json["rule"], ended.json["op"]) == (1, "supported_kinds", "op2")
    assert "on 2 of 3 chips" in ended.err


def test_where_only_several_ops_break_a_rule_none_is_blamed(cli: Cli, chain: Path) -> None:
    hardware = spec(chain, "[{name: max_ops_per_chip, parameters: {limit: 1}}]")
    ended = cli("partition", chain, "--hw", hardware, "--json")
    assert (ended.status, ended.json["rule"], ended.json["op"]) == (1, None, None)


def test_an_op_that_a_users_own_rule_allows_nowhere(cli: Cli, chain: Path) -> None:
    (chain.parent / "no_softmax.mzn").write_text(
        "/***\n@groupdef no_softmax No softmax.\n\n@hereditary\n*/\n"
        "function array[int] of var bool: no_softmax(array[OP] of var CHIP: chip) =\n"
        '  [chip[o] < 0 \\/ op_kind[o] != "softmax" | o in OP];\n'
    )
    ended = cli("partition", chain, "--hw", spec(chain, "[memory_capacity, no_softmax]"), "--json")
    assert (ended.status, ended.json["rule"], ended.json["op"]) == (1, "no_softmax", "op3")
