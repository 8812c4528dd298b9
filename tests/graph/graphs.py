"""Small graphs for tests: by hand from edges, and drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from chipzinc.graph.opgraph import Incidence, OpGraph


def graph_of(readers: Sequence[Sequence[int]], *, free: Sequence[int] = (), name: str = "hand") -> OpGraph:
    """A graph in which op i writes a tensor of i + 1 elements for `readers[i]`, and owns a weight if i is even.

    Free ops write nothing: list who reads behind them as readers of the op whose tensor they rename.
    """
    n = len(readers)
    is_free = np.isin(np.arange(n), free)
    writers = [op for op in range(n) if not is_free[op]]
    owners = [op for op in writers if op % 2 == 0]
    return OpGraph(
        name=name,
        op_names=tuple(f"op{op}" for op in range(n)),
        op_kinds=tuple("view" if is_free[op] else "add" for op in range(n)),
        op_flops=np.where(is_free, 0.0, np.arange(n) + 0.5),
        op_free=is_free,
        tensor_producer=np.array(writers, dtype=np.int64),
        tensor_elements=np.array([op + 1 for op in writers], dtype=np.int64),
        tensor_bits=np.full(len(writers), 32, dtype=np.int64),
        tensor_consumers=Incidence.from_rows([sorted(readers[op]) for op in writers]),
        weight_elements=np.array([10 * op + 1 for op in owners], dtype=np.int64),
        weight_bits=np.full(len(owners), 8, dtype=np.int64),
        weight_users=Incidence.from_rows([[op] for op in owners]),
    )


@st.composite
def graphs(draw: st.DrawFn, max_ops: int = 12) -> OpGraph:
    """Any small graph, free ops and unread tensors included."""
    n = draw(st.integers(1, max_ops))
    readers: list[set[int]] = [set() for _ in range(n)]
    root = list(range(n))  # the op whose tensor an op's result is
    free = []
    for op in range(n):
        inputs = draw(st.sets(st.integers(0, op - 1), max_size=3)) if op else set()
        if inputs and draw(st.integers(0, 3)) == 0:
            inputs = {min(inputs)}
            root[op] = root[min(inputs)]
            free.append(op)
        for source in inputs:
            readers[root[source]].add(op)
    return graph_of([sorted(row) for row in readers], free=free)
