"""The recipe on graphs of the zoo: what leaves it holds, whatever the hints, the mode and the solver."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from chipzinc.correct.batch import fix, sample
from chipzinc.correct.problem import Problem
from chipzinc.errors import InfeasibleError, NoAnswerError, SolverError
from chipzinc.graph.coarsen import coarsen
from chipzinc.graph.importers.onnx_file import import_onnx
from chipzinc.graph.opgraph import IntArray
from chipzinc.graph.zoo import load_zoo_graph, zoo
from chipzinc.hardware.demand import op_time_us
from chipzinc.hardware.load import load_spec
from chipzinc.hints.sources import HINTS, Given, HintContext, hint_source
from chipzinc.recipe import partition
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session, embedded, find_toolchain
from chipzinc.throughput.evaluator import ModelEvaluator
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


@pytest.mark.parametrize("mode", ["fix", "sample"])
@pytest.mark.parametrize("hints", HINTS)
def test_every_kind_of_hint_becomes_a_valid_partition(session: Session, hints: str, mode: str) -> None:
    graph, package = load_zoo_graph("resnet18"), load_spec("mcm16-ring")
    found = partition(graph, package, session=session, hints=hint_source(hints), mode=mode, samples=2)  # type: ignore[arg-type]
    assert found.verdict.valid
    assert found.samples == 2
    assert found.bound is not None
    assert found.interval_us >= found.bound.value_us * (1 - 1e-9)
    assert found.interval_us == ThroughputModel(graph, package).evaluate(found.chips).interval_us[0]


@pytest.mark.parametrize("model", ["squeezenet", "inception_v1", "resnet50"])
def test_models_that_the_onnx_package_ships_become_valid_partitions(session: Session, model: str) -> None:
    light = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    graph, package = import_onnx(light / f"light_{model}.onnx"), load_spec("mcm16-ring")
    found = partition(graph, package, session=session, hints=hint_source("slice"))
    assert found.verdict.valid
    assert found.chips.max() > 0
    assert found.interval_us == ThroughputModel(graph, package).evaluate(found.chips).interval_us[0]


def test_a_valid_plan_as_a_hint_stays_as_it_is(session: Session) -> None:
    """Even where it separates ops of one group."""
    graph, package = load_zoo_graph("resnet18"), load_spec("mcm16-ring")
    chips = partition(graph, package, session=session, hints=hint_source("slice")).chips.copy()
    groups = coarsen(graph, op_time_us(graph, package)[:, 0])
    last = groups.members[groups.n_groups - 1]
    assert len(last) > 1
    chips[last[-1]] = chips.max() + 1  # the very last op alone on a chip of its own
    again = partition(graph, package, session=session, hints=Given(chips))
    np.testing.assert_array_equal(again.chips, chips)
    assert again.moved == 0


def test_the_same_seed_gives_the_same_partition(session: Session) -> None:
    graph, package = load_zoo_graph("mobilenet-v1"), load_spec("mcm16-ring")
    first, second = (
        partition(graph, package, session=session, hints=hint_source("noisy"), samples=3, seed=5) for _ in range(2)
    )
    np.testing.assert_array_equal(first.chips, second.chips)


def test_under_a_foreign_judge_there_is_no_bound(session: Session) -> None:
    graph, package = load_zoo_graph("alexnet"), load_spec("mcm16-ring")
    judge = ModelEvaluator(ThroughputModel(graph, package))
    found = partition(graph, package, session=session, hints=hint_source("slice"), evaluator=judge)
    assert found.bound is None
    assert found.gap is None


def corrections(session: Session, name: str) -> list[tuple[int, IntArray, IntArray]]:
    """Mode (FIX, SAMPLE) and the corrections by Chuffed and by Gecode of the hints that both correct in time."""
    graph, package = load_zoo_graph(name), load_spec("mcm16-ring")
    groups = coarsen(graph, op_time_us(graph, package)[:, 0])
    problem = Problem(graph, package, selected_rules(package), groups.group_of)
    rankings = hint_source("noisy").rankings(HintContext(graph, package, groups), 3, np.random.default_rng(0))
    both = []
    for mode, (search, wishes) in enumerate(((fix, rankings[..., 0]), (sample, rankings))):
        answers = []
        for solver in ("chuffed", "gecode"):
            corrected = list(search(session, problem, wishes, solver=solver, time_limit_s=60))
            answers.append({each.sample: each.group_chip for each in corrected if each.group_chip is not None})
        both += [(mode, answers[0][place], answers[1][place]) for place in answers[0].keys() & answers[1].keys()]
    return both


def test_groups_that_do_not_hold_are_told_where_no_time_is_left_for_the_ops(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*args: object, **kwargs: object) -> None:
        time.sleep(0.02)
        raise InfeasibleError("of the groups")

    graph = load_zoo_graph("lenet5")
    monkeypatch.setattr("chipzinc.recipe.settle", late)
    hints, package = hint_source("slice"), load_spec("mcm16-ring")
    with pytest.raises(NoAnswerError, match="no time is left to try the ops"):
        partition(graph, package, session=session, hints=hints, time_limit_s=0.01)


def test_rules_that_are_not_judged_in_time_are_told(session: Session) -> None:
    graph, package = load_zoo_graph("bert-large"), load_spec("mcm36-ring")
    all_on_one = np.zeros((100, graph.n_ops), dtype=np.int64)
    with pytest.raises(SolverError, match=r"no verdict within the 0\.001 s"):
        verify(session, graph, package, selected_rules(package), all_on_one, time_limit_s=0.001)


def test_gecode_and_chuffed_correct_alike(session: Session) -> None:
    both = corrections(session, "resnet18")
    assert {mode for mode, _, _ in both} == {0, 1}
    assert all(np.array_equal(chuffed, gecode) for _, chuffed, gecode in both)


# a layer's weights fill more than a chip of mcm16-ring
TOO_LARGE = ("zfnet512-onnx", "vgg11", "vgg13-bn", "vgg16", "vgg19-onnx")
FITTING = [entry.name for entry in zoo().values() if entry.ops <= 400 and entry.name not in TOO_LARGE]


@pytest.mark.slow
@pytest.mark.parametrize("name", FITTING[:24])
def test_gecode_and_chuffed_correct_alike_across_the_zoo(session: Session, name: str) -> None:
    both = corrections(session, name)
    assert {mode for mode, _, _ in both} == {0, 1}
    assert all(np.array_equal(chuffed, gecode) for _, chuffed, gecode in both)
