"""The package that a placement JSON carries: accelerators, and processors of the host.

The format is that of Tarnawski et al., "Efficient Algorithms for Device Placement of DNN Graph Operators" (NeurIPS
2020). Reads the package's three numbers, and sizes to sum them; the graph is imported elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import Incidence
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.spec import MAX_CHIPS

ACCELERATOR: Final = "fpga"
"""Class of the accelerators, under which a placement graph's profile has its ``fpgaLatency``."""

PROCESSOR: Final = "cpu"
"""Class of the host's processors, under which a placement graph's profile has its ``cpuLatency``."""

PLACEMENT_RULES: Final = ("contiguous", "acyclic_quotient", "colocated", "memory_capacity", "supported_kinds")
"""What holds on such a package. Its devices have no order, so `acyclic_quotient` stands in for `acyclic_dataflow`."""


def placement_package(data: Mapping[str, Any], file: Path | None = None) -> Package:
    """Builds the package of a placement JSON: accelerators first, then processors.

    Times and transfers come from the graph's profile, in the file's own unit, so that the rates of the package do
    not matter. Processors hold every node and transfer at no cost.

    Args:
        data: the JSON object, whose nodes the graph's importer has checked.
        file: where it was read from, for messages.

    Raises:
        InputError: if a number is missing or out of range, or there is no chip at all.
    """
    accelerators, processors = (_count(data, key, file) for key in ("maxFPGAs", "maxCPUs"))
    n_chips = accelerators + processors
    if not 0 < n_chips <= MAX_CHIPS:
        message = f"expected 1 to {MAX_CHIPS} accelerators and processors together, got {n_chips}"
        raise InputError(message, file=file, field="maxFPGAs")
    size = _number(data, "maxSizePerFPGA", file)
    every_node = sum(math.ceil(node["size"]) for node in data["nodes"])
    on_host = np.arange(n_chips) >= accelerators
    parameters = {"colocated": {"groups": _colours(data)}}
    return Package(
        name=f"placement-{accelerators}+{processors}",
        chip_class=(ACCELERATOR,) * accelerators + (PROCESSOR,) * processors,
        peak_flops_per_us=np.ones(n_chips),
        efficiency={},
        sram_bytes=np.array([math.floor(size)] * accelerators + [every_node] * processors, dtype=np.int64),
        sram_bytes_per_us=np.ones(n_chips),
        overhead_us=np.zeros(n_chips),
        offchip_bytes_per_us=np.zeros(n_chips),
        weights="resident",
        weight_bits=None,
        activation_bits=None,
        communication="host",
        links=np.zeros((0, 2), dtype=np.int64),
        link_bytes_per_us=np.zeros(0),
        routes=Incidence.from_rows([[] for _ in range(n_chips * n_chips)]),
        reachable=np.ones((n_chips, n_chips), dtype=bool),
        position=np.arange(n_chips),
        on_host=on_host,
        rules=tuple(RuleUse(name, parameters.get(name, {})) for name in PLACEMENT_RULES),
        source=file,
    )


def _colours(data: Mapping[str, Any]) -> list[list[str]]:
    """Names of the ops of each colour class."""
    classes: dict[int, list[str]] = {}
    for node in data["nodes"]:
        if node.get("colorClass") is not None:
            classes.setdefault(node["colorClass"], []).append(str(node["id"]))
    return list(classes.values())


def _number(data: Mapping[str, Any], key: str, file: Path | None) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**62:
        raise InputError(f"expected a number of at least 0, got {value!r}", file=file, field=key)
    return float(value)


def _count(data: Mapping[str, Any], key: str, file: Path | None) -> int:
    value = _number(data, key, file)
    if value != int(value):
        raise InputError(f"expected a whole number, got {value!r}", file=file, field=key)
    return int(value)
