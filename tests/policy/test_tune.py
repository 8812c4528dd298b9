"""A policy that learns from corrections finds the best partition of a small graph, whoever judges."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chipzinc.baselines.checker import Checker
from chipzinc.baselines.driver import Budget, Corrected, Corrector
from chipzinc.correct.problem import Mode
from chipzinc.errors import NoAnswerError
from chipzinc.graph.load import load_graph
from chipzinc.graph.opgraph import IntArray
from chipzinc.hardware.placement import placement_package
from chipzinc.hints.sources import HintContext
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork
from chipzinc.policy.source import PolicyHints
from chipzinc.policy.tune import TuneConfig, Tuner, tune
from chipzinc.recipe import partition
from chipzinc.rules.catalogue import selected_rules
from chipzinc.throughput.evaluator import Score
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import assignments


def valid_intervals(corrector: Corrector) -> np.ndarray:
    every = assignments(corrector.graph.n_ops, corrector.package.n_chips)
    rules = selected_rules(corrector.package)
    verdicts = verify(corrector.session, corrector.graph, corrector.package, rules, every)
    valid = every[[verdict.valid for verdict in verdicts]]
    return ThroughputModel(corrector.graph, corrector.package).evaluate(valid).interval_us


@pytest.mark.parametrize("mode", ["fix", pytest.param("sample", marks=pytest.mark.slow)])
def test_tuning_finds_the_best_partition_of_a_small_graph(
    mode: Mode, network: PolicyNetwork, corrector: Corrector
) -> None:
    found = tune(network, corrector, Budget(120), TuneConfig(mode=mode), batch=12, seed=1)
    assert found.samples == 120
    assert found.interval_us == pytest.approx(valid_intervals(corrector).min())
    (verdict,) = verify(
        corrector.session, corrector.graph, corrector.package, selected_rules(corrector.package), found.chips[None]
    )
    assert verdict.valid


def test_the_same_seed_tunes_the_same(network: PolicyNetwork, corrector: Corrector) -> None:
    one, other = (tune(network, corrector, Budget(24), batch=8, seed=4) for _ in range(2))
    assert [point.interval_us for point in one.points] == [point.interval_us for point in other.points]
    assert [point.samples for point in one.points] == [point.samples for point in other.points]


def test_hints_to_try_come_first_and_count(network: PolicyNetwork, corrector: Corrector) -> None:
    instance = Instance.for_corrector(corrector)
    for mode in ("fix", "sample"):
        first = instance.greedy[None]
        tuner = Tuner(network, instance, TuneConfig(mode=mode), first=first)
        wishes = tuner.propose(4, 0.0).rankings
        assert len(wishes) == 4
        assert (wishes[0] if mode == "fix" else wishes[0, :, 0]).tolist() == instance.greedy.tolist()
        tuner.observe(Corrected(np.tile(first, (4, 1)), np.array([2.0, math.inf, math.inf, math.inf])))
        assert tuner.archive.shortest_us(instance.name) == 2.0


@pytest.mark.parametrize("mode", ["fix", "sample"])
def test_a_batch_may_hold_nothing_but_hints_to_try(mode: Mode, network: PolicyNetwork, instance: Instance) -> None:
    first = np.stack([instance.greedy, np.zeros_like(instance.greedy)])
    tuner = Tuner(network, instance, TuneConfig(mode=mode), first=first)
    for hint in first:
        wishes = tuner.propose(1, 0.0).rankings
        assert (wishes if mode == "fix" else wishes[..., 0]).tolist() == [hint.tolist()]
        tuner.observe(Corrected(hint[None], np.array([3.0])))
    assert tuner.propose(2, 0.0).rankings.shape[0] == 2


@pytest.mark.parametrize("cost", [0, 1])
def test_work_that_takes_no_time_leaves_the_policy_sound(network: PolicyNetwork, tmp_path: Path, cost: int) -> None:
    nodes = [{"id": at, "cpuLatency": 0, "fpgaLatency": 0, "size": 1, "supportedOnFpga": 1} for at in range(3)]
    nodes = [node | {"isBackwardNode": 0} for node in nodes]
    edges = [{"sourceId": at, "destId": at + 1, "cost": cost} for at in range(2)]
    document = {"maxFPGAs": 2, "maxCPUs": 0, "maxSizePerFPGA": 9, "nodes": nodes, "edges": edges}
    (tmp_path / "idle.json").write_text(json.dumps(document))
    loaded = load_graph(str(tmp_path / "idle.json"))
    assert loaded.placement is not None
    idle = Instance.of(loaded.graph, placement_package(loaded.placement))
    tuner = Tuner(network, idle, TuneConfig())
    for _ in range(2):
        hints = tuner.propose(4, 0.0).rankings
        tuner.observe(Corrected(hints, idle.model.evaluate(idle.coarsening.expand(hints)).interval_us))
    assert all(torch.isfinite(weight).all() for weight in tuner.network.parameters())


class Backwards:
    """A judge to whom partitions are the better, the later their chips."""

    def score(self, chips: IntArray) -> list[Score]:
        return [Score(float(100 - row.sum())) for row in chips]


class Nobody:
    """A judge on whose package nothing runs."""

    def score(self, chips: IntArray) -> list[Score]:
        return [Score(math.inf) for _ in chips]


def test_a_foreign_judge_decides_what_is_best(network: PolicyNetwork, corrector: Corrector) -> None:
    asked = dataclasses.replace(corrector, judge=Backwards())
    found = tune(network, asked, Budget(40), batch=10)
    assert found.interval_us == 100 - found.chips.sum()  # type: ignore[union-attr]


def test_under_a_foreign_judge_greedys_interval_earns_a_reward_of_one(
    network: PolicyNetwork, corrector: Corrector, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    units: list[float] = []

    class Watched(Tuner):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            units.append(self.unit_us)

    monkeypatch.setattr("chipzinc.policy.tune.Tuner", Watched)
    tune(network, dataclasses.replace(corrector, judge=Backwards()), Budget(1))
    tune(network, corrector, Budget(1))
    assert units == [100 - instance.coarsening.expand(instance.greedy).sum(), instance.bound_us]


def test_zero_shot_learns_nothing(network: PolicyNetwork, instance: Instance) -> None:
    tuner = Tuner(network, instance, TuneConfig(learning=False))
    for _ in range(2):
        hints = tuner.propose(4, 0.0).rankings
        tuner.observe(Corrected(hints, np.ones(4)))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), tuner.network.parameters(), strict=True))
    assert tuner.propose(4, 0.0).rankings.shape == (4, instance.coarsening.n_groups)


def test_tuning_leaves_the_given_network_as_it_is(network: PolicyNetwork, corrector: Corrector) -> None:
    before = [weight.detach().clone() for weight in network.parameters()]
    tune(network, corrector, Budget(8), batch=4)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_a_judge_without_an_interval_for_greedy_is_no_yardstick(network: PolicyNetwork, corrector: Corrector) -> None:
    with pytest.raises(NoAnswerError, match="greedy"):
        tune(network, dataclasses.replace(corrector, judge=Nobody()), Budget(4))


def test_without_a_solver_only_hints_that_hold_count(network: PolicyNetwork, corrector: Corrector) -> None:
    checker = Checker(corrector.graph, corrector.package, corrector.session)
    found = tune(network, checker, Budget(30), batch=15)
    assert found.timed_out > 0  # what breaks a rule is lost
    if found.chips is not None:
        (verdict,) = verify(
            corrector.session, corrector.graph, corrector.package, selected_rules(corrector.package), found.chips[None]
        )
        assert verdict.valid


@pytest.mark.parametrize("mode", ["fix", "sample"])
def test_a_policy_is_a_hint_source_like_any_other(mode: Mode, network: PolicyNetwork, corrector: Corrector) -> None:
    found = partition(
        corrector.graph,
        corrector.package,
        session=corrector.session,
        hints=PolicyHints(network),
        mode=mode,
        samples=3,
    )
    assert found.verdict.valid
    assert found.samples == 3


def test_the_first_of_the_drawn_rankings_is_the_likeliest(network: PolicyNetwork, corrector: Corrector) -> None:
    context = HintContext(corrector.graph, corrector.package, corrector.coarsening)
    one = PolicyHints(network).rankings(context, 3, np.random.default_rng(0))
    other = PolicyHints(network).rankings(context, 3, np.random.default_rng(1))
    assert one[0].tolist() == other[0].tolist()
    assert one[1:].tolist() != other[1:].tolist()
