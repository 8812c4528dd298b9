"""Parts of graphs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.subgraph import subgraph
from tests.graph.graphs import graph_of, graphs


@given(graphs(), st.randoms(use_true_random=False))
def test_a_part_has_the_edges_and_weights_among_its_ops(model: OpGraph, random: object) -> None:
    chosen = [op for op in range(model.n_ops) if random.random() < 0.6] or [0]  # type: ignore[attr-defined]
    part = subgraph(model, np.array(chosen))
    names = {tuple(part.op_names[op] for op in edge) for edge in part.edges.tolist()}
    among = [edge for edge in model.edges.tolist() if set(edge) <= set(chosen)]
    assert names == {tuple(model.op_names[op] for op in edge) for edge in among}
    owned = sorted(
        int(size) for w, size in enumerate(model.weight_elements) if set(model.weight_users[w]) & set(chosen)
    )
    assert sorted(part.weight_elements.tolist()) == owned


def test_a_part_of_all_ops_is_the_graph() -> None:
    model = graph_of([[1, 2], [3], [3], []])
    part = subgraph(model, np.arange(4))
    assert (part.edges == model.edges).all()
    assert part.op_names == model.op_names
