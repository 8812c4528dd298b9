"""Small problems made from graphs, and their `Trial`s; what is drawn follows from the problem's number alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from chipzinc.exhaustive import Trial, every_assignment
from chipzinc.graph.opgraph import BoolArray, Incidence, IntArray, OpGraph, Profile
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package, RuleUse
from chipzinc.hardware.yaml import parse_yaml
from chipzinc.render.data import LiveSet
from chipzinc.rules.catalogue import SelectedRule, select
from tests.rules.oracle import ORACLES, Edge, LiveBytes, Small, dags

EVERY_RULE = tuple(ORACLES)
SEED_RULES = EVERY_RULE[:5]
ONE_OR_ALL = (*((name,) for name in EVERY_RULE), SEED_RULES)


def small_graphs(most_ops: int) -> Iterator[tuple[int, tuple[Edge, ...]]]:
    """Number of ops and edges of every graph of up to some ops."""
    return ((n_ops, edges) for n_ops in range(1, most_ops + 1) for edges in dags(n_ops))


def some_graphs_of_five(number: int, seed: int) -> list[tuple[int, tuple[Edge, ...]]]:
    """A seeded sample of the 302 graphs of five ops."""
    chosen = np.random.default_rng(seed).choice(len(dags(5)), number, replace=False)
    return [(5, dags(5)[graph]) for graph in chosen]


@cache
def problem(n_ops: int, edges: tuple[Edge, ...], n_chips: int, *, roomy: bool = True) -> Small:
    """A problem on a graph, with links, tensors, weights and SRAM drawn for it.

    Args:
        n_ops: ops.
        edges: (producer, consumer).
        n_chips: chips.
        roomy: whether chip 0 holds all there is, so that a valid assignment exists.
    """
    draw = np.random.default_rng([n_ops, n_chips, len(edges), *itertools.chain.from_iterable(edges)])
    ring = tuple((c, (c + 1) % n_chips) for c in range(n_chips))
    both_ways = tuple(sorted({*ring, *((b, a) for a, b in ring)} - {(0, n_chips - 1), (n_chips - 1, 0)}))
    links = [ring, both_ways, ring[:-1]][draw.integers(3)] if n_chips > 2 else ring
    tensors = [(u, tuple(v for a, v in edges if a == u), int(draw.integers(4))) for u in range(n_ops)]
    tensors += [(u, (), int(draw.integers(1, 4))) for u in range(n_ops) if draw.random() < 0.3]
    weights = [(int(draw.integers(1, 5)), (op,)) for op in range(n_ops) if draw.random() < 0.7]
    if n_ops > 1:
        users = draw.choice(n_ops, 2, replace=False)
        weights.append((int(draw.integers(2, 6)), tuple(sorted(users.tolist()))))
    all_there_is = sum(size for _, _, size in tensors) + sum(size for size, _ in weights)
    sram = draw.integers(4, max(6, all_there_is), n_chips).tolist()
    live = [
        LiveBytes(
            int(draw.integers(3, 8)),
            tuple(
                tuple(sorted(draw.choice(n_ops, int(draw.integers(1, n_ops + 1)), replace=False).tolist()))
                for _ in range(draw.integers(1, 3))
            ),
        )
        for _ in range(draw.integers(0, 3))
    ]
    if roomy:
        sram[0] = all_there_is + 8
    return Small(
        n_ops=n_ops,
        edges=edges,
        n_chips=n_chips,
        links=links,
        limit=int(draw.integers(0, 3)),
        tensors=tuple(tensors),
        weights=tuple(weights),
        sram=tuple(sram),
        streamed=bool(draw.random() < 0.25),
        live=tuple(live),
        **wishes(n_ops, n_chips, weights, draw),
    )


def wishes(
    n_ops: int, n_chips: int, weights: Sequence[tuple[int, tuple[int, ...]]], draw: np.random.Generator
) -> dict[str, Any]:
    """What the rules that name ops ask for; each rule by itself leaves some assignment."""
    shuffled = draw.permutation(n_ops).tolist()
    cuts = sorted(draw.integers(0, n_ops + 1, 2).tolist())
    groups = (tuple(shuffled[: cuts[0]]), tuple(shuffled[cuts[0] : cuts[1]]))
    some = [
        tuple(sorted(draw.choice(n_chips, draw.integers(1, n_chips + 1), replace=False).tolist())) for _ in shuffled
    ]
    return {
        "backward": tuple(op for op in range(n_ops) if draw.random() < 0.15),
        "supported": tuple(some),
        "pins": tuple((op, int(draw.integers(n_chips))) for op in shuffled[: draw.integers(1, 3)]),
        "together": tuple(tuple(sorted(ops)) for ops in (shuffled[:2], shuffled[1 : draw.integers(2, 5)]) if ops),
        "apart": (tuple(group for group in groups if group), tuple((op,) for op in shuffled[: min(2, n_chips)])),
        "most_ops": int(draw.integers(-(-n_ops // n_chips), n_ops + 1)),
        "tolerance": _tolerance(weights, draw.integers(0, n_chips, n_ops).tolist(), n_chips),
    }


def _tolerance(weights: Sequence[tuple[int, tuple[int, ...]]], chip: Sequence[int], n_chips: int) -> int:
    """Percent above an equal share of the weights that an assignment needs."""
    most = max(sum(size for size, users in weights if c in {chip[op] for op in users}) for c in range(n_chips))
    return max(0, -(-100 * n_chips * most // max(1, sum(size for size, _ in weights))) - 100)


def graph_of(small: Small) -> OpGraph:
    """The problem's graph; every element has 8 bits."""
    return OpGraph(
        name="small",
        op_names=tuple(f"op{op}" for op in range(small.n_ops)),
        op_kinds=("add",) * small.n_ops,
        op_flops=np.zeros(small.n_ops),
        op_free=np.zeros(small.n_ops, dtype=bool),
        tensor_producer=np.array([producer for producer, _, _ in small.tensors]),
        tensor_elements=np.array([size for _, _, size in small.tensors]),
        tensor_bits=np.full(len(small.tensors), 8),
        tensor_consumers=Incidence.from_rows([list(readers) for _, readers, _ in small.tensors]),
        weight_elements=np.array([size for size, _ in small.weights], dtype=np.int64),
        weight_bits=np.full(len(small.weights), 8),
        weight_users=Incidence.from_rows([list(users) for _, users in small.weights]),
        profile=Profile(
            op_time_us={f"c{c}": np.zeros(small.n_ops) for c in range(small.n_chips)},
            op_transfer_us=np.zeros(small.n_ops),
            op_supported={f"c{c}": np.array([c in chips for chips in small.supported]) for c in range(small.n_chips)},
            op_backward=np.isin(np.arange(small.n_ops), small.backward),
            op_colour=np.full(small.n_ops, -1),
        ),
    )


@cache
def package_of(small: Small) -> Package:
    """The problem's package."""
    rates = "peak: 1 MOPS, sram_bandwidth: 1 MB/s, offchip_bandwidth: 1 MB/s"
    classes = "".join(f"  - {{class: c{c}, count: 1, sram: {size} B, {rates}}}\n" for c, size in enumerate(small.sram))
    links = ", ".join(f"{{from: {a}, to: {b}}}" for a, b in small.links)
    text = f"""
name: small
chips:
{classes}
topology: {{kind: explicit, link_bandwidth: 1 MB/s, links: [{links}]}}
weights: {"streamed" if small.streamed else "resident"}
"""
    return build_package(parse_yaml(text, Path("small.yaml")))


def rules_of(small: Small, names: Sequence[str]) -> tuple[SelectedRule, ...]:
    """The rules of some names, with the problem's parameters."""
    parameters: dict[str, dict[str, Any]] = {
        "max_hops": {"limit": small.limit},
        "pinned": {"pins": {f"op{op}": chip for op, chip in small.pins}},
        "colocated": {"groups": [_names(ops) for ops in small.together]},
        "separated": {"groups": [[_names(group) for group in groups] for groups in small.apart]},
        "max_ops_per_chip": {"limit": small.most_ops},
        "balanced_memory": {"tolerance": small.tolerance},
    }
    return select([RuleUse(name, parameters.get(name, {})) for name in names], None)


def _names(ops: Sequence[int]) -> list[str]:
    return [f"op{op}" for op in ops]


def trial(small: Small, names: Sequence[str], group_of: Sequence[int] | None = None) -> Trial:
    """The problem as a trial of every assignment under some rules."""
    n_groups = small.n_ops if group_of is None else max(group_of) + 1
    return Trial(
        graph=graph_of(small),
        package=package_of(small),
        rules=rules_of(small, names),
        assignments=every_assignment(n_groups, small.n_chips),
        group_of=None if group_of is None else np.array(group_of),
        live_sets=tuple(LiveSet(live.size, live.holders) for live in small.live),
    )


@cache
def violated(small: Small, name: str) -> tuple[frozenset[str], ...]:
    """By the oracle: the labels of the violated instances of a rule, for every assignment of chips to ops."""
    every = every_assignment(small.n_ops, small.n_chips).tolist()
    return tuple(frozenset(ORACLES[name](small, chip)) for chip in every)


def allowed(small: Small, names: Sequence[str], group_of: Sequence[int] | None = None) -> BoolArray:
    """By the oracles: which assignments of chips to groups violate no rule; shape [assignment]."""
    good = np.ones(small.n_chips**small.n_ops, dtype=bool)
    for name in names:
        good &= [not labels for labels in violated(small, name)]
    if group_of is None:
        return good
    by_op: IntArray = every_assignment(max(group_of) + 1, small.n_chips)[:, list(group_of)]
    return np.asarray(good[by_op @ small.n_chips ** np.arange(small.n_ops - 1, -1, -1)], dtype=bool)
