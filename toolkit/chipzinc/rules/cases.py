"""The allowed and refused assignments that rule files carry, read from their opening comment.

A case is a line ``@allowed {...}`` or ``@refused {...}`` whose braces hold YAML: chips, edges as ``a>b``, the chip of
each op, and what the rule needs beside (weights, io, sram, kinds, parameters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chipzinc.errors import InputError
from chipzinc.hardware.yaml import parse_yaml

_CASE = re.compile(r"^\s*@(allowed|refused)\s+(.*)$")
_KEYS = frozenset(
    (
        "chips",
        "edges",
        "chip",
        "weights",
        "io",
        "sram",
        "kinds",
        "supported",
        "backward",
        "streamed",
        "parameters",
        "because",
    )
)


@dataclass(frozen=True)
class RuleCase:
    """One assignment and the rule's verdict on it.

    Attributes:
        allowed: the verdict.
        line: where it stands in the rule's file.
        chips: number of chips.
        chip: chip of each op, by name.
        edges: (producer, consumer) pairs of names.
        weights: weight of each op in memory units, 0 where silent.
        io: inputs + outputs of each op in memory units, 0 where silent.
        sram: SRAM of each chip in memory units.
        kinds: kind of each op, ``add`` where silent.
        supported: kinds or families that each chip can run; empty: all.
        backward: ops of the backward pass.
        streamed: whether weights are streamed.
        parameters: parameters of the rule.
        because: labels of exactly the instances that are violated; None where the case does not say.
    """

    allowed: bool
    line: int
    chips: int
    chip: Mapping[str, int]
    edges: tuple[tuple[str, str], ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)
    io: Mapping[str, int] = field(default_factory=dict)
    sram: tuple[int, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    supported: tuple[tuple[str, ...], ...] = ()
    backward: tuple[str, ...] = ()
    streamed: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    because: tuple[str, ...] | None = None


def read_cases(text: str, path: Path) -> tuple[RuleCase, ...]:
    """Reads the cases of a rule file.

    Raises:
        InputError: if one is not well formed.
    """
    cases = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = _CASE.match(line)
        if match:
            cases.append(_read_case(match.group(1) == "allowed", match.group(2), number, path))
    return tuple(cases)


def _read_case(allowed: bool, text: str, line: int, path: Path) -> RuleCase:
    def refuse(message: str) -> InputError:
        return InputError(message, file=path, line=line, field="@allowed" if allowed else "@refused")

    try:
        said = parse_yaml(text).data
    except InputError as error:
        raise refuse(f"expected YAML in braces: {error.message}") from error
    if not isinstance(said, dict) or not {"chips", "chip"} <= said.keys() or not isinstance(said["chip"], dict):
        raise refuse("expected at least {chips: <number>, chip: {<op>: <chip>}}")
    unknown = said.keys() - _KEYS
    if unknown:
        raise refuse(f"unknown key '{min(unknown)}': expected one of {', '.join(sorted(_KEYS))}")
    edges = tuple(tuple(part.strip() for part in str(edge).split(">")) for edge in said.get("edges", ()))
    ops = said["chip"]
    strange = [edge for edge in edges if len(edge) != 2 or not set(edge) <= ops.keys()]
    if strange:
        raise refuse(f"the edge '{'>'.join(strange[0])}' does not join two ops that have a chip")
    order = {name: place for place, name in enumerate(ops)}
    backward = [edge for edge in edges if order[edge[0]] >= order[edge[1]]]
    if backward:
        raise refuse(f"the edge '{'>'.join(backward[0])}' goes backward: name the ops in topological order")
    chips, sram = said["chips"], said.get("sram", 10**6)
    if not isinstance(chips, int) or chips < 1:
        raise refuse(f"expected a number of chips, got {chips!r}")
    nowhere = [op for op, chip in ops.items() if not isinstance(chip, int) or not 0 <= chip < chips]
    if nowhere:
        raise refuse(f"the op '{nowhere[0]}' is on chip {ops[nowhere[0]]}: expected one of 0 to {chips - 1}")
    if isinstance(sram, list) and len(sram) != chips:
        raise refuse(f"{len(sram)} sizes of SRAM: expected one, or one for each of {chips} chips")
    supported = said.get("supported", [])
    if supported and (not isinstance(supported, list) or len(supported) != chips):
        raise refuse(f"expected a list of kinds for each of {chips} chips under 'supported'")
    return RuleCase(
        allowed=allowed,
        line=line,
        chips=chips,
        chip=ops,
        edges=edges,  # type: ignore[arg-type]
        weights=said.get("weights", {}),
        io=said.get("io", {}),
        sram=tuple(sram) if isinstance(sram, list) else (sram,) * chips,
        kinds=said.get("kinds", {}),
        supported=tuple(map(tuple, supported)),
        backward=tuple(said.get("backward", ())),
        streamed=bool(said.get("streamed", False)),
        parameters=said.get("parameters", {}),
        because=tuple(said["because"]) if "because" in said else None,
    )
