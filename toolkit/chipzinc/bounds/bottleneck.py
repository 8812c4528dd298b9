"""The three-block bottleneck relaxation, by mixed-integer programming (SciPy's HiGHS).

After Archer et al., "Practical Performance Guarantees for Pipelined DNN Inference" (ICML 2024), section 4: in every
pipeline some chip does at least the work over the number of chips, and what comes before it and after it are two
blocks. The cheapest such middle block, communication included, is a bound. Takes chips that are all alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chipzinc.graph.opgraph import FloatArray, IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.ideals.pipelines import Ordered

_MARGIN = 1e-6  # share by which the solver may miss the dual bound it reports
_MOST_ITEMS = 1_000  # the linear program at the root of more alone takes too long


def three_block_bound(graph: OpGraph, package: Package, floor_us: float, time_limit_s: float) -> float | None:
    """The cheapest middle block that does its share of the work, in µs.

    Args:
        graph: the graph.
        package: a package under a hard `acyclic_dataflow` or `acyclic_quotient`.
        floor_us: a bound known already.
        time_limit_s: seconds to spend.

    Returns:
        The bound that the solver proved in time, None if it is no better than the one known or does not apply.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    ordered = Ordered.of(graph, package)
    if len(ordered.types.chip) > 1 or ordered.items.n_items > _MOST_ITEMS or package.communication == "overlapped":
        return None
    program = _program(ordered)
    result = milp(
        c=program.cost,
        constraints=LinearConstraint(program.matrix(), lb=np.array(program.at_least)),
        integrality=program.whole,
        bounds=Bounds(0, 1),
        options={"time_limit": max(time_limit_s, 0.1), "mip_rel_gap": 1e-3},
    )
    proven = result.mip_dual_bound
    if proven is None or not np.isfinite(proven):
        return None
    value = float(proven) * (1 - _MARGIN)
    return value if value > floor_us else None


@dataclass
class _Program:
    """Minimise cost @ x with x in 0..1 and rows of matrix @ x >= at_least."""

    cost: FloatArray
    whole: IntArray
    entries: list[tuple[int, int, float]] = field(default_factory=list)
    at_least: list[float] = field(default_factory=list)

    def require(self, terms: list[tuple[int, float]], at_least: float) -> None:
        """Adds a row."""
        self.entries += [(len(self.at_least), column, value) for column, value in terms]
        self.at_least.append(at_least)

    def matrix(self) -> Any:  # scipy's sparse arrays have no types
        """The rows as a sparse array."""
        from scipy.sparse import coo_array

        row, column, value = zip(*self.entries, strict=True)
        return coo_array((value, (row, column)), shape=(len(self.at_least), len(self.cost))).tocsr()


def _program(ordered: Ordered) -> _Program:
    """Variables: item is before the middle block; item is not after it; net is received; net is sent."""
    items, types = ordered.items, ordered.types
    n, nets = items.n_items, len(items.nets)
    rates = np.array([types.receive_bytes_per_us[0], types.send_bytes_per_us[0]])
    if items.nets_in_us:
        rates = np.ones(2)
    elif ordered.package.communication == "host":
        rates = np.full(2, float(ordered.package.offchip_bytes_per_us[types.chip[0]]))
    moved = [items.net_size / rate if rate > 0 else np.zeros(nets) for rate in rates]
    time = items.time_us[:, 0]
    program = _Program(np.concatenate([-time, time, *moved]), np.repeat([1, 0], [2 * n, 2 * nets]))
    inside = [(n + i, time[i]) for i in range(n)] + [(i, -time[i]) for i in range(n)]
    program.require(inside, _share(time, int(types.count[0])))
    for i in range(n):
        program.require([(n + i, 1), (i, -1)], 0)
    for earlier, later in items.precedes.tolist():
        program.require([(earlier, 1), (later, -1)], 0)
        program.require([(n + earlier, 1), (n + later, -1)], 0)
    for net in range(nets):
        _add_net(program, n, 2 * n + net, 2 * n + nets + net, int(items.net_producer[net]), items.nets[net].tolist())
    return program


def _add_net(program: _Program, n: int, received: int, sent: int, producer: int, touched: list[int]) -> None:
    """A net is received if its producer is before the block and a consumer inside, sent if a consumer is after it."""
    for consumer in touched:
        if consumer != producer:
            program.require([(received, 1), (producer, -1), (consumer, 1), (n + consumer, -1)], -1)
            program.require([(sent, 1), (n + producer, -1), (producer, 1), (n + consumer, 1)], 0)


def _share(time: FloatArray, n_chips: int) -> float:
    """Work that some chip does at least, a little less for rounding."""
    return float(time.sum() / n_chips * (1 - 1e-9))
