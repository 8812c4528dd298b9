"""The bound that large weights impose: the chips that hold them have room for little other work.

Uses `memory_capacity` where weights are resident and the chips are alike, and no order of the ops.
"""

from __future__ import annotations

import numpy as np

from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, op_time_us, op_weight_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.ideals.items import chip_types, hard


def check_fit(graph: OpGraph, package: Package) -> None:
    """Refuses a graph whose weights do not fit the package, or with an op that fits no chip.

    Raises:
        InfeasibleError: under a hard `memory_capacity`, if an op's inputs and outputs, and its weights where they
            are resident, exceed every chip, or all weights exceed all chips.
    """
    if not hard(package, "memory_capacity"):
        return
    total, room = int(weight_bytes(graph, package).sum()), int(package.sram_bytes.sum())
    if package.weights == "resident" and total > room:
        message = f"the weights take {total:,} bytes, and all chips together have {room:,}"
        raise InfeasibleError(message, rule="memory_capacity")
    need = op_io_bytes(graph, package)
    if package.weights == "resident":
        need = need + op_weight_bytes(graph, package)
    op = int(need.argmax())
    most = int(package.sram_bytes.max())
    if need[op] > most:
        name = graph.op_names[op]
        needed = f"it needs {int(need[op]):,} bytes at once, and none has more than {most:,}"
        raise InfeasibleError(f"the op '{name}' fits no chip: {needed}", rule="memory_capacity", op=name)


def memory_bound(graph: OpGraph, package: Package) -> float:
    """Work over chips, some of which hold a weight so large that they have room for little other work, in µs.

    Ops whose weights exceed half an SRAM are on chips of their own. Such a chip does at most K, the best that a
    fractional knapsack packs into what is left of it. So `sum of min(K, T) over these chips + T * other chips` has to
    reach all work, which bounds T. Weights that several ops share count only in the op that makes its chip special.

    Returns:
        The bound, 0 where this does not apply.
    """
    alike = len(chip_types(graph, package).chip) == 1
    if package.weights != "resident" or not hard(package, "memory_capacity") or not alike or not graph.n_ops:
        return 0.0
    time = op_time_us(graph, package)[:, 0]
    sram, own = int(package.sram_bytes[0]), op_weight_bytes(graph, package)
    alone = _unshared_bytes(graph, package)
    io = int(op_io_bytes(graph, package)[own > 0].min(initial=0))
    large = np.flatnonzero(alone * 2 > sram)
    if not len(large) or len(large) > package.n_chips:
        return 0.0
    most = np.array([time[op] + _packed(time, alone, sram - int(own[op]) - io, int(op)) for op in large])
    rounding = 1 - 1e-9  # the same sums in another order
    return rounding * _least(float(time.sum()), np.sort(most), package.n_chips - len(large))


def _unshared_bytes(graph: OpGraph, package: Package) -> IntArray:
    """Bytes of the weights that each op alone uses, shape [op]."""
    users = graph.weight_users
    single = (np.diff(users.starts) == 1)[users.rows]
    size = weight_bytes(graph, package)[users.rows]
    return np.bincount(users.ids[single], weights=size[single], minlength=graph.n_ops).astype(np.int64)


def _packed(time: FloatArray, size: IntArray, room: int, without: int) -> float:
    """Most time that fits into a room, ops divided at will, one op aside."""
    others = np.arange(len(time)) != without
    time, size = time[others], size[others].astype(np.float64)
    order = np.argsort(-time / np.maximum(size, 1e-9), kind="stable")
    taken = np.cumsum(size[order])
    whole = taken <= room
    share = 0.0
    if not whole.all():
        first = int(np.argmin(whole))
        left = room - (taken[first - 1] if first else 0.0)
        share = float(time[order[first]] * max(left, 0.0) / size[order[first]])
    return float(time[order[whole]].sum()) + share


def _least(work: float, most: FloatArray, others: int) -> float:
    """Least T with sum of min(most, T) + others * T >= work; `most` rises."""
    done = 0.0
    for place, each in enumerate(most.tolist()):
        interval = (work - done) / (others + len(most) - place)
        if interval <= each:
            return interval
        done += each
    return (work - done) / others if others else np.inf
