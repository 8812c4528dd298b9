"""Groups heed what rules say of single ops; what fits as groups fits as ops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chipzinc.graph.opgraph import OpGraph
from chipzinc.grouping import group_ops, op_classes
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.rules.catalogue import selected_rules
from tests.throughput.small import graph, package


def chain(n_ops: int, *, weight: int = 1, kinds: list[str] | None = None) -> OpGraph:
    """A chain of equal ops after one that does nearly all the work, so that coarsening may join what it likes."""
    tensors = [(op, [op + 1] if op + 1 < n_ops else [], 1) for op in range(n_ops)]
    weights = [(weight, [op]) for op in range(n_ops)] + [(10**6, [0])]
    return graph(tensors, n_ops, flops=[1e9] + [0.0] * (n_ops - 1), kinds=kinds, weights=weights)


def with_rules(on: Package, *rules: RuleUse) -> Package:
    return replace(on, rules=rules)


ROOMY = package(chips=3, sram="10 MB")


def groups(model: OpGraph, on: Package) -> list[int]:
    return group_ops(model, on).group_of.tolist()


def test_a_chain_that_no_rule_looks_into_is_one_group() -> None:
    assert groups(chain(5), ROOMY) == [0] * 5


@pytest.mark.parametrize(
    "use",
    [
        RuleUse("pinned", {"pins": {"op[34]": 2}}),
        RuleUse("colocated", {"groups": [["op3", "op4"]]}),
        RuleUse("separated", {"groups": [["op[34]", "op[012]"]]}),
    ],
    ids=lambda use: use.name,
)
def test_ops_that_a_rule_singles_out_share_no_group_with_others(use: RuleUse) -> None:
    found = groups(chain(5), with_rules(ROOMY, use))
    assert not set(found[:3]) & set(found[3:])


def test_a_soft_rule_splits_nothing() -> None:
    use = RuleUse("pinned", {"pins": {"op3": 2}}, soft_weight=1.0)
    assert groups(chain(5), with_rules(ROOMY, use)) == [0] * 5


def test_ops_for_different_chips_share_no_group_where_that_is_a_rule() -> None:
    kinds = ["matmul", "matmul", "softmax", "softmax"]
    mixed = replace(ROOMY, chip_class=("a", "a", "b"), supported_kinds={"a": ("matmul",), "b": ("softmax",)})
    assert groups(chain(4, kinds=kinds), mixed) == [0] * 4
    assert groups(chain(4, kinds=kinds), with_rules(mixed, RuleUse("supported_kinds"))) == [0, 0, 1, 1]


def test_a_group_that_no_chip_holds_is_split_first() -> None:
    small = package(chips=3, sram="1000300 B")
    assert groups(chain(5, weight=100), with_rules(small, RuleUse("memory_capacity"))) == [0, 1, 2, 3, 4]
    assert groups(chain(5, weight=1), with_rules(small, RuleUse("memory_capacity"))) == [0] * 5


def test_a_group_of_more_ops_than_a_chip_may_have_is_split_first() -> None:
    assert groups(chain(5), with_rules(ROOMY, RuleUse("max_ops_per_chip", {"limit": 4}))) == [0, 1, 2, 3, 4]
    assert groups(chain(5), with_rules(ROOMY, RuleUse("max_ops_per_chip", {"limit": 5}))) == [0] * 5


def test_ops_of_one_class_are_those_in_the_same_sets() -> None:
    use = RuleUse("colocated", {"groups": [["op0", "op1", "op2"], ["op1", "op2", "op3"]]})
    on = with_rules(ROOMY, use)
    classes = op_classes(chain(5), on, selected_rules(on))
    assert [np.flatnonzero(classes == each).tolist() for each in dict.fromkeys(classes)] == [[0], [1, 2], [3], [4]]
