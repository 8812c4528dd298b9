"""Parameters from a spec are read by the types that rule files declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chipzinc.errors import InputError
from chipzinc.hardware.package import RuleUse
from chipzinc.rules.catalogue import Rule, SelectedRule
from chipzinc.rules.parameters import op_sets, parameter_data, parameter_part
from chipzinc.rules.types import ArrayOf, Scalar, SetOf, TupleOf, has_single_op, parse_type
from tests.throughput.small import graph, package

SMALL = graph([(0, [1], 1), (1, [2], 1)], 3)
ON = package(chips=4)


def ops(*numbers: int) -> dict[str, list[int]]:
    return {"set": list(numbers)}


def selected(type_: str, value: Any) -> SelectedRule:
    text = f"{type_}: mine_x;\nfunction array[int] of var bool: mine(array[OP] of var CHIP: chip) = [];"
    return SelectedRule(Rule("mine", Path("mine.mzn"), text), RuleUse("mine", {"x": value}))


def read(type_: str, value: Any) -> Any:
    return parameter_data(selected(type_, value), SMALL, ON)["mine_x"]


@pytest.mark.parametrize(
    ("type_", "value", "data"),
    [
        ("int", 3, 3),
        ("int", 3.0, 3),
        ("float", 3, 3.0),
        ("bool", True, True),
        ("string", "a", "a"),
        ("OP", "op2", 3),
        ("CHIP", 3, 3),
        ("set of int", [3, 1, 3], {"set": [1, 3]}),
        ("set of CHIP", 2, {"set": [2]}),
        ("set of OP", "op[02]", ops(1, 3)),
        ("set of OP", ["op2", "op[01]"], ops(1, 2, 3)),
        ("array[int] of int", [3, 1], [3, 1]),
        ("array[CHIP] of int", [4, 3, 2, 1], [4, 3, 2, 1]),
        ("array[int] of set of OP", ["op0", ["op1", "op2"]], [ops(1), ops(2, 3)]),
        ("array[int] of tuple(set of OP, CHIP)", {"op[01]": 2, "op2": 0}, [[ops(1, 2), 2], [ops(3), 0]]),
        ("array[int] of tuple(set of OP, CHIP)", [[["op0", "op2"], 1]], [[ops(1, 3), 1]]),
        ("array[int] of tuple(OP, set of OP)", {"op0": ["op1", "op2"]}, [[1, ops(2, 3)]]),
        ("array[int, int] of set of OP", [["op0", "op1"], ["op2"]], [[ops(1), ops(2)], [ops(3), ops()]]),
        ("array[int, int] of int", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ("array[OP] of int", {"op.": 1, "op1": 5}, [1, 5, 1]),
        ("array[OP] of float", [1, 2, 3], [1.0, 2.0, 3.0]),
    ],
)
def test_a_value_is_read_by_its_type(type_: str, value: Any, data: Any) -> None:
    assert read(type_, value) == data


@pytest.mark.parametrize(
    ("type_", "value", "message"),
    [
        ("int", True, "expected a number"),
        ("int", 1.5, "expected a whole number"),
        ("int", float("inf"), "expected a number"),
        ("int", "3", "expected a number"),
        ("bool", 1, "expected true or false"),
        ("string", ["a"], "expected text"),
        ("string", None, "expected text"),
        ("OP", "op.", "matches 3 ops, expected one"),
        ("CHIP", 4, "there is no chip 4: expected one of 0 to 3"),
        ("CHIP", -1, "there is no chip -1"),
        ("set of OP", "op9", "matches no op"),
        ("set of OP", ["op0", "("], "no regular expression"),
        ("set of OP", [None], "expected the name of an op"),
        ("array[int] of int", 3, "expected a list"),
        ("array[CHIP] of int", [1], "1 values, expected one for each of 4"),
        ("array[OP] of int", {"op0": 1}, "no pattern matches the op 'op1'"),
        ("array[int, int] of int", [[1], [2, 3]], "rows of the same length"),
        ("array[int, int] of set of OP", ["op0"], "expected a list of lists"),
        ("array[int] of tuple(set of OP, CHIP)", "op0", "expected a list or a mapping"),
        ("array[int] of tuple(set of OP, CHIP)", [["op0"]], "expected a list of 2 values"),
    ],
)
def test_a_value_of_another_type_is_refused(type_: str, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=r"rules\.mine\.x") as refused:
        read(type_, value)
    assert message in refused.value.message


@pytest.mark.parametrize("type_", ["var int", "array[int, int, int] of int", "set of set of int", "opt int"])
def test_a_type_that_no_value_has_is_the_rule_files_fault(type_: str) -> None:
    with pytest.raises(ValueError, match="type"):
        parse_type(type_)


def test_types_are_read_as_trees() -> None:
    assert parse_type("array [int]  of tuple( set of OP , tuple(int, CHIP) )") == ArrayOf(
        ("int",), TupleOf((SetOf(Scalar("OP")), TupleOf((Scalar("int"), Scalar("CHIP")))))
    )
    assert has_single_op(parse_type("array[int] of tuple(OP, int)"))
    assert not has_single_op(parse_type("array[int] of tuple(set of OP, int)"))


@pytest.mark.parametrize(
    ("type_", "value", "part", "sets"),
    [
        ("set of OP", "op.", ops(1, 2), [[1, 2, 3]]),
        ("array[int] of set of OP", ["op0", "op1"], [ops(), ops(1)], [[1], [2]]),
        ("array[int] of tuple(set of OP, CHIP)", {"op[12]": 3}, [[ops(1, 2), 3]], [[2, 3]]),
        ("array[int, int] of set of OP", [["op0", "op2"]], [[ops(), ops(2)]], [[1], [3]]),
        ("array[OP] of int", {"op0": 7, "op1": 8, "op2": 9}, [8, 9], []),
        ("array[CHIP] of int", [1, 2, 3, 4], [1, 2, 3, 4], []),
        ("OP", "op1", None, [[2]]),
    ],
)
def test_a_part_of_the_graph_keeps_its_own_ops_and_every_set_is_found(
    type_: str, value: Any, part: Any, sets: list[list[int]]
) -> None:
    """The part is op1 and op2."""
    rule = selected(type_, value)
    data = parameter_data(rule, SMALL, ON)
    assert op_sets(rule, data) == sets
    if part is not None:
        assert parameter_part(rule, data, {2: 1, 3: 2})["mine_x"] == part
