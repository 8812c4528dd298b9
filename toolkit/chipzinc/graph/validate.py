"""What every `OpGraph` promises, checked when one is made.

Knows nothing of files; a reader of files adds the file's name to what is raised here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.graph.opgraph import Incidence, OpGraph, Profile


def validate(graph: OpGraph) -> None:
    """Checks lengths, names, ranges, finiteness and topological order.

    Raises:
        InputError: names the op (or tensor) and the field, and says what was expected.
    """
    _check_names(graph)
    n = graph.n_ops
    _check_lengths(n, op_kinds=graph.op_kinds, op_flops=graph.op_flops, op_free=graph.op_free)
    _check_costs(graph.op_names, "op_flops", graph.op_flops)
    _check_tensors(graph)
    _check_weights(graph)
    if graph.profile is not None:
        _check_profile(graph, graph.profile)


def _check_names(graph: OpGraph) -> None:
    if not graph.op_names:
        raise InputError(f"graph {graph.name!r} has no ops; expected at least one")
    seen: set[str] = set()
    for name in (*graph.op_names, *graph.replicated):
        if not name:
            raise InputError("an op's name must not be empty", field="op_names")
        if name in seen:
            raise InputError(f"op name {name!r} occurs twice; names must be unique", field="op_names")
        seen.add(name)


def _check_lengths(expected: int, **columns: Any) -> None:
    for name, column in columns.items():
        if len(column) != expected:
            raise InputError(f"has {len(column)} entries, expected {expected}", field=name)


def _check_costs(names: tuple[str, ...], field: str, values: NDArray[Any]) -> None:
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        index = int(np.argmax(bad))
        message = f"op {names[index]!r}: must be finite and not negative, is {values[index]}"
        raise InputError(message, field=field)


def _check_counts(field: str, values: NDArray[Any], least: int) -> None:
    bad = values < least
    if bad.any():
        index = int(np.argmax(bad))
        raise InputError(f"must be at least {least}, is {values[index]}", field=f"{field}[{index}]")


def _check_ids(field: str, values: NDArray[Any], limit: int) -> None:
    bad = (values < 0) | (values >= limit)
    if bad.any():
        index = int(np.argmax(bad))
        raise InputError(f"names op {values[index]}, expected 0 to {limit - 1}", field=f"{field}[{index}]")


def _check_rows(field: str, rows: Incidence, expected: int) -> None:
    starts = rows.starts
    if len(starts) != expected + 1 or starts[0] != 0 or starts[-1] != len(rows.ids) or (np.diff(starts) < 0).any():
        raise InputError(f"must have {expected} rows that cover its {len(rows.ids)} entries", field=field)


def _check_tensors(graph: OpGraph) -> None:
    n = graph.n_tensors
    _check_lengths(n, tensor_elements=graph.tensor_elements, tensor_bits=graph.tensor_bits)
    _check_ids("tensor_producer", graph.tensor_producer, graph.n_ops)
    _check_counts("tensor_elements", graph.tensor_elements, 0)
    _check_counts("tensor_bits", graph.tensor_bits, 1)
    consumers = graph.tensor_consumers
    _check_rows("tensor_consumers", consumers, n)
    _check_ids("tensor_consumers", consumers.ids, graph.n_ops)
    producers = graph.tensor_producer[consumers.rows]
    late = producers >= consumers.ids
    if late.any():
        at = int(np.argmax(late))
        reader, writer = graph.op_names[consumers.ids[at]], graph.op_names[producers[at]]
        message = f"op {reader!r} reads the output of {writer!r}, which does not precede it: ops must be in topological"
        raise InputError(f"{message} order and without cycles", field="tensor_consumers")
    owned = graph.op_free[graph.tensor_producer]
    if owned.any():
        name = graph.op_names[graph.tensor_producer[int(np.argmax(owned))]]
        raise InputError(f"op {name!r} is free, so its output is its input and no tensor", field="tensor_producer")


def _check_weights(graph: OpGraph) -> None:
    n = len(graph.weight_elements)
    _check_lengths(n, weight_bits=graph.weight_bits)
    _check_counts("weight_elements", graph.weight_elements, 0)
    _check_counts("weight_bits", graph.weight_bits, 1)
    _check_rows("weight_users", graph.weight_users, n)
    _check_ids("weight_users", graph.weight_users.ids, graph.n_ops)


def _check_profile(graph: OpGraph, profile: Profile) -> None:
    n = graph.n_ops
    for name, times in profile.op_time_us.items():
        _check_lengths(n, **{f"profile.op_time_us.{name}": times})
        _check_costs(graph.op_names, f"profile.op_time_us.{name}", times)
    for name, supported in profile.op_supported.items():
        _check_lengths(n, **{f"profile.op_supported.{name}": supported})
    _check_lengths(n, op_transfer_us=profile.op_transfer_us, op_backward=profile.op_backward)
    _check_lengths(n, op_colour=profile.op_colour)
    _check_costs(graph.op_names, "profile.op_transfer_us", profile.op_transfer_us)
