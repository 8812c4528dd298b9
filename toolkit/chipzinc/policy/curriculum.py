"""The curriculum: which graphs on which packages a policy is trained on, and which choose among checkpoints.

Reads graphs of the splits `train` and `validation` only; whatever is for tests is never opened here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.kinds import KINDS_OF_FAMILY, family
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.subgraph import subgraph
from chipzinc.graph.zoo import Split, load_zoo_graph, zoo, zoo_names
from chipzinc.hardware.demand import op_io_bytes, op_weight_bytes
from chipzinc.hardware.load import build_package, find_spec, load_spec
from chipzinc.hardware.package import Package
from chipzinc.hardware.variants import with_sram
from chipzinc.hardware.yaml import read_yaml
from chipzinc.policy.instance import Instance

PACKAGES = ("mcm16-ring", "mcm36-ring")
"""Packages that every graph is seen on."""

CHIPS = (4, 6, 8, 10, 12, 20, 24, 28, 32, 48, 64)
TOPOLOGIES = ("ring-one-way", "ring-two-way", "chain")
_ROOM = 1.3  # SRAM over what the largest op and an even share of all weights take
_FEWEST_OPS = 12  # of what is cut out of a graph
_MOST_OPS = 2_100  # beyond, a batch of corrections takes minutes


@dataclass(frozen=True)
class Variation:
    """How a package differs from mcm36-ring.

    Attributes:
        chips: of the ordinary class.
        slow_chips: of a second class, after these, at half the peak.
        link_factor: on the links' bandwidth.
        topology: kind of the topology.
        communication: how transfers and computation combine.
    """

    chips: int
    slow_chips: int = 0
    link_factor: float = 1.0
    topology: str = "ring-one-way"
    communication: str = "added"

    @property
    def name(self) -> str:
        """Unique among variations."""
        slow = f"+{self.slow_chips}" if self.slow_chips else ""
        return f"{self.topology}-{self.chips}{slow}-x{self.link_factor:g}-{self.communication}"

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Variation:
        """One at random."""
        chips = int(rng.choice(CHIPS))
        return cls(
            chips=chips,
            slow_chips=int(rng.integers(1, chips)) if rng.random() < 0.25 else 0,
            link_factor=float(rng.choice([0.25, 0.5, 1.0, 2.0, 4.0])),
            topology=str(rng.choice(TOPOLOGIES, p=[0.6, 0.2, 0.2])),
            communication=str(rng.choice(["added", "overlapped"], p=[0.8, 0.2])),
        )


def varied(variation: Variation, base: str = "mcm36-ring") -> Package:
    """A package that differs from a spec by a variation.

    Raises:
        InputError: if the spec is not one of a ring of one class.
    """
    document = read_yaml(find_spec(base))
    data: dict[str, Any] = copy.deepcopy(document.data)
    (chip,) = data["chips"]
    ordinary = chip | {"count": variation.chips - variation.slow_chips}
    slow = chip | {"class": "slow", "count": variation.slow_chips, "peak": "2 TOPS"}
    data["chips"] = [ordinary, slow] if variation.slow_chips else [ordinary]
    data["topology"] = data["topology"] | {"kind": variation.topology}
    data["communication"] = variation.communication
    package = build_package(replace(document, data=data | {"name": f"{base}-{variation.name}"}))
    return replace(package, link_bytes_per_us=package.link_bytes_per_us * variation.link_factor)


def roomy(graph: OpGraph, package: Package) -> Package:
    """The package with as much SRAM as the graph needs to fit at all, where it has less."""
    op = op_weight_bytes(graph, package) + op_io_bytes(graph, package)
    share = op_weight_bytes(graph, package).sum() / package.n_chips
    return with_sram(package, int(_ROOM * max(int(op.max(initial=0)), float(share))))


def trainable(split: Split) -> tuple[str, ...]:
    """Names of the graphs of a split that are not too large to correct by the thousand.

    Raises:
        InputError: if the split is for tests.
    """
    if split not in ("train", "validation"):
        raise InputError(f"the graphs of the split '{split}' are not for training")
    return tuple(name for name in zoo_names(split=split) if zoo()[name].ops <= _MOST_OPS)


def altered(graph: OpGraph, rng: np.random.Generator, name: str, renamed: float = 0.0) -> OpGraph:
    """A graph like another, so that few graphs teach of many costs.

    Half of the time only a stretch of the order is kept; flops change by family of kinds and a little by op, tensors
    and weights by a common factor. Families of kinds may also change their names, so that a policy learns what ops cost
    rather than what they are called.

    Args:
        graph: the other.
        rng: of the changes.
        name: what to call it.
        renamed: probability that families change their names.
    """
    if rng.random() < 0.5 and graph.n_ops > 2 * _FEWEST_OPS:
        length = int(rng.integers(max(_FEWEST_OPS, graph.n_ops // 4), graph.n_ops))
        first = int(rng.integers(0, graph.n_ops - length + 1))
        graph = subgraph(graph, np.arange(first, first + length))
    names = rng.spawn(1)[0]
    if names.random() < renamed:
        graph = replace(graph, op_kinds=_renamed(graph.op_kinds, names))
    by_family = {each: float(np.exp(rng.normal(0, 0.7))) for each in KINDS_OF_FAMILY}
    factor = np.array([by_family[family(kind)] for kind in graph.op_kinds])
    flops = graph.op_flops * factor * np.exp(rng.normal(0, 0.2, graph.n_ops))
    tensors = graph.tensor_elements * 2.0 ** rng.uniform(-2, 2)
    weights = graph.weight_elements * 2.0 ** rng.uniform(-2, 1)
    return replace(
        graph,
        name=name,
        op_flops=flops,
        tensor_elements=np.maximum(1, np.rint(tensors)).astype(np.int64),
        weight_elements=np.maximum(1, np.rint(weights)).astype(np.int64),
    )


def _renamed(kinds: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
    """Kinds of each op where the families have changed their names among themselves; what is free stays so."""
    families = [name for name in KINDS_OF_FAMILY if name != "free"]
    names = [KINDS_OF_FAMILY[families[at]][0] for at in rng.permutation(len(families))]
    other = dict(zip(families, names, strict=True))
    return tuple(other.get(family(kind), kind) for kind in kinds)


def training_instances(
    seed: int, variations: int = 2, names: tuple[str, ...] | None = None, renamed: float = 0.0
) -> Iterator[Instance]:
    """Every training graph on the named packages, and altered ones on packages drawn at random.

    Args:
        seed: of what is drawn.
        variations: altered graphs, each on a package of its own, for each graph.
        names: graphs instead of all; each must be of the split ``train``.
        renamed: share of the altered graphs whose families of kinds change their names.

    Raises:
        InputError: if a graph is not for training.
    """
    rng = np.random.default_rng(seed)
    for name in names or trainable("train"):
        graph = _graph(name, "train")
        for spec in PACKAGES:
            yield Instance.of(graph, roomy(graph, load_spec(spec)))
        for number in range(1, variations + 1):
            other, package = altered(graph, rng, f"{name}~{number}", renamed), varied(Variation.drawn(rng))
            yield Instance.of(other, roomy(other, package))


def validation_instances(names: tuple[str, ...] | None = None) -> Iterator[Instance]:
    """Every validation graph on the named packages in turn.

    Raises:
        InputError: if a graph is not for validation.
    """
    for at, name in enumerate(names or trainable("validation")):
        graph = _graph(name, "validation")
        yield Instance.of(graph, roomy(graph, load_spec(PACKAGES[at % len(PACKAGES)])))


def _graph(name: str, split: Split) -> OpGraph:
    entry = zoo().get(name)
    if entry is None or entry.split != split:
        raise InputError(f"'{name}' is not a graph of the split '{split}'")
    return load_zoo_graph(name)
