"""Small graphs and packages, and the throughput model written a second time: slowly, with loops, by definition."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from chipzinc.graph.opgraph import Incidence, OpGraph
from chipzinc.hardware.load import build_package
from chipzinc.hardware.package import Package
from chipzinc.hardware.yaml import parse_yaml


def graph(
    tensors: list[tuple[int, list[int], int]],
    n_ops: int,
    *,
    flops: list[float] | None = None,
    kinds: list[str] | None = None,
    free: tuple[int, ...] = (),
    weights: list[tuple[int, list[int]]] | None = None,
) -> OpGraph:
    """A graph of tensors (producer, consumers, bytes) and weights (bytes, users), all of 8 bits an element."""
    weights = weights or []
    return OpGraph(
        name="small",
        op_names=tuple(f"op{op}" for op in range(n_ops)),
        op_kinds=tuple(kinds or ["add"] * n_ops),
        op_flops=np.array(flops or [0.0] * n_ops),
        op_free=np.isin(np.arange(n_ops), free),
        tensor_producer=np.array([producer for producer, _, _ in tensors], dtype=np.int64),
        tensor_elements=np.array([size for _, _, size in tensors], dtype=np.int64),
        tensor_bits=np.full(len(tensors), 8),
        tensor_consumers=Incidence.from_rows([consumers for _, consumers, _ in tensors]),
        weight_elements=np.array([size for size, _ in weights], dtype=np.int64),
        weight_bits=np.full(len(weights), 8),
        weight_users=Incidence.from_rows([users for _, users in weights]),
    )


def package(
    topology: str = "kind: ring-one-way", *, chips: int = 4, sram: str = "1 kB", chip: str = "", more: str = ""
) -> Package:
    """A package whose chips do 1 flop and move 10 bytes per µs, and whose links move 1 byte per µs.

    Args:
        topology: fields of the topology but its bandwidth.
        chips: number of chips.
        sram: SRAM of each.
        chip: further fields of the chip class.
        more: further fields of the spec.
    """
    text = f"""
name: test
chips:
  - {{class: c, count: {chips}, peak: 1 MOPS, sram: {sram}, sram_bandwidth: 10 MB/s{", " if chip else ""}{chip}}}
topology: {{{topology}, link_bandwidth: 1 MB/s}}
{more}
"""
    return build_package(parse_yaml(text, Path("test.yaml")))


@dataclass
class Loads:
    """What `loads` finds out: per chip and per link, in µs, and bytes per chip."""

    compute: list[float]
    stream: list[float]
    receive: list[float]
    send: list[float]
    link: list[float]
    weights: list[int]
    peak: list[int]
    interval: float


def loads(model: OpGraph, on: Package, chip: list[int]) -> Loads:
    """The loads of one partition, from design.md's words and with loops only; no profile, no host, 8-bit elements."""
    chips = range(on.n_chips)
    compute, receive, send, link = [0.0] * on.n_chips, [0.0] * on.n_chips, [0.0] * on.n_chips, [0.0] * on.n_links
    for op in range(model.n_ops):
        if not model.op_free[op]:
            moved = sum(int(model.tensor_elements[t]) for t in touched(model, op))
            moved += sum(int(size) for w, size in enumerate(model.weight_elements) if op in model.weight_users[w])
            d = chip[op]
            share = on.efficiency[on.chip_class[d]].get("default", 1.0)
            time = max(model.op_flops[op] / (on.peak_flops_per_us[d] * share), moved / on.sram_bytes_per_us[d])
            compute[d] += time + on.overhead_us[d]
    for t in range(model.n_tensors):
        source, size = chip[model.tensor_producer[t]], int(model.tensor_elements[t])
        used: set[int] = set()
        for target in {chip[op] for op in model.tensor_consumers[t]} - {source}:
            route = on.routes[source * on.n_chips + target].tolist()
            receive[target] += size / on.link_bytes_per_us[route[-1]]
            used |= set(route)
        for one in used:
            link[one] += size / on.link_bytes_per_us[one]
            if on.links[one][0] == source:
                send[source] += size / on.link_bytes_per_us[one]
    times = range(model.n_ops)
    weights = [
        sum(
            int(size)
            for w, size in enumerate(model.weight_elements)
            if any(chip[o] == d for o in model.weight_users[w])
        )
        for d in chips
    ]
    peak = [max(int(model.tensor_elements[list(alive(model, chip, d, now))].sum()) for now in times) for d in chips]
    stream = [0.0] * on.n_chips
    if on.weights == "streamed":
        for d in chips:
            room = max(0, int(on.sram_bytes[d]) - peak[d])
            stream[d] = max(0, weights[d] - room) / on.offchip_bytes_per_us[d]
    parts = zip(compute, stream, receive, send, strict=True)
    busy = [max(c + w, r, s) if on.communication == "overlapped" else c + w + r + s for c, w, r, s in parts]
    return Loads(compute, stream, receive, send, link, weights, peak, max([*busy, *link]))


def touched(model: OpGraph, op: int) -> set[int]:
    """The tensors that an op reads or writes."""
    return {t for t in range(model.n_tensors) if op in model.tensor_consumers[t] or model.tensor_producer[t] == op}


def alive(model: OpGraph, chip: list[int], place: int, now: int) -> set[int]:
    """The tensors alive on a chip while op `now` runs, wherever that is."""
    found = set()
    for t in range(model.n_tensors):
        producer = int(model.tensor_producer[t])
        readers_here = [op for op in model.tensor_consumers[t] if chip[op] == place]
        produced_here = chip[producer] == place
        if readers_here or produced_here:
            last = max([*readers_here, producer if produced_here else -1])
            if producer <= now <= last:
                found.add(t)
    return found


@st.composite
def graphs(draw: st.DrawFn, max_ops: int = 7) -> OpGraph:
    """Graphs with several readers a tensor, unread tensors, shared weights, and free ops that write nothing."""
    n_ops = draw(st.integers(1, max_ops))
    free = tuple(op for op in range(1, n_ops) if draw(st.integers(0, 4)) == 0)
    tensors = []
    for op in range(n_ops):
        if op not in free and (op == 0 or draw(st.integers(0, 5)) > 0):
            readers = draw(st.sets(st.integers(op + 1, n_ops - 1))) if op + 1 < n_ops else set()
            tensors.append((op, sorted(readers), draw(st.integers(1, 200))))
    users = st.sets(st.integers(0, n_ops - 1), min_size=1, max_size=3)
    weights = [(draw(st.integers(1, 500)), sorted(draw(users))) for _ in range(draw(st.integers(0, 3)))]
    flops = [float(draw(st.integers(0, 100))) for _ in range(n_ops)]
    drawn = graph(tensors, n_ops, flops=flops, free=free, weights=weights)
    return dataclasses.replace(drawn, name="drawn")


OFFCHIP = "offchip_bandwidth: 2 MB/s, efficiency: {default: 0.5}, overhead: 3 us"
PACKAGES = [
    package("kind: ring-one-way"),
    package("kind: ring-two-way", chips=5, chip="overhead: 3 us", more="communication: overlapped"),
    package("kind: chain", chips=3, sram="200 B", chip=OFFCHIP, more="weights: streamed"),
    package("kind: mesh, rows: 2, columns: 3", chips=6, sram="100 B", chip=OFFCHIP, more="weights: streamed"),
]


@st.composite
def partitions(draw: st.DrawFn) -> tuple[OpGraph, Package, list[int]]:
    """A graph, a package, and any partition, valid or not."""
    model, on = draw(graphs()), draw(st.sampled_from(PACKAGES))
    chip = draw(st.lists(st.integers(0, on.n_chips - 1), min_size=model.n_ops, max_size=model.n_ops))
    return model, on, chip
