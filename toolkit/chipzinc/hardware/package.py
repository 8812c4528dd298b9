"""`Package`: a hardware spec resolved to arrays over chips and links.

Knows nothing of YAML, graphs or solvers. Chips are numbered in pipeline order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from chipzinc.graph.opgraph import BoolArray, FloatArray, Incidence, IntArray

Communication = Literal["added", "overlapped", "host"]


@dataclass(frozen=True)
class RuleUse:
    """One rule as a spec selects it.

    Attributes:
        name: the rule's one name.
        parameters: its parameters as the spec gives them.
        soft_weight: None for a hard rule, else the penalty of one violated instance.
        line: line of the spec where it is selected, for messages.
        places: 1-based (line, column) of each value among the parameters, by the keys and indices that lead to it.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    soft_weight: float | None = None
    line: int | None = None
    places: Mapping[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Package:
    """A multi-chip module: its chips, links, routes, and the rules that hold on it.

    Attributes:
        name: the spec's name.
        chip_class: name of each chip's class, shape [chip].
        peak_flops_per_us: shape [chip].
        efficiency: by chip class, the share of the peak that an op kind or kind family reaches.
        sram_bytes: shape [chip].
        sram_bytes_per_us: shape [chip].
        overhead_us: fixed time of an op that is not free, shape [chip].
        offchip_bytes_per_us: shape [chip]; 0 where the chip has no memory of its own behind the SRAM.
        weights: ``resident`` in SRAM, or ``streamed`` from off-chip memory where they do not fit.
        weight_bits: overrides the exported dtype of weights.
        activation_bits: overrides the exported dtype of activations.
        communication: how a chip's transfers and computation combine.
        links: (from chip, to chip), shape [link, 2].
        link_bytes_per_us: shape [link].
        routes: links of the fixed route from chip a to chip b, in order, in row a * n_chips + b; empty where
            there is none or a == b.
        reachable: whether a route exists, shape [chip, chip].
        position: place of each chip of the pipeline order on the package, shape [chip].
        supported_kinds: by chip class, the op kinds or families it can run; absent: all.
        picojoule_per_flop: shape [chip], or None where the spec is silent.
        picojoule_per_sram_byte: shape [chip], or None.
        picojoule_per_link_byte: shape [link], or None.
        on_host: chips that are the host's own processors, to which transfers cost nothing, shape [chip]; None: none.
        rules: the rules selected.
        time_spread: lowest and highest time of an op as shares of the model's, by op kind, family or ``default``;
            absent: times are exact.
        objective: what optimising minimises, as `chipzinc.render.objective.parse_objective` reads it.
        source: the spec's file, where it has one; a user's rule files are looked for beside it.
    """

    name: str
    chip_class: tuple[str, ...]
    peak_flops_per_us: FloatArray
    efficiency: Mapping[str, Mapping[str, float]]
    sram_bytes: IntArray
    sram_bytes_per_us: FloatArray
    overhead_us: FloatArray
    offchip_bytes_per_us: FloatArray
    weights: Literal["resident", "streamed"]
    weight_bits: int | None
    activation_bits: int | None
    communication: Communication
    links: IntArray
    link_bytes_per_us: FloatArray
    routes: Incidence
    reachable: BoolArray
    position: IntArray
    supported_kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    picojoule_per_flop: FloatArray | None = None
    picojoule_per_sram_byte: FloatArray | None = None
    picojoule_per_link_byte: FloatArray | None = None
    on_host: BoolArray | None = None
    rules: tuple[RuleUse, ...] = ()
    time_spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    objective: str = "interval"
    source: Path | None = None

    @property
    def n_chips(self) -> int:
        """Chips in the package."""
        return len(self.chip_class)

    @property
    def n_links(self) -> int:
        """Directed links in the package."""
        return len(self.links)
