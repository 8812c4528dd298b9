"""The JSON Schema that editors use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chipzinc.hardware.schema import schema_file, schema_text
from chipzinc.resources import hw_specs_dir

SPECS = sorted(hw_specs_dir().glob("*.yaml"))


def test_the_schema_in_the_folder_is_the_one_the_models_give() -> None:
    assert schema_file().read_text(encoding="utf-8") == schema_text(), "run: python -m chipzinc.hardware.schema"


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_each_spec_names_the_schema_in_its_first_line(spec: Path) -> None:
    modeline = spec.read_text(encoding="utf-8").splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert modeline.startswith(prefix)
    assert (spec.parent / modeline.removeprefix(prefix)).resolve() == schema_file().resolve()


def test_the_schema_shows_a_quantity_as_text_with_its_units() -> None:
    sram = json.loads(schema_text())["$defs"]["ChipClass"]["properties"]["sram"]
    assert sram["type"] == "string"
    assert "MiB" in sram["pattern"]


def test_the_schema_completes_the_rules_that_ship_with_what_they_say_and_allows_others() -> None:
    schema = json.loads(schema_text())
    for place in (schema["properties"]["rules"]["items"]["oneOf"][0], schema["$defs"]["Rule"]["properties"]["name"]):
        *shipped, own = place["anyOf"]
        assert {"const": "pinned", "description": "Ops stay on the chips that the spec gives them."} in shipped
        assert "pattern" in own
