"""`subgraph`: what is left of a graph when only some of its ops are looked at.

Knows no chips and no rules; which rules carry over to a part of a graph is said in their files.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.opgraph import Incidence, IntArray, OpGraph, Profile


def subgraph(graph: OpGraph, ops: IntArray) -> OpGraph:
    """The ops, the tensors that go from one of them to another, and the weights they use.

    A tensor or weight keeps its size whoever else reads it; what an op reads from outside is gone.

    Args:
        graph: the graph.
        ops: ops to keep, increasing, at least one, shape [kept].
    """
    place = np.full(graph.n_ops, -1, dtype=np.int64)
    place[ops] = np.arange(len(ops))
    tensors = np.flatnonzero(place[graph.tensor_producer] >= 0)
    readers = [_kept(graph.tensor_consumers[tensor], place) for tensor in tensors.tolist()]
    users = [_kept(graph.weight_users[weight], place) for weight in range(len(graph.weight_users))]
    weights = np.array([weight for weight, row in enumerate(users) if row], dtype=np.int64)
    return dataclasses.replace(
        graph,
        op_names=tuple(graph.op_names[op] for op in ops),
        op_kinds=tuple(graph.op_kinds[op] for op in ops),
        op_flops=graph.op_flops[ops],
        op_free=graph.op_free[ops],
        tensor_producer=place[graph.tensor_producer[tensors]],
        tensor_elements=graph.tensor_elements[tensors],
        tensor_bits=graph.tensor_bits[tensors],
        tensor_consumers=Incidence.from_rows(readers),
        weight_elements=graph.weight_elements[weights],
        weight_bits=graph.weight_bits[weights],
        weight_users=Incidence.from_rows([users[weight] for weight in weights.tolist()]),
        profile=None if graph.profile is None else _profile(graph.profile, ops),
    )


def _kept(ops: NDArray[np.int64], place: IntArray) -> list[int]:
    return [int(at) for at in place[ops] if at >= 0]


def _profile(profile: Profile, ops: IntArray) -> Profile:
    return Profile(
        op_time_us={name: time[ops] for name, time in profile.op_time_us.items()},
        op_transfer_us=profile.op_transfer_us[ops],
        op_supported={name: can[ops] for name, can in profile.op_supported.items()},
        op_backward=profile.op_backward[ops],
        op_colour=profile.op_colour[ops],
    )
