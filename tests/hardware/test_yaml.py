"""YAML 1.2's numbers and booleans, and where everything stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipzinc.errors import InputError
from chipzinc.hardware import yaml
from chipzinc.hardware.yaml import dotted, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9", 1e9),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("0x1F", 31),
        ("0o17", 15),
        ("010", 10),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("'1e9'", "1e9"),
        ("[1, a]", [1, "a"]),
        ("", None),
    ],
)
def test_plain_values_follow_yaml_1_2(text: str, value: object) -> None:
    assert parse_yaml(text).data == value


def test_every_value_and_key_has_its_line_and_column() -> None:
    document = parse_yaml("chips:\n  - class: a\n    sram:  1 MiB\n")
    assert document.values["chips", 0, "sram"] == (3, 12)
    assert document.keys["chips", 0, "sram"] == (3, 5)


def test_an_error_about_something_absent_points_at_what_is_around_it() -> None:
    error = parse_yaml("a:\n  b: 1\n", Path("x.yaml")).error("is missing", ("a", "c"))
    assert (error.line, error.column, error.field) == (2, 3, "a.c")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' is given twice"),
        ("a: [1\nb: 2", 2, "not valid YAML"),
        ("a: !!python/object:os.system {}", 1, "is not allowed"),
        ("a: !!float abc", 1, "not a number"),
        ("? [1]\n: 2", 1, "a key has to be plain text"),
        ("a: &x [*x]", 1, "inside its own anchor"),
        ("a: 1\n--- \nb: 2", 2, "another document"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_yaml(text)
    assert caught.value.line == line


def test_aliases_of_aliases_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "MAX_NODES", 1000)
    levels = ["a0: &a0 [1, 1]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 12)]
    with pytest.raises(InputError, match="expands to more than 1000 values"):
        parse_yaml("\n".join(levels))


def test_nesting_beyond_the_stack_is_an_error_of_the_input() -> None:
    with pytest.raises(InputError, match="nested too deeply"):
        parse_yaml("[" * 5000 + "]" * 5000)


def test_a_file_that_is_missing_or_no_text_is_an_error_of_the_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_yaml(tmp_path / "binary.yaml")


def test_a_path_reads_as_people_write_it() -> None:
    assert dotted(("chips", 0, "sram")) == "chips[0].sram"
