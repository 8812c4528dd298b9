"""The objectives in MiniZinc value partitions as the throughput model does, on every topology and in every mode."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from chipzinc.errors import InputError
from chipzinc.graph.opgraph import IntArray, OpGraph
from chipzinc.hardware.package import Package
from chipzinc.optimise.neighbourhood import Task, terms_by_solver
from chipzinc.render.objective import objective_data, parse_objective, term_units
from chipzinc.render.objective_data import make_nets
from chipzinc.rules.catalogue import select, selected_rules
from chipzinc.solve import Session
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import random_graph
from tests.throughput.small import OFFCHIP, package

RING, TWO_WAY, CHAIN = "kind: ring-one-way", "kind: ring-two-way", "kind: chain"
MESH = "kind: mesh, rows: 2, columns: 3"
UNEVEN = (
    "kind: explicit, links: [{from: 0, to: 1, bandwidth: 3 MB/s}, {from: 1, to: 2}, {from: 2, to: 0}, {from: 0, to: 2}]"
)
ENERGY = "energy_per_flop: 2 pJ, energy_per_sram_byte: 0.5 pJ"


def on(topology: str, chips: int, communication: str, chip: str = OFFCHIP, more: str = "") -> Package:
    return package(topology, chips=chips, chip=chip, more=f"communication: {communication}\n{more}")


PACKAGES = {
    "one-way ring, added": on(RING, 4, "added"),
    "one-way ring, overlapped": on(RING, 3, "overlapped"),
    "two-way ring, added": on(TWO_WAY, 5, "added"),
    "two-way ring, overlapped": on(TWO_WAY, 5, "overlapped"),
    "chain, added": on(CHAIN, 4, "added"),
    "mesh, added": on(MESH, 6, "added"),
    "mesh, overlapped": on(MESH, 6, "overlapped"),
    "uneven links, added": on(UNEVEN, 3, "added"),
    "uneven links, overlapped": on(UNEVEN, 3, "overlapped"),
    "through the host": on(RING, 3, "host"),
}


def task(graph: OpGraph, package: Package, objective: str, rules: tuple[str, ...] = ()) -> Task:
    """A task over ops; the hint is all on chip 0."""
    nowhere = np.zeros(graph.n_ops, dtype=np.int64)
    return Task(graph, package, select((), None), parse_objective(objective), nowhere, np.ones(graph.n_ops))


def drawn(seed: int, package: Package, number: int = 3) -> tuple[OpGraph, IntArray]:
    """A graph of up to seven ops with times and weights, and partitions of it, valid or not."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, int(rng.integers(3, 8)))
    return graph, rng.integers(0, package.n_chips, size=(number, graph.n_ops))


@pytest.mark.parametrize("name", PACKAGES)
def test_the_interval_in_minizinc_is_that_of_the_throughput_model(name: str, session: Session) -> None:
    package = PACKAGES[name]
    graph, partitions = drawn(len(name), package)
    expected = ThroughputModel(graph, package).evaluate(partitions).interval_us
    found = [terms_by_solver(session, task(graph, package, "interval"), chips, "chuffed")[0] for chips in partitions]
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["two-way ring, added", "mesh, overlapped", "through the host"])
def test_latency_in_minizinc_is_that_of_the_throughput_model(name: str, session: Session) -> None:
    package = PACKAGES[name]
    graph, partitions = drawn(2, package, 2)
    expected = ThroughputModel(graph, package).latency_us(partitions)
    found = [terms_by_solver(session, task(graph, package, "latency"), chips, "gecode")[0] for chips in partitions]
    assert found == pytest.approx(expected, rel=1e-4)


def test_energy_counts_every_link_that_a_tensor_passes(session: Session) -> None:
    package = on(f"{MESH}, energy_per_byte: 3 pJ", 6, "added", chip=f"{OFFCHIP}, {ENERGY}")
    graph, partitions = drawn(3, package)
    expected = ThroughputModel(graph, package).evaluate(partitions).energy_pj
    found = [terms_by_solver(session, task(graph, package, "energy"), chips, "chuffed")[0] for chips in partitions]
    assert found == pytest.approx(expected, rel=1e-4)


def test_streamed_weights_take_at_least_what_does_not_fit_beside_the_largest_op(session: Session) -> None:
    roomy = on(RING, 3, "added", more="weights: streamed")
    package = dataclasses.replace(roomy, sram_bytes=np.full(3, 5))
    graph, partitions = drawn(4, package)
    model = ThroughputModel(graph, package)
    for chips in partitions:
        found = terms_by_solver(session, task(graph, package, "interval"), chips, "chuffed")[0]
        loads = model.evaluate(chips)
        assert found <= loads.interval_us[0] * (1 + 1e-4)
        assert found >= (loads.chip_us - loads.stream_us).max() * (1 - 1e-4)


def test_chips_used_and_moved_count_chips_and_ops(session: Session) -> None:
    package = PACKAGES["one-way ring, added"]
    graph = random_graph(np.random.default_rng(5), 5)
    both = task(graph, package, "chips_used > moved")
    assert terms_by_solver(session, both, np.array([0, 2, 2, 0, 3]), "chuffed").tolist() == [3, 3]


def test_values_of_one_group_with_the_same_readers_are_one_net() -> None:
    package = PACKAGES["one-way ring, added"]
    graph = random_graph(np.random.default_rng(6), 6)
    nets = make_nets(graph, package, np.array([0, 0, 0, 1, 1, 1]))
    assert len(nets.source) <= 1
    assert all(set(readers) == {1} for readers in nets.readers)


def test_weights_of_a_sum_are_in_the_units_that_people_see() -> None:
    package = PACKAGES["one-way ring, added"]
    graph = random_graph(np.random.default_rng(7), 5)
    objective = parse_objective("2 interval + 10 chips_used")
    data = objective_data(graph, package, np.arange(5), objective)
    interval, chips = np.array(data["term_weight"]) / data["term_divisor"]
    unit, one = term_units(objective, data)
    assert interval / chips == pytest.approx(2 * unit / (10 * one), rel=0.1)
    json.dumps(data)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("interva", "did you mean 'interval'"),
        ("interval + interval", "twice"),
        ("interval > 2 energy", "weights"),
        ("interval > moved + energy", "mixes"),
        ("", "expected a name"),
        ("loads", "no objective"),
    ],
)
def test_an_objective_that_is_none_is_refused_in_words(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_objective(text)


def test_an_objective_is_written_as_it_was_read() -> None:
    for text in ("interval", "interval > chips_used", "3 interval + energy"):
        assert str(parse_objective(text)) == text


def test_a_file_beside_the_spec_is_an_objective(tmp_path: Path, session: Session) -> None:
    (tmp_path / "last_chip.mzn").write_text("function var int: last_chip_cost() = max(group_chip);\n")
    package = PACKAGES["one-way ring, added"]
    graph = random_graph(np.random.default_rng(8), 4)
    given = task(graph, package, "interval")
    own = parse_objective("last_chip", tmp_path / "spec.yaml")
    given = Task(graph, package, given.rules, own, given.hint, given.op_work)
    assert terms_by_solver(session, given, np.array([0, 1, 1, 2]), "chuffed").tolist() == [2]


SOFT = """rules:
  - {name: max_ops_per_chip, parameters: {limit: 1}, soft_weight: 2}
  - {name: separated, parameters: {groups: [[op0, op1]]}, soft_weight: 0.5}
"""


def test_the_penalty_is_the_sum_of_the_weights_of_what_is_violated(session: Session) -> None:
    given = package(RING, chips=3, more=SOFT)
    graph, partitions = drawn(3, given, number=4)
    wanted = dataclasses.replace(task(graph, given, "penalty"), rules=selected_rules(given))
    for chips, verdict in zip(
        partitions, verify(session, graph, given, wanted.rules, partitions, solver="gecode"), strict=True
    ):
        (penalty,) = terms_by_solver(session, wanted, chips, "gecode")
        assert penalty == pytest.approx(verdict.penalty)


def test_a_penalty_without_a_soft_rule_is_refused() -> None:
    given = package(RING, chips=3, more="rules: [acyclic_dataflow]")
    graph, _ = drawn(3, given)
    with pytest.raises(InputError, match="'penalty' needs a rule with a soft_weight"):
        objective_data(graph, given, np.arange(graph.n_ops), parse_objective("interval > penalty"))
