"""Reading and writing designs: plans as YAML or JSON, CSV tables, split files.

Knows the formats only; `chipzinc.plans.design` says what they mean for a graph and a package.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from chipzinc.errors import InputError
from chipzinc.graph.io import read_json, write_atomically
from chipzinc.hardware.explain import first_problem
from chipzinc.hardware.yaml import Document, FieldPath, parse_yaml, read_yaml
from chipzinc.plans.design import Design
from chipzinc.plans.plan import GraphReference, Plan
from chipzinc.plans.split import Split

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def load_design(file: Path) -> Design:
    """Reads a plan (YAML or JSON), a table `op,chip` (CSV), or a split file of placement JSON.

    Raises:
        InputError: if it cannot be read, or is none of these, with file, line, column and field.
    """
    if file.suffix == ".csv":
        document = _read_csv(file)
    elif file.suffix == ".json":
        document = _read_json(file)
    else:
        document = read_yaml(file)
    if not isinstance(document.data, dict):
        raise document.error("expected a plan: a mapping with graph, hardware and assignment")
    if "fpgas" in document.data:
        return Design(Plan(), document, _validated(document, Split))
    return Design(_validated(document, Plan), document)


def save_plan(plan: Plan, file: Path) -> None:
    """Writes a plan, as JSON where the file's name ends in .json and as YAML otherwise.

    Raises:
        InputError: if the file cannot be written; whatever stood there before is left.
    """
    data = plan.model_dump(mode="json", exclude_defaults=True) | {"version": plan.version}
    ordered = {field: data[field] for field in Plan.model_fields if field in data}
    text = json.dumps(ordered, indent=2, ensure_ascii=False) + "\n" if file.suffix == ".json" else _yaml(ordered)
    write_atomically(file, text.encode())


class _Dumper(yaml.SafeDumper):
    """SafeDumper that also quotes what YAML 1.2 would read as a number, such as ``1e9``."""


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|0o[0-7]+\Z"),
    list("-+.0123456789"),
)


def _yaml(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _read_json(file: Path) -> Document:
    """JSON is YAML but for tabs, which YAML has no place for; its syntax errors are JSON's own."""
    read_json(file)
    return parse_yaml(file.read_text(encoding="utf-8").replace("\t", " "), file)


def _read_csv(file: Path) -> Document:
    """A table of ops and chips as the document of a plan with an assignment."""
    try:
        rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=file) from error
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 text: byte {error.start}", file=file) from error
    if not rows or [cell.strip() for cell in rows[0]] != ["op", "chip"]:
        raise InputError("expected the heading 'op,chip'", file=file, line=1)
    assignment: dict[str, int] = {}
    document = Document({"assignment": assignment}, file, {(): (1, 1), ("assignment",): (1, 1)})
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) != 2 or not row[1].strip().isdecimal():
            raise InputError(f"expected an op and the number of a chip, got {','.join(row)!r}", file=file, line=line)
        name = row[0].strip()
        if name in assignment:
            raise InputError(f"the op '{name}' is given twice", file=file, line=line)
        assignment[name] = int(row[1])
        document.keys[("assignment", name)] = document.values[("assignment", name)] = (line, 1)
    return document


def _validated(document: Document, model: type[AnyModel]) -> AnyModel:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise first_problem(document, error, _known_keys) from error


def _known_keys(path: FieldPath) -> list[str]:
    model: type[BaseModel] = GraphReference if path[:1] == ("graph",) else Plan
    return [field.alias or name for name, field in model.model_fields.items()]
