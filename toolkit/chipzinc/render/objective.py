"""What is minimised: one objective, a weighted sum of several, or several in lexicographic order.

An objective is a file `<name>.mzn` with a function `<name>_cost()`, looked for beside the hardware spec first, then
among those that ship; to add one, write such a file. Its data is here where it needs any; knows no solver.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.render.objective_data import energy_data, latency_data, loads_data, penalty_data
from chipzinc.resources import mzn_dir
from chipzinc.units import SOLVER_LIMIT

_COMMENT = re.compile(r"%[^\n]*|/\*.*?\*/", re.DOTALL)
_LEXICOGRAPHIC, _WEIGHTED = ">", "+"
NO_LIMIT = -1
_FRACTION = 16


@dataclass(frozen=True)
class Term:
    """One objective's file.

    Attributes:
        name: the objective's one name.
        path: the file.
        weight: its weight in a sum.
    """

    name: str
    path: Path
    weight: int = 1


@dataclass(frozen=True)
class Objective:
    """What is minimised.

    Attributes:
        terms: the objectives it is made of.
        combine: ``sum``: weighted; ``order``: the first one first, each further one among the best by those before.
    """

    terms: tuple[Term, ...]
    combine: Literal["sum", "order"] = "sum"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms."""
        return tuple(term.name for term in self.terms)

    def __str__(self) -> str:
        if self.combine == "order":
            return f" {_LEXICOGRAPHIC} ".join(self.names)
        weights = [term.name if term.weight == 1 else f"{term.weight} {term.name}" for term in self.terms]
        return f" {_WEIGHTED} ".join(weights)


def parse_objective(text: str, spec: Path | None = None) -> Objective:
    """Reads ``interval``, ``3 interval + energy`` (weighted), or ``interval > chips_used`` (lexicographic).

    Args:
        text: what the user wrote.
        spec: the hardware spec's file, beside which files of objectives are looked for first.

    Raises:
        InputError: if it is none of these, or an objective has no file.
    """
    if _LEXICOGRAPHIC in text and _WEIGHTED in text:
        raise InputError(f"'{text}' mixes {_LEXICOGRAPHIC} and {_WEIGHTED}: expected one of the two", field="objective")
    combine: Literal["sum", "order"] = "order" if _LEXICOGRAPHIC in text else "sum"
    terms = tuple(_term(part, spec) for part in text.split(_LEXICOGRAPHIC if combine == "order" else _WEIGHTED))
    if len({term.name for term in terms}) < len(terms):
        raise InputError(f"'{text}' names an objective twice", field="objective")
    if combine == "order" and any(term.weight != 1 for term in terms):
        raise InputError(f"'{text}' has weights in a lexicographic order, where they mean nothing", field="objective")
    return Objective(terms, combine)


def objective_data(
    graph: OpGraph,
    package: Package,
    group_of: IntArray,
    objective: Objective,
    *,
    hint: IntArray | None = None,
) -> dict[str, Any]:
    """The data that an objective's files declare.

    Args:
        graph: the graph.
        package: the package.
        group_of: group of each op, shape [op].
        objective: what is minimised.
        hint: chip of each group in the hint that `moved` counts from, shape [group].
    """
    # a weighted sum must stay within what a solver adds up
    limit = SOLVER_LIMIT if len(objective.terms) == 1 else SOLVER_LIMIT // (len(objective.terms) * _FRACTION**2)
    hard = {use.name for use in package.rules if use.soft_weight is None}
    data: dict[str, Any] = {}
    included = " ".join(_COMMENT.sub("", term.path.read_text(encoding="utf-8")) for term in objective.terms)
    if re.search(r'include\s*"(?:\S*/)?loads\.mzn"', included):
        data |= loads_data(graph, package, group_of, monotone="acyclic_dataflow" in hard, limit=limit)
    if "interval" in objective.names:
        everything = {"set": [[0, package.n_chips - 1]]}, {"set": [[1, package.n_links]]}
        data |= {"judged_chips": everything[0], "judged_links": everything[1], "others_limit": data["horizon"]}
        data["interval_step"] = 1
    if "energy" in objective.names:
        data |= energy_data(graph, package, group_of, limit=limit)
    if "latency" in objective.names:
        data |= latency_data(graph, package, limit=limit)
    if "moved" in objective.names:
        size = np.bincount(group_of)
        chips = np.zeros(len(size), dtype=np.int64) if hint is None else hint
        data |= {"hinted_chip": chips.tolist(), "group_size": size.tolist()}
    if "penalty" in objective.names:
        data |= penalty_data(package)
    units = term_units(objective, data)
    weights = _weights(objective, units, [_most(name, data, graph, package) for name in objective.names])
    return data | {
        "term_weight": [weight for weight, _ in weights],
        "term_divisor": [divisor for _, divisor in weights],
        "term_limit": [NO_LIMIT] * len(units),
        "cost_limit": NO_LIMIT,
    }


def _most(name: str, data: dict[str, Any], graph: OpGraph, package: Package) -> float:
    """The most that a term can be, as the solver counts it; a guess for one that only its file knows."""
    if name == "energy":
        return float(np.max(data["group_energy"], axis=1, initial=0).sum() + np.sum(data["net_energy"]))
    if name == "penalty":
        return float(sum(data["soft_price"])) * max(graph.n_ops, len(graph.edges), package.n_chips)
    known = {"interval": data.get("horizon"), "latency": data.get("latency_horizon"), "chips_used": package.n_chips}
    return float(known.get(name) or graph.n_ops)


def term_units(objective: Objective, data: dict[str, Any]) -> list[float]:
    """What a cost of 1 of each term is in the unit that people see: µs, pJ, chips, ops or weights of soft rules."""
    units = {
        "interval": "time_unit_us",
        "latency": "latency_unit_us",
        "energy": "energy_unit_pj",
        "penalty": "penalty_unit",
    }
    return [float(data[units[name]]) if name in units else 1.0 for name in objective.names]


def _weights(objective: Objective, units: Sequence[float], most: Sequence[float]) -> list[tuple[int, int]]:
    """Weight of each term as the solver counts it, as a fraction; of an order only the first term's is above 0.

    Args:
        objective: what is minimised.
        units: what a cost of 1 of each term is worth.
        most: most that each term can be, as the solver counts it.
    """
    if objective.combine == "order" or len(units) == 1:
        return [(1, 1)] + [(0, 1)] * (len(units) - 1)
    shares = [term.weight * unit for term, unit in zip(objective.terms, units, strict=True)]
    step = sum(share * each for share, each in zip(shares, most, strict=True)) / (SOLVER_LIMIT // 4)
    return [_fraction(share / step) for share in shares]


def _fraction(ratio: float) -> tuple[int, int]:
    """A fraction within a few per cent of a ratio, with small numbers."""
    if ratio >= _FRACTION:
        return round(ratio), 1
    if ratio >= 1:
        return round(_FRACTION * ratio), _FRACTION
    return _FRACTION, round(_FRACTION / ratio)


def objective_names(spec: Path | None = None) -> list[str]:
    """Every objective that can be found."""
    files = [path for folder in _folders(spec) if folder.is_dir() for path in folder.glob("*.mzn")]
    return sorted({path.stem for path in files if _defines_cost(path)})


def _folders(spec: Path | None) -> list[Path]:
    beside = [spec.parent, spec.parent / "objectives"] if spec is not None else []
    return [*beside, mzn_dir() / "objectives"]


def _term(text: str, spec: Path | None) -> Term:
    match = re.fullmatch(r"\s*(?:(\d+)\s*\*?\s*)?([a-z][a-z0-9_]*)\s*", text)
    if match is None:
        expected = "a name such as 'interval', 'interval > chips_used' or '3 interval + energy'"
        raise InputError(f"expected {expected}, got {text.strip()!r}", field="objective")
    weight, name = match.groups()
    for folder in _folders(spec):
        path = folder / f"{name}.mzn"
        if path.is_file() and _defines_cost(path):
            return Term(name, path, int(weight or 1))
    known = objective_names(spec)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f": expected one of {', '.join(known)}"
    raise InputError(f"there is no objective '{name}'{hint}", field="objective")


def _defines_cost(path: Path) -> bool:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(rf"\b{re.escape(path.stem)}_cost\s*\(\s*\)", _COMMENT.sub("", text)) is not None
