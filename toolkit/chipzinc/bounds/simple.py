"""The bound that needs no search: the largest op, and the work divided over all chips.

Uses nothing that a partition may avoid: no transfer, no streamed weight, no rule but `supported_kinds`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from chipzinc.errors import InfeasibleError
from chipzinc.graph.opgraph import FloatArray, OpGraph
from chipzinc.hardware.demand import op_supported, op_time_us
from chipzinc.hardware.package import Package


@dataclass(frozen=True)
class Bound:
    """A proven lower bound on the interval.

    Attributes:
        name: how it was proven, such as ``largest_op`` or ``work``.
        value_us: no partition that keeps the hard rules has a shorter interval.
        seconds: what the proof took.
    """

    name: str
    value_us: float
    seconds: float


def simple_bound(graph: OpGraph, package: Package) -> Bound:
    """The larger of `largest_op_bound` and `work_bound`.

    Raises:
        InfeasibleError: if the rule `supported_kinds` is hard and no chip can run some op.
    """
    start = time.perf_counter()
    proven = (("largest_op", largest_op_bound(graph, package)), ("work", work_bound(graph, package)))
    name, value = max(proven, key=lambda bound: bound[1])
    return Bound(name, value, time.perf_counter() - start)


def largest_op_bound(graph: OpGraph, package: Package) -> float:
    """Time of the largest op on its fastest chip, in µs; raises as `simple_bound` does."""
    return float(times_where_allowed(graph, package).min(axis=1).max(initial=0.0))


def work_bound(graph: OpGraph, package: Package) -> float:
    """The work spread over all chips, in µs; raises as `simple_bound` does.

    The work is spread by the linear program min z, where each op is divided over the chips and no chip has more
    than z of it; for identical chips that is the work over their number. What is returned is the value of a dual
    solution, a bound by weak duality whatever the accuracy of the linear program's solver.
    """
    return _work(times_where_allowed(graph, package))


def times_where_allowed(graph: OpGraph, package: Package) -> FloatArray:
    """Time of each op on each chip, infinite where a hard rule keeps it off; shape [op, chip]."""
    op_time = op_time_us(graph, package)
    if not any(rule.name == "supported_kinds" and rule.soft_weight is None for rule in package.rules):
        return op_time
    allowed = op_supported(graph, package)
    nowhere = np.flatnonzero(~allowed.any(axis=1))
    if len(nowhere):
        op = graph.op_names[nowhere[0]]
        kind = graph.op_kinds[nowhere[0]]
        raise InfeasibleError(f"no chip can run the op '{op}' of kind '{kind}'", rule="supported_kinds", op=op)
    return np.where(allowed, op_time, np.inf)


def _work(op_time: FloatArray) -> float:
    """Bound by the work of all ops on all chips, in µs.

    For prices y >= 0 of a µs on each chip that sum to 1, z >= sum over d of y[d] * load[d] >= sum over ops of its
    cheapest y[d] * time[d]. Equal columns are merged first, so that identical chips need no linear program.
    """
    columns, count = np.unique(op_time, axis=1, return_counts=True)
    price = np.full(1, 1 / op_time.shape[1]) if len(count) == 1 else _prices(columns, count)
    with np.errstate(invalid="ignore"):
        cheapest = np.where(np.isinf(columns), np.inf, columns * price).min(axis=1)
    # the same sum in another order may come out smaller by the rounding of its terms
    return float(cheapest.sum() * (1 - 2 * len(cheapest) * np.finfo(np.float64).eps))


def _prices(columns: FloatArray, count: np.ndarray) -> FloatArray:
    """Price of a µs on one chip of each kind, by the linear program's dual; shape [kind], count @ price = 1."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    n_ops, n_kinds = columns.shape
    op, kind = np.nonzero(np.isfinite(columns))
    share = np.arange(len(op))  # variables: share of each op on the chips of each kind, then z
    z = len(op)
    loads = coo_array(
        (
            np.concatenate([columns[op, kind], -count.astype(np.float64)]),
            (np.concatenate([kind, np.arange(n_kinds)]), np.concatenate([share, np.full(n_kinds, z)])),
        ),
        shape=(n_kinds, z + 1),
    )
    whole = coo_array((np.ones(z), (op, share)), shape=(n_ops, z + 1))
    result = linprog(
        c=np.eye(1, z + 1, z)[0], A_ub=loads.tocsr(), b_ub=np.zeros(n_kinds), A_eq=whole.tocsr(), b_eq=np.ones(n_ops)
    )
    price = np.maximum(-result.ineqlin.marginals, 0.0) if result.success else np.ones(n_kinds)
    total = float(count @ price)
    return np.asarray(price / total if total > 0 else np.full(n_kinds, 1 / count.sum()))
