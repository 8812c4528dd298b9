"""Training learns from training graphs alone, is saved whatever ends it, and goes on with the same curve."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from chipzinc.errors import InfeasibleError, InputError
from chipzinc.graph import zoo as zoo_module
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import OpGraph
from chipzinc.graph.zoo import zoo
from chipzinc.policy import curriculum
from chipzinc.policy.archive import Archive
from chipzinc.policy.checkpoint import load_policy, policy_config
from chipzinc.policy.curriculum import Variation, altered, trainable, training_instances, validation_instances, varied
from chipzinc.policy.instance import Instance
from chipzinc.policy.learner import LearnConfig
from chipzinc.policy.network import NetworkConfig
from chipzinc.policy.runs import run_config, run_facts
from chipzinc.policy.teachers import teach
from chipzinc.policy.train import BEST, LAST, STATE, TrainConfig, Training

SMALL = NetworkConfig(width=16, graph_layers=2, pass_layers=1)
CONFIG = TrainConfig(
    network=SMALL,
    imitation_steps=20,
    updates=6,
    batch=4,
    checkpoint_every=2,
    validate_every=3,
    validation_samples=2,
    batch_limit_s=60.0,
    learn=LearnConfig(epochs=2),
)


@pytest.fixture(scope="module")
def instances() -> Sequence[Instance]:
    return [Instance.of(zoo_module.load_zoo_graph("lenet5"), varied(Variation(chips))) for chips in (4, 6)]


def training(directory: Path, instances: Sequence[Instance], **more: Any) -> Training:
    archive = Archive()
    for each in instances:
        archive.add(each.name, each.greedy[None], np.array([10 * each.bound_us]))
    return Training(directory, CONFIG, instances, instances[:1], archive, **more)


def journal(directory: Path) -> list[dict[str, Any]]:
    lines = (directory / "journal.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "samples_per_s"} for line in lines]


def test_a_run_leaves_a_policy_a_journal_and_what_it_knows(tmp_path: Path, instances: Sequence[Instance]) -> None:
    run = training(tmp_path, instances)
    run.run()
    assert {LAST, BEST, STATE, "journal.jsonl", "events"} <= {path.name for path in tmp_path.iterdir()}
    assert load_policy(tmp_path / BEST).config == SMALL
    kinds = [entry["kind"] for entry in journal(tmp_path)]
    assert kinds.count("update") == 6
    assert kinds.count("validation") == 3
    assert run_config(tmp_path) == CONFIG
    facts = run_facts(tmp_path)
    assert (facts["updates"], facts["samples"], facts["graphs"]) == (6, 24, ["lenet5"])


def test_an_interrupted_run_goes_on_with_the_same_curve(tmp_path: Path, instances: Sequence[Instance]) -> None:
    whole = training(tmp_path / "whole", instances)
    whole.run()

    def interrupt(line: str) -> None:
        if line.startswith("update 3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training(tmp_path / "cut", instances, progress=interrupt).run()
    resumed = training(tmp_path / "cut", instances)
    resumed.resume()
    assert resumed.update == 2  # the third was not whole
    resumed.run()
    assert journal(tmp_path / "cut") == journal(tmp_path / "whole")


def test_a_run_that_can_correct_nothing_says_so(tmp_path: Path, instances: Sequence[Instance]) -> None:
    cramped = []
    for each in instances:
        sram = np.full_like(each.package.sram_bytes, 64)
        package = dataclasses.replace(each.package, name=f"{each.package.name}-cramped", sram_bytes=sram)
        cramped.append(Instance.of(each.graph, package))
    run = training(tmp_path, cramped)
    with pytest.raises(InfeasibleError, match="no hint of any training graph was corrected"):
        run.run()
    assert run.update == 0
    assert policy_config(tmp_path / LAST)["training"]["imitation_steps"] == CONFIG.imitation_steps


def test_ctrl_c_while_it_imitates_saves_what_can_go_on(
    tmp_path: Path, instances: Sequence[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run = training(tmp_path, instances)
    monkeypatch.setattr(run, "_validate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    again = training(tmp_path, instances)
    again.resume()
    assert (again.step, again.update) == (0, 0)  # the last step, of which the look at the graphs is part, was not whole


def test_without_a_graph_there_is_nothing_to_train(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no graph to train on"):
        Training(tmp_path, CONFIG, [], [], Archive())


def test_a_run_of_other_graphs_is_not_resumed(tmp_path: Path, instances: Sequence[Instance]) -> None:
    run = training(tmp_path, instances)
    run.save()
    other = Training(tmp_path, CONFIG, instances[:1], (), Archive())
    with pytest.raises(InputError, match="other graphs"):
        other.resume()
    with pytest.raises(InputError, match="no run to resume"):
        training(tmp_path / "nowhere", instances).resume()


@pytest.mark.parametrize("content", [b"", b"not a state", b"half", b"another's"])
def test_a_damaged_state_is_refused_in_one_line(tmp_path: Path, instances: Sequence[Instance], content: bytes) -> None:
    run = training(tmp_path, instances)
    run.save()
    whole = (tmp_path / STATE).read_bytes()
    if content == b"another's":
        torch.save({"network": 1}, tmp_path / STATE)
    else:
        (tmp_path / STATE).write_bytes(whole[: len(whole) // 2] if content == b"half" else content)
    with pytest.raises(InputError, match=f"{STATE}: no run to resume: expected the state of a run, whole") as refused:
        training(tmp_path, instances).resume()
    assert "\n" not in str(refused.value)


def test_a_folder_without_a_run_has_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run to resume in"):
        run_config(tmp_path)


def test_a_state_is_read_on_the_processor_wherever_the_network_is(
    tmp_path: Path, instances: Sequence[Instance], monkeypatch: pytest.MonkeyPatch
) -> None:
    training(tmp_path, instances).save()
    run, real, places = training(tmp_path, instances), torch.load, []

    def recorded(file: Path, *, map_location: str, weights_only: bool) -> Any:
        places.append(map_location)
        return real(file, map_location=map_location, weights_only=weights_only)

    monkeypatch.setattr(torch, "load", recorded)
    run.resume()
    assert places == ["cpu"]  # partitions become arrays, which no other device's tensors can


def test_nothing_leaks_from_the_test_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def recorded(name: str) -> OpGraph:
        opened.append(name)
        return real(name)

    real = curriculum.load_zoo_graph
    monkeypatch.setattr(curriculum, "load_zoo_graph", recorded)
    monkeypatch.setattr(zoo_module, "load_zoo_graph", recorded)
    for each in training_instances(0, 0):
        assert zoo()[each.graph.name].split == "train"
    for each in validation_instances():
        assert zoo()[each.graph.name].split == "validation"
    assert opened
    altered_too = training_instances(3, 2, ("lenet5", "elman-lm"))
    assert {each.graph.name.partition("~")[0] for each in altered_too} == {"lenet5", "elman-lm"}
    assert {zoo()[name].split for name in opened} == {"train", "validation"}
    assert {zoo()[name].family for name in opened} == {"cnn", "rnn"}


def test_test_graphs_are_refused() -> None:
    with pytest.raises(InputError, match="not for training"):
        trainable("test")
    for name in ("bert-large", "resnet34", "nonesuch"):
        with pytest.raises(InputError, match=f"'{name}' is not a graph of the split 'train'"):
            next(training_instances(0, 0, (name,)))


def test_altered_graphs_keep_their_shape_and_change_their_costs() -> None:
    graph = zoo_module.load_zoo_graph("resnet20-cifar")
    found = [altered(graph, np.random.default_rng(seed), f"r~{seed}", 0.5) for seed in range(12)]
    assert len({each.n_ops for each in found}) > 2  # some are cut
    assert all(each.n_ops <= graph.n_ops for each in found)
    assert all((each.op_flops > 0).sum() <= (graph.op_flops > 0).sum() for each in found)
    assert all(set(each.op_names) <= set(graph.op_names) for each in found)
    kind = dict(zip(graph.op_names, graph.op_kinds, strict=True))
    renamed = 0
    for each in found:
        pairs = {(family(kind[op]), family(now)) for op, now in zip(each.op_names, each.op_kinds, strict=True)}
        assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs}), "a family keeps together"
        assert all((old == "free") == (new == "free") for old, new in pairs)
        renamed += any(old != new for old, new in pairs)
    assert 0 < renamed < len(found)


def test_a_teacher_is_not_asked_twice(tmp_path: Path, instances: Sequence[Instance]) -> None:
    file, asked = tmp_path / "teachers.jsonl", []
    first = teach(instances, slice_s=0.1, file=file)
    again = teach(instances, slice_s=0.1, file=file, progress=asked.append)
    assert asked == []
    for each in instances:
        assert again.shortest_us(each.name) == first.shortest_us(each.name) < np.inf


def test_what_a_teacher_was_writing_when_it_was_ended_is_asked_again(
    tmp_path: Path, instances: Sequence[Instance]
) -> None:
    file = tmp_path / "teachers.jsonl"
    teach(instances, slice_s=0.05, file=file)
    whole = file.read_text().splitlines(keepends=True)
    file.write_text(whole[0] + whole[1][:20])
    asked: list[str] = []
    found = teach(instances, slice_s=0.05, file=file, progress=asked.append)
    assert len(asked) == 1
    assert instances[1].name in asked[0]
    assert all(found.best[each.name] for each in instances)
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 2


def test_what_an_archive_knows_already_is_left_as_it_is(tmp_path: Path, instances: Sequence[Instance]) -> None:
    file = tmp_path / "teachers.jsonl"
    teach(instances, slice_s=0.05, file=file)
    known = Archive()
    known.add(instances[0].name, instances[0].greedy[None], np.array([0.5]))
    teach(instances, slice_s=0.05, file=file, archive=known)
    assert known.shortest_us(instances[0].name) == 0.5
    assert known.best[instances[1].name]


def test_a_file_that_no_teacher_wrote_is_refused(tmp_path: Path, instances: Sequence[Instance]) -> None:
    file = tmp_path / "teachers.jsonl"
    file.write_text('{"instance": "x"}\n')
    with pytest.raises(InputError, match="jsonl:1: expected an instance and its partitions"):
        teach(instances, slice_s=0.05, file=file)
