"""Writes the JSON Schema of hardware specs, by which editors check and complete them.

``python -m chipzinc.hardware.schema`` writes ``hw_specs/schema/hardware.schema.json``; each spec names it in its
first line. Knows nothing that `chipzinc.hardware.spec` does not say, but for the first lines of the rules that ship,
which editors show beside their names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from chipzinc.hardware.spec import RULE_NAME, HardwareSpec
from chipzinc.resources import hw_specs_dir, mzn_dir


def schema_file() -> Path:
    """Where the schema stands."""
    return hw_specs_dir() / "schema" / "hardware.schema.json"


def schema_text() -> str:
    """The schema as it has to stand in the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **HardwareSpec.model_json_schema()}
    return json.dumps(_with_rules(schema, _shipped_rules()), indent=2) + "\n"


def _shipped_rules() -> list[dict[str, str]]:
    """Name and summary of each rule that ships."""
    found = []
    for file in sorted((mzn_dir() / "rules").glob("*.mzn")):
        summary = re.search(rf"@groupdef {file.stem} (.*)", file.read_text(encoding="utf-8"))
        found.append({"const": file.stem, "description": summary.group(1) if summary else ""})
    return found


def _with_rules(schema: Any, rules: list[dict[str, str]]) -> Any:
    """The schema in which the name of a rule is one that ships, or that of a user's own."""
    if isinstance(schema, list):
        return [_with_rules(each, rules) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("pattern") == RULE_NAME:
        own = {"pattern": RULE_NAME, "description": "A rule of your own: a file <name>.mzn beside this one."}
        return {**{key: each for key, each in schema.items() if key != "pattern"}, "anyOf": [*rules, own]}
    return {key: _with_rules(each, rules) for key, each in schema.items()}


if __name__ == "__main__":
    schema_file().parent.mkdir(exist_ok=True)
    schema_file().write_text(schema_text(), encoding="utf-8")
