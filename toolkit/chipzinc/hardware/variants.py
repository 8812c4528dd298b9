"""The same package with more memory, or with more chips: for asking what would be enough.

Knows specs and placement files, no graphs.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np

from chipzinc.errors import InputError
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package
from chipzinc.hardware.placement import placement_package
from chipzinc.hardware.spec import MAX_CHIPS
from chipzinc.hardware.yaml import read_yaml


def with_sram(package: Package, sram_bytes: int) -> Package:
    """The package with at least this SRAM on every chip."""
    return replace(package, sram_bytes=np.maximum(package.sram_bytes, sram_bytes))


def with_more_chips(package: Package, more: int) -> Package | None:
    """The package with more chips of its last class; None where its spec does not say where they would go."""
    source = package.source
    if source is None or package.n_chips + more > MAX_CHIPS:
        return None
    if package.communication == "host" and source.suffix == ".json":
        data = json.loads(source.read_text(encoding="utf-8"))
        return replace(placement_package(data | {"maxFPGAs": data["maxFPGAs"] + more}, source), rules=package.rules)
    document = read_yaml(source)
    data = copy.deepcopy(document.data)
    if isinstance(data.get("order"), list) or (data.get("topology") or {}).get("kind") in ("mesh", "explicit"):
        return None
    data["chips"][-1]["count"] += more
    try:
        return replace(build_package(replace(document, data=data)), rules=package.rules)
    except InputError:
        return None
