"""`OpGraph`: a model as frozen arrays of ops, tensors and weights.

Knows nothing of chips, rules, or where the graph came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chipzinc.graph.validate import validate

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Incidence:
    """Rows of ids in compressed form: row i is ``ids[starts[i]:starts[i + 1]]``.

    Attributes:
        starts: shape [row + 1].
        ids: the rows' entries, one after another.
    """

    starts: IntArray
    ids: IntArray

    @classmethod
    def from_rows(cls, rows: list[list[int]]) -> Incidence:
        """Packs a list of rows."""
        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        ids = np.fromiter((i for row in rows for i in row), dtype=np.int64, count=int(lengths.sum()))
        return cls(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), ids)

    @cached_property
    def rows(self) -> IntArray:
        """The row of each entry, shape [entry]."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, row: int) -> IntArray:
        return self.ids[self.starts[row] : self.starts[row + 1]]


@dataclass(frozen=True, eq=False)
class Profile:
    """Measured costs that stand in for the cost model (placement JSON carries them).

    Attributes:
        op_time_us: time of each op by chip class, each shape [op].
        op_transfer_us: cost of moving an op's output between a chip and the host once, shape [op].
        op_supported: by chip class, whether it can run the op, each shape [op].
        op_backward: whether the op belongs to the backward pass, shape [op].
        op_colour: colour class of each op, -1 for none, shape [op]; ops of a colour share a chip.
    """

    op_time_us: dict[str, FloatArray]
    op_transfer_us: FloatArray
    op_supported: dict[str, BoolArray]
    op_backward: BoolArray
    op_colour: IntArray


@dataclass(frozen=True, eq=False)
class OpGraph:
    """A model's operations in topological order, with the tensors and weights between them.

    Graph inputs are not tensors (reading them is free), and replicated ops are named only: every chip
    that needs one computes its own copy. A free op (a view) consumes a tensor and adds no other: those who
    read its result are consumers of the tensor it renames.

    Attributes:
        name: the model's name.
        op_names: unique names, in topological order, shape [op].
        op_kinds: canonical kinds such as ``matmul``, ``conv``, ``softmax``, shape [op].
        op_flops: floating-point operations (a multiply-add is two), shape [op].
        op_free: whether the op takes no time and its output is its input, shape [op].
        tensor_producer: op that writes the tensor, shape [tensor].
        tensor_elements: elements, shape [tensor].
        tensor_bits: bits of one element as exported, shape [tensor].
        tensor_consumers: ops that read each tensor, free ops and the readers behind them included.
        weight_elements: elements, shape [weight].
        weight_bits: bits of one element as exported, shape [weight].
        weight_users: ops that use each weight; a weight counts once per chip that uses it.
        replicated: names of the ops that every chip computes for itself.
        source: where the graph came from, for people.
        profile: measured costs, where the input carries them.
    """

    name: str
    op_names: tuple[str, ...]
    op_kinds: tuple[str, ...]
    op_flops: FloatArray
    op_free: BoolArray
    tensor_producer: IntArray
    tensor_elements: IntArray
    tensor_bits: IntArray
    tensor_consumers: Incidence
    weight_elements: IntArray
    weight_bits: IntArray
    weight_users: Incidence
    replicated: tuple[str, ...] = ()
    source: str = ""
    profile: Profile | None = None

    def __post_init__(self) -> None:
        validate(self)

    @property
    def n_ops(self) -> int:
        """Number of ops, replicated ones not among them."""
        return len(self.op_names)

    @property
    def n_tensors(self) -> int:
        """Number of tensors."""
        return len(self.tensor_producer)

    @cached_property
    def edges(self) -> IntArray:
        """Distinct (producer, consumer) pairs over all tensors, sorted, shape [edge, 2]."""
        pairs = np.stack([self.tensor_producer[self.tensor_consumers.rows], self.tensor_consumers.ids], axis=1)
        return np.unique(pairs, axis=0).reshape(-1, 2)

    @cached_property
    def op_index(self) -> dict[str, int]:
        """Position of each op by name."""
        return {name: index for index, name in enumerate(self.op_names)}
