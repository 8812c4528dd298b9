"""Reading what MiniZinc says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.errors import InputError, SolverError
from chipzinc.solve import Message, Solution
from chipzinc.solve.flatzinc import read_dzn
from chipzinc.solve.stream import read_line

NUMBER = st.integers(-(2**31), 2**31)


def said(**fields: Any) -> str:
    return json.dumps(fields)


@given(st.dictionaries(st.from_regex(r"[a-z]\w{0,5}", fullmatch=True), st.lists(NUMBER | st.booleans(), max_size=4)))
def test_arrays_printed_by_a_solver_read_back(values: dict[str, list[Any]]) -> None:
    lines = [f"{name} = array1d(1..{len(array)},{json.dumps(array)});" for name, array in values.items()]
    assert read_dzn("\n".join(lines)) == values


@given(st.integers(1, 3), st.integers(1, 3), st.integers(-3, 3), st.data())
def test_two_dimensional_arrays_keep_their_rows(rows: int, columns: int, first: int, data: st.DataObject) -> None:
    array = data.draw(st.lists(NUMBER, min_size=rows * columns, max_size=rows * columns))
    text = f"a = array2d({first}..{first + rows - 1}, 0..{columns - 1}, {array});"
    assert read_dzn(text) == {"a": [array[row * columns : (row + 1) * columns] for row in range(rows)]}


def test_scalars_and_sets_read_back() -> None:
    text = "a = 3;\nb = true;\nc = 2.5;\nd = {1, 4};\ne = 2..4;\nf = {};\n"
    text += "g = array1d(1..2,[{1}, 2..3]);\nh = array1d(1..0,[]);"
    expected = {
        "a": 3, "b": True, "c": 2.5, "d": frozenset({1, 4}), "e": frozenset({2, 3, 4}), "f": frozenset(),
        "g": [frozenset({1}), frozenset({2, 3})], "h": [],
    }  # fmt: skip
    assert read_dzn(text) == expected


def test_sets_of_the_json_stream_become_sets_and_enum_members_their_names() -> None:
    output = {"json": {"s": {"set": [1, [3, 5]]}, "e": [{"e": "RED"}], "empty": {"set": []}}}
    event = read_line(said(type="solution", output=output), 0.5, "/held")
    assert event == Solution({"s": frozenset({1, 3, 4, 5}), "e": ["RED"], "empty": frozenset()}, 0.5)


@pytest.mark.parametrize(
    "line", ["Segmentation fault", "[1]", '{"kind": "x"}', '{"type"', said(type="stdout", value="oops\n")]
)
def test_what_is_not_the_protocol_is_a_solver_error(line: str) -> None:
    with pytest.raises(SolverError, match="protocol"):
        read_line(line, 0.0, "/held")


@pytest.mark.parametrize(
    "line", [said(type="comment", comment="% x"), said(type="time", time=3), said(type="stderr", value="W")]
)
def test_chatter_is_no_event(line: str) -> None:
    assert read_line(line, 0.0, "/held") is None


def test_the_innermost_call_with_a_file_is_the_place_of_a_fault() -> None:
    nowhere = {"filename": None, "firstLine": 0, "firstColumn": 0}
    stack = [{"location": {"filename": "/held/outer.mzn", "firstLine": 1, "firstColumn": 2}}]
    stack += [{"location": {"filename": "/rules/inner.mzn", "firstLine": 3, "firstColumn": 4}}, {"location": nowhere}]
    with pytest.raises(InputError) as caught:
        read_line(
            said(type="error", what="assertion failed", message="no", location=nowhere, stack=stack), 0.0, "/held"
        )
    assert (caught.value.file, caught.value.line, caught.value.column) == ("/rules/inner.mzn", 3, 4)


def test_a_solvers_own_fault_is_not_blamed_on_the_model() -> None:
    with pytest.raises(SolverError, match="cannot start"):
        read_line(said(type="error", what="internal error", message="cannot start\nsolver"), 0.0, "/held")


def test_held_files_are_named_as_they_were_given() -> None:
    location = {"filename": "/held/model.mzn", "firstLine": 2, "firstColumn": 1}
    event = read_line(said(type="warning", message="careful", location=location), 0.0, "/held")
    assert event == Message("careful", 0.0, "model.mzn", 2, 1)
