from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipzinc.graph.coarsen import Coarsening, coarsen, refine
from chipzinc.graph.importers.hugging_face import import_config
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import OpGraph
from tests.graph.graphs import graph_of, graphs


def works(graph: OpGraph, seed: int) -> np.ndarray:
    return np.where(graph.op_free, 0.0, np.random.default_rng(seed).integers(0, 1000, graph.n_ops).astype(float))


def assert_is_coarsening_of(graph: OpGraph, coarsening: Coarsening) -> None:
    """Every op in one group, groups numbered in topological order, edges those of the quotient."""
    pairs = coarsening.group_of[graph.edges]
    assert (pairs[:, 0] <= pairs[:, 1]).all()
    assert sorted(coarsening.members.ids.tolist()) == list(range(graph.n_ops))
    assert all(len(coarsening.members[group]) for group in range(coarsening.n_groups))
    quotient = {(a, b) for a, b in pairs.tolist() if a != b}
    assert coarsening.edges.tolist() == sorted(map(list, quotient))


@given(graph=graphs(30), seed=st.integers(0, 99), slack=st.sampled_from([0.0, 0.001, 0.05, 1.0]))
def test_the_quotient_is_acyclic_and_every_op_is_in_one_group(graph: OpGraph, seed: int, slack: float) -> None:
    assert_is_coarsening_of(graph, coarsen(graph, works(graph, seed), slack_share=slack))


@given(graph=graphs(30), seed=st.integers(0, 99), data=st.data())
def test_restrict_undoes_expand(graph: OpGraph, seed: int, data: st.DataObject) -> None:
    coarsening = coarsen(graph, works(graph, seed), slack_share=0.1)
    chips = np.random.default_rng(seed).integers(0, 5, (3, coarsening.n_groups))
    assert (coarsening.restrict(coarsening.expand(chips)) == chips).all()
    assert coarsening.expand(chips).shape == (3, graph.n_ops)


@given(graph=graphs(30), seed=st.integers(0, 99))
def test_after_refining_a_partition_is_written_with_groups_without_loss(graph: OpGraph, seed: int) -> None:
    partition = np.random.default_rng(seed).integers(0, 3, graph.n_ops)
    refined = refine(graph, coarsen(graph, works(graph, seed), slack_share=0.5), partition=partition)
    assert_is_coarsening_of(graph, refined)
    assert (refined.expand(refined.restrict(partition)) == partition).all()


@given(graph=graphs(30), seed=st.integers(0, 99), data=st.data())
def test_refined_ops_stand_alone_and_other_groups_stay(graph: OpGraph, seed: int, data: st.DataObject) -> None:
    coarse = coarsen(graph, works(graph, seed), slack_share=0.5)
    ops = data.draw(st.sets(st.integers(0, graph.n_ops - 1), max_size=3))
    refined = refine(graph, coarse, ops=ops)
    assert_is_coarsening_of(graph, refined)
    before = {tuple(coarse.members[group].tolist()) for group in range(coarse.n_groups)}
    after = {tuple(refined.members[group].tolist()) for group in range(refined.n_groups)}
    assert all((op,) in after for op in ops)
    assert {group for group in before if not ops & set(group)} <= after


@given(graph=graphs(30), seed=st.integers(0, 99), slack=st.sampled_from([0.0, 0.01, 0.3]))
def test_a_group_holds_little_beside_its_largest_op(graph: OpGraph, seed: int, slack: float) -> None:
    work = works(graph, seed)
    weights = np.zeros(graph.n_ops)
    coarsening = coarsen(graph, work, op_weight_bytes=weights, slack_share=slack)
    largest = np.array([work[coarsening.members[group]].max() for group in range(coarsening.n_groups)])
    assert (coarsening.group_work - largest <= slack * work.sum() + 1e-9).all()


@given(graph=graphs(20), seed=st.integers(0, 99))
def test_coarsening_is_deterministic(graph: OpGraph, seed: int) -> None:
    work = works(graph, seed)
    assert (coarsen(graph, work).group_of == coarsen(graph, work).group_of).all()


@given(graph=graphs(30), seed=st.integers(0, 99))
def test_ops_of_different_classes_stay_apart(graph: OpGraph, seed: int) -> None:
    classes = np.random.default_rng(seed).integers(0, 3, graph.n_ops)
    coarsening = coarsen(graph, works(graph, seed), op_class=classes, slack_share=1.0)
    assert_is_coarsening_of(graph, coarsening)
    for group in range(coarsening.n_groups):
        assert len(set(classes[coarsening.members[group]].tolist())) == 1


def test_a_free_op_joins_the_producer_of_the_tensor_it_renames() -> None:
    graph = graph_of([[1, 2, 3], [], [], []], free=[1])
    assert coarsen(graph, np.array([1.0, 0, 1, 1])).group_of.tolist() == [0, 0, 1, 2]


def test_a_chain_is_contracted_where_it_carries_most_and_stays_cut_where_it_carries_least() -> None:
    chain = graph_of([[1], [2], []])
    work, weights = np.array([100.0, 1.0, 100.0]), np.zeros(3)
    for sizes, groups in (([9.0, 5.0, 1.0], [0, 0, 1]), ([5.0, 9.0, 1.0], [0, 1, 1])):
        coarsening = coarsen(chain, work, op_weight_bytes=weights, tensor_bytes=np.array(sizes), slack_share=0.01)
        assert coarsening.group_of.tolist() == groups


def test_heavy_weights_are_not_gathered() -> None:
    chain = graph_of([[1], []])
    assert coarsen(chain, np.array([1.0, 0.0]), op_weight_bytes=np.array([50, 50])).n_groups == 2
    assert coarsen(chain, np.array([1.0, 0.0]), op_weight_bytes=np.array([50, 0])).n_groups == 1


def test_a_diamond_is_not_contracted() -> None:
    diamond = graph_of([[1, 2], [3], [3], []])
    assert coarsen(diamond, np.zeros(4), slack_share=1.0).n_groups == 4


def test_the_median_of_a_group_is_weighted_by_work() -> None:
    coarsening = Coarsening(np.array([0, 0, 0, 1, 1]), np.array([[0, 1]]), np.array([1.0, 1.0, 3.0, 0.0, 0.0]))
    assert coarsening.restrict(np.array([0, 1, 7, 2, 5])).tolist() == [7, 2]
    assert coarsening.restrict(np.array([[9, 8, 1, 4, 4], [0, 0, 0, 5, 3]])).tolist() == [[1, 4], [0, 3]]


def test_a_cyclic_quotient_is_never_numbered() -> None:
    chain = graph_of([[1], [2], []])
    broken = Coarsening(np.array([0, 1, 0]), np.array([[0, 1]]), np.ones(3))
    with pytest.raises(ValueError, match="cycle"):
        refine(chain, broken)


def ring_work(graph: OpGraph) -> np.ndarray:
    """Time of each op on a chip of mcm36-ring, 8 bits: 4 TOPS at half or a tenth, 256 GB/s, 0.2 µs overhead."""
    reads = graph.tensor_consumers
    moved = np.bincount(graph.weight_users.ids, graph.weight_elements[graph.weight_users.rows], graph.n_ops)
    moved += np.bincount(reads.ids, graph.tensor_elements[reads.rows], graph.n_ops)
    moved += np.bincount(graph.tensor_producer, graph.tensor_elements, graph.n_ops)
    efficiency = np.array([0.5 if family(kind) in ("matmul", "conv") else 0.1 for kind in graph.op_kinds])
    return np.where(graph.op_free, 0, np.maximum(graph.op_flops / (4e6 * efficiency), moved / 256e3) + 0.2)


def test_bert_large_leaves_about_300_groups_and_400_edges() -> None:
    pytest.importorskip("transformers")
    sizes = {"num_hidden_layers": 24, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
    graph = import_config({"model_type": "bert", **sizes}, "bert-large")
    assert 1250 <= graph.n_ops + len(graph.replicated) <= 1330
    assert 1330 <= len(graph.edges) <= 1430
    coarsening = coarsen(graph, ring_work(graph))
    assert 270 <= coarsening.n_groups <= 330
    assert 370 <= len(coarsening.edges) <= 440
    assert coarsening.group_work.max() < 1.02 * ring_work(graph).max()
    assert_is_coarsening_of(graph, coarsening)


def unrolled(steps: int) -> OpGraph:
    """A recurrent network: each step has four gates that meet in two ops, which the next step reads."""
    readers: list[list[int]] = []
    for step in range(steps):
        gates = [len(readers) + gate for gate in range(4)]
        meet, end = gates[3] + 1, gates[3] + 2
        readers += [[meet]] * 4 + [[end], [end + gate for gate in range(1, 5)] if step + 1 < steps else []]
    return graph_of(readers)


def test_trees_are_contracted_where_chains_leave_too_many_groups() -> None:
    graph = unrolled(300)
    ones, weights = np.ones(graph.n_ops), np.zeros(graph.n_ops)
    assert coarsen(graph, ones, op_weight_bytes=weights, target_groups=graph.n_ops).n_groups == 1500
    few = coarsen(graph, ones, op_weight_bytes=weights, target_groups=400)
    assert_is_coarsening_of(graph, few)
    assert few.n_groups == 600  # a step's gates and where they meet are one group; six ops would exceed the slack
    assert few.group_work.max() <= 1 + graph.n_ops / 400


def test_a_heavy_op_does_not_join_a_light_one_that_others_read() -> None:
    """A chain of light steps, each of which a heavy op reads: the heavy ones would all share the chips of the chain."""
    steps = 5
    heavy = [steps + step for step in range(steps)]
    readers = [[*([step + 1] if step + 1 < steps else []), heavy[step]] for step in range(steps)]
    graph = graph_of([*readers, *([2 * steps] for _ in heavy), []])
    work = np.array([1.0] * steps + [100.0] * steps + [1.0])
    groups = coarsen(graph, work, op_weight_bytes=np.zeros(graph.n_ops), target_groups=steps + 1).group_of
    assert all((groups == groups[op]).sum() == 1 for op in heavy[:-1])


@given(graph=graphs(30), seed=st.integers(0, 99), target=st.integers(1, 20))
def test_trees_leave_the_quotient_acyclic_too(graph: OpGraph, seed: int, target: int) -> None:
    coarsening = coarsen(graph, works(graph, seed), op_weight_bytes=np.zeros(graph.n_ops), target_groups=target)
    assert_is_coarsening_of(graph, coarsening)


@pytest.mark.parametrize("shape", ["ladder", "star", "recurrent"])
def test_ten_thousand_ops_take_a_moment(shape: str) -> None:
    n = 10_000
    if shape == "recurrent":
        graph = unrolled(n // 6)
    elif shape == "star":
        graph = graph_of([list(range(1, n)), *([] for _ in range(n - 1))])
    else:
        graph = graph_of([sorted({reader for reader in (op + 1, op + 7) if reader < n}) for op in range(n)])
    start = time.process_time()
    coarsening = coarsen(graph, np.ones(graph.n_ops), op_weight_bytes=np.zeros(graph.n_ops))
    assert time.process_time() - start < 5  # a quadratic one takes minutes
    assert_is_coarsening_of(graph, coarsening)
