"""Plan files: what goes in comes out, and what is wrong is named with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.errors import InputError
from chipzinc.plans.files import load_design, save_plan
from chipzinc.plans.plan import GraphReference, Plan
from chipzinc.plans.schema import schema_file, schema_text

NAMES = st.one_of(
    st.text(min_size=1, alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])),
    st.sampled_from(
        ["on", "1e9", "0o7", "null", "~", "1", "-", "? x", "# no", "a: b", "true", "<<", "=", "2001-01-01"]
    ),
)


@pytest.mark.parametrize("ending", ["yaml", "json"])
@given(names=st.lists(NAMES, unique=True), hardware=NAMES)
def test_a_plan_comes_back_as_it_was_saved(
    ending: str, names: list[str], hardware: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan = Plan(
        graph=GraphReference(name=hardware, sha256="0" * 64),
        hardware=hardware,
        rules=("acyclic_dataflow",),
        assignment={name: chip for chip, name in enumerate(names)},
        score={"interval_us": 1e-300, "gap": None},
        provenance={"seed": 1, "solver": hardware},
    )
    file = tmp_path_factory.mktemp("plans") / f"plan.{ending}"
    save_plan(plan, file)
    assert load_design(file).plan == plan


def refusal(tmp_path: Path, text: str, name: str = "plan.yaml") -> str:
    """The line that says what is wrong with a file, without its folder."""
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_design(file)
    return str(caught.value).removeprefix(f"{tmp_path}/")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("assignmnt:\n  a: 0\n", "plan.yaml:1:1: assignmnt: unknown key; did you mean 'assignment'?"),
        ("version: 2\n", "plan.yaml:1:10: version: expected 1, got 2"),
        ("assignment:\n  a: 0\n  b: -1\n", "plan.yaml:3:6: assignment.b: expected greater than or equal to 0, got -1"),
        ("assignment:\n  a: 1.5\n", "plan.yaml:2:6: assignment.a: expected a valid integer, got 1.5"),
        ("assignment:\n  a: 0\n  a: 1\n", "plan.yaml:3:3: assignment.a: the key 'a' is given twice"),
        ("patterns:\n  'a(': 0\n", "plan.yaml:2:9: patterns.a(: not a regular expression: "),
        ("graph: {name: x, sha: 0}\n", "plan.yaml:1:18: graph.sha: unknown key; did you mean 'sha256'?"),
        ("- a\n", "plan.yaml:1:1: expected a plan: a mapping with graph, hardware and assignment"),
        ("", "plan.yaml: expected a plan: a mapping with graph, hardware and assignment"),
    ],
)
def test_a_mistake_in_a_plan_is_named_with_line_and_column(text: str, told: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text).startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,chip\na,0\n", "plan.csv:1: expected the heading 'op,chip'"),
        ("op,chip\na,x\n", "plan.csv:2: expected an op and the number of a chip, got 'a,x'"),
        ("op,chip\na,0\na,1\n", "plan.csv:3: the op 'a' is given twice"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_line(text: str, told: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, text, "plan.csv") == told


def test_a_mistake_in_a_json_plan_is_named_with_line_and_column(tmp_path: Path) -> None:
    assert refusal(tmp_path, '{\n\t"version": 1,\n}', "plan.json").startswith("plan.json:3:1: is not JSON")
    assert refusal(tmp_path, '{\n\t"version": 7\n}', "plan.json") == "plan.json:2:13: version: expected 1, got 7"


def test_a_table_is_a_plan_with_an_assignment(tmp_path: Path) -> None:
    file = tmp_path / "plan.csv"
    file.write_text('\ufeffop,chip\na,0\n\n"b,c",1\n')
    assert load_design(file).plan == Plan(assignment={"a": 0, "b,c": 1})


def test_a_plan_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        save_plan(Plan(), tmp_path / "no-such-folder" / "plan.yaml")
    assert list(tmp_path.iterdir()) == []


def test_the_schema_beside_the_module_is_that_of_the_plan() -> None:
    assert schema_file().read_text(encoding="utf-8") == schema_text(), "run: python -m chipzinc.plans.schema"


def test_editors_show_what_each_field_of_a_plan_is_for_and_take_a_graph_by_its_bare_name() -> None:
    schema = json.loads(schema_text())
    for part in (schema, *schema["$defs"].values()):
        assert all(field.get("description") for field in part["properties"].values())
    assert {"type": "string"} in schema["properties"]["graph"]["anyOf"]


def test_a_plan_may_name_the_schema_that_editors_read(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"$schema": "plan.schema.json", "assignment": {"a": 0}}')
    plan = load_design(file).plan
    assert plan.assignment == {"a": 0}
    save_plan(plan, tmp_path / "again.json")
    assert "$schema" not in (tmp_path / "again.json").read_text()
