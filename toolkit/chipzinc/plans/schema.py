"""Writes the JSON Schema of plans, by which editors check and complete them.

``python -m chipzinc.plans.schema`` writes ``plan.schema.json`` beside this module. Knows nothing that
`chipzinc.plans.plan` does not say.
"""

from __future__ import annotations

import json
from pathlib import Path

from chipzinc.plans.plan import Plan


def schema_file() -> Path:
    """Where the schema stands."""
    return Path(__file__).with_name("plan.schema.json")


def schema_text() -> str:
    """The schema as it has to stand in the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Plan.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    schema_file().write_text(schema_text(), encoding="utf-8")
