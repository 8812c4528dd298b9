"""Writes the JSON Schema of hardware specs, by which editors check and complete them.

``python -m chipzinc.hardware.schema`` writes ``hw_specs/schema/hardware.schema.json``; each spec names it in its
first line. Knows nothing that `chipzinc.hardware.spec` does not say.
"""

from __future__ import annotations

import json
from pathlib import Path

from chipzinc.hardware.spec import HardwareSpec
from chipzinc.resources import hw_specs_dir


def schema_file() -> Path:
    """Where the schema stands."""
    return hw_specs_dir() / "schema" / "hardware.schema.json"


def schema_text() -> str:
    """The schema as it has to stand in the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **HardwareSpec.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    schema_file().parent.mkdir(exist_ok=True)
    schema_file().write_text(schema_text(), encoding="utf-8")
