"""What a graph asks of a package: bytes at the package's bit widths, time of each op, and which chips can run it.

The one place where elements become bytes. Knows no partition.
"""

from __future__ import annotations

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package


def weight_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes of each weight at the package's `weight_bits`, else as exported; shape [weight]."""
    return _bytes(graph.weight_elements, graph.weight_bits, package.weight_bits)


def tensor_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes of each tensor at the package's `activation_bits`, else as exported; shape [tensor]."""
    return _bytes(graph.tensor_elements, graph.tensor_bits, package.activation_bits)


def op_io_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes of the distinct tensors each op reads and writes, graph inputs and outputs aside; shape [op]."""
    size = tensor_bytes(graph, package)
    reads, written = distinct_reads(graph), graph.tensor_producer
    ops = np.concatenate([reads[:, 1], written])
    moved = np.concatenate([size[reads[:, 0]], size])
    return np.bincount(ops, weights=moved, minlength=graph.n_ops).astype(np.int64)


def op_weight_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes of the weights each op uses; shape [op]."""
    size = weight_bytes(graph, package)[graph.weight_users.rows]
    return np.bincount(graph.weight_users.ids, weights=size, minlength=graph.n_ops).astype(np.int64)


def op_moved_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes each op moves through the SRAM: inputs, weights and outputs, 0 for a free op; shape [op]."""
    moved = op_io_bytes(graph, package) + op_weight_bytes(graph, package)
    return np.where(graph.op_free, 0, moved)


def distinct_reads(graph: OpGraph) -> IntArray:
    """Distinct (tensor, consuming op) pairs, sorted; shape [read, 2]."""
    pairs = np.stack([graph.tensor_consumers.rows, graph.tensor_consumers.ids], axis=1)
    return np.unique(pairs, axis=0).reshape(-1, 2)


def op_time_us(graph: OpGraph, package: Package) -> FloatArray:
    """Time of each op on each chip, in µs; shape [op, chip].

    max(flops / (peak * efficiency), bytes moved / SRAM bandwidth) + overhead, and 0 for a free op; a graph with
    a measured profile has that instead.

    Raises:
        InputError: if the graph's profile has no times for a class of chips.
    """
    if graph.profile is not None:
        return _profiled(graph, graph.profile.op_time_us, package)
    rate = package.peak_flops_per_us * op_efficiency(graph, package)
    compute = graph.op_flops[:, None] / rate
    memory = op_moved_bytes(graph, package)[:, None] / package.sram_bytes_per_us
    return np.where(graph.op_free[:, None], 0.0, np.maximum(compute, memory) + package.overhead_us)


def op_efficiency(graph: OpGraph, package: Package) -> FloatArray:
    """Share of the peak that each op reaches on each chip, by kind, else family, else default, else 1; [op, chip]."""
    kinds, kind_of_op = np.unique(np.array(graph.op_kinds, dtype=object), return_inverse=True)
    by_class = {
        name: np.array([_efficiency(shares, kind) for kind in kinds]) for name, shares in package.efficiency.items()
    }
    silent = np.ones(len(kinds))
    shares = np.stack([by_class.get(name, silent) for name in package.chip_class], axis=1)
    return np.asarray(shares[kind_of_op], dtype=np.float64)


def op_supported(graph: OpGraph, package: Package) -> BoolArray:
    """Whether each chip can run each op, by its kind or by the graph's profile; shape [op, chip]."""
    if graph.profile is not None:
        return _profiled(graph, graph.profile.op_supported, package)
    kinds, kind_of_op = np.unique(np.array(graph.op_kinds, dtype=object), return_inverse=True)
    by_class = {
        name: np.array([kind in allowed or family(kind) in allowed for kind in kinds])
        for name, allowed in package.supported_kinds.items()
    }
    every = np.ones(len(kinds), dtype=bool)
    can = np.stack([by_class.get(name, every) for name in package.chip_class], axis=1)
    return np.asarray(can[kind_of_op] | graph.op_free[:, None])


def _bytes(elements: IntArray, exported_bits: IntArray, override: int | None) -> IntArray:
    bits = exported_bits if override is None else np.full_like(exported_bits, override)
    return -(-elements * bits // 8)


def _efficiency(shares: object, kind: str) -> float:
    assert isinstance(shares, dict)
    for name in (kind, family(kind), "default"):
        if name in shares:
            return float(shares[name])
    return 1.0


def _profiled(graph: OpGraph, by_class: dict[str, np.ndarray], package: Package) -> np.ndarray:
    missing = set(package.chip_class) - by_class.keys()
    if missing:
        known = ", ".join(sorted(by_class))
        raise InputError(f"the graph '{graph.name}' has profiles for {known}, not for the class '{min(missing)}'")
    return np.stack([by_class[name] for name in package.chip_class], axis=1)
