"""Runs are judged by the rules, kept as they come, and not run again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from chipzinc.baselines.driver import Budget, Point, Trajectory
from chipzinc.compare.case import Case, Method
from chipzinc.compare.parsing import method_names, parse_method
from chipzinc.compare.runs import Run, RunFile, package_sha256, run_all
from chipzinc.errors import InputError, NoAnswerError
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.solve import Session
from tests.baselines.test_driver import GRAPH, ring
from tests.throughput.small import package


@dataclass
class Fixed:
    """A third party's method: always the same partition."""

    chip: int = 0
    samples: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    seeds: list[int] = field(default_factory=list)

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        self.seeds.append(seed)
        return Trajectory((Point(1, 0.1, 1.0),), np.full(case.graph.n_ops, self.chip), samples=1, seconds=0.1)


class Failing(Fixed):
    """Never finds one."""

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        raise NoAnswerError("nothing found")


class Interrupted(Fixed):
    """Is interrupted."""

    def run(self, case: Case, budget: Budget, seed: int) -> Trajectory:
        return replace(super().run(case, budget, seed), interrupted=True)


@pytest.fixture
def case(session: Session) -> Case:
    return Case(GRAPH, ring("100 B"), session)


def ran(case: Case, method: Method, runs: RunFile, seeds: tuple[int, ...] = (0, 1)) -> list[Run]:
    return list(run_all([case], {"it": method}, seeds, Budget(samples=2), runs))


def test_what_is_kept_is_not_run_again(case: Case, tmp_path: Path) -> None:
    file, method = tmp_path / "runs.jsonl", Fixed()
    first = ran(case, method, RunFile(file))
    assert ran(case, method, RunFile(file)) == first
    assert len(ran(case, method, RunFile(file), (0, 1, 2))) == 3
    assert method.seeds == [0, 1, 2]


def test_another_package_is_another_run(case: Case, tmp_path: Path) -> None:
    file, method = tmp_path / "runs.jsonl", Fixed()
    ran(case, method, RunFile(file))
    ran(replace(case, package=ring("101 B")), method, RunFile(file))
    assert method.seeds == [0, 1, 0, 1]


def test_a_run_cut_off_in_the_middle_of_its_line_is_run_again(case: Case, tmp_path: Path) -> None:
    file, method = tmp_path / "runs.jsonl", Fixed()
    ran(case, method, RunFile(file))
    file.write_text(file.read_text()[:-20])
    assert len(ran(case, method, RunFile(file))) == 2
    assert method.seeds == [0, 1, 1]
    assert len(RunFile(file)._runs) == 2


def test_a_line_that_is_no_run_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text('{"graph": "a"}\n')
    with pytest.raises(InputError, match=r"runs.jsonl:1: expected a run of 'compare'"):
        RunFile(file)


def test_a_partition_that_breaks_a_rule_is_no_answer(case: Case) -> None:
    (run,) = ran(case, Fixed(chip=2), RunFile(), (0,))
    assert run.interval_us is None
    assert run.error == "its partition violates no_skipped_chips"
    assert run.after() == math.inf


def test_the_throughput_model_scores_whatever_a_method_claims(case: Case) -> None:
    (run,) = ran(case, Fixed(), RunFile(), (0,))
    assert run.interval_us is not None
    assert run.interval_us > 1.0
    assert run.curve == ((1, 0.1, run.interval_us),)


def test_a_method_that_finds_nothing_is_kept_with_its_reason(case: Case) -> None:
    (run,) = ran(case, Failing(), RunFile(), (0,))
    assert (run.interval_us, run.error) == (None, "nothing found")


def test_an_interrupted_run_is_not_kept(case: Case, tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    with pytest.raises(KeyboardInterrupt):
        ran(case, Interrupted(), RunFile(file))
    assert not file.exists()


def test_the_checksum_of_a_package_covers_its_numbers_and_its_rules() -> None:
    same, other_rules = package_sha256(ring()), package_sha256(package(chips=3, sram="14 B"))
    assert package_sha256(ring()) == same
    assert len({same, other_rules, package_sha256(ring("15 B"))}) == 3


@pytest.mark.parametrize(
    "name",
    [name for name in method_names() if name not in ("optimise", "ordered", "cp-sat")]
    + ["annealing:start=slice", "annealing:start=long-slice,lead=0.5", "slice:seconds=0.5"],
)
def test_every_method_that_samples_keeps_to_its_samples(name: str, case: Case) -> None:
    method = parse_method(name)
    assert method.samples
    went = method.run(case, Budget(samples=3), 0)
    assert 1 <= went.samples <= 3
    assert went.chips is not None


@pytest.mark.parametrize("name", ["slice", "optimise", "cp-sat"])
def test_methods_that_search_keep_to_their_time(name: str, session: Session) -> None:
    case = Case(load_zoo_graph("gru-keywords"), load_spec("mcm16-ring"), session)
    (run,) = run_all([case], {name: parse_method(name)}, [0], Budget(seconds=6.0), RunFile())
    assert run.interval_us is not None
    assert not run.proven
    assert 3.0 < run.seconds <= 6.0 + 3.0
    assert [us for _, _, us in run.curve] == sorted({us for _, _, us in run.curve}, reverse=True)


def test_settings_are_read_and_checked() -> None:
    annealing = parse_method("annealing:temperature=0.2,batch=5")
    assert (annealing.temperature, annealing.batch) == (0.2, 5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("anealing", "no method 'anealing'; did you mean 'annealing'?"),
        ("annealing:heat=1", "has no setting 'heat': expected batch, depth, final, lead, moves, start, temperature"),
        ("greedy:heat=1", "has no setting 'heat': it has none"),
        ("annealing:temperature=", "needs a value"),
        ("annealing:temperature=hot", "annealing: temperature=hot: Input should be a valid number"),
        ("annealing:temperature=-1", "Input should be greater than 0"),
        ("annealing:batch=1.5", "Input should be a valid integer"),
        ("optimise:hints=none", "Input should be 'greedy', 'slice', 'noisy' or 'random'"),
        ("", "no method ''"),
    ],
)
def test_a_wrong_method_is_told_with_what_there_is(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as told:
        parse_method(text)
    assert complaint in str(told.value)


def test_a_method_of_another_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    entry = EntryPoint("fixed", "tests.compare.test_runs:Fixed", "chipzinc.methods")
    monkeypatch.setattr("chipzinc.compare.parsing._others", lambda: (entry,))
    assert type(parse_method("fixed:chip=1")).__name__ == "Fixed"
    assert "fixed" in method_names()
