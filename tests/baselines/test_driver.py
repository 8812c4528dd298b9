"""The driver spends the budget it is given, and what it calls the best is the best valid partition it saw."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from chipzinc.baselines.annealing import Annealing
from chipzinc.baselines.driver import Budget, Corrected, Corrector, Point, Proposal, Trajectory, run_samples
from chipzinc.baselines.random import Drawn
from chipzinc.errors import InputError, SolverError
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hardware.package import Package
from chipzinc.hints.sources import Uniform
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import assignments, random_graph
from tests.throughput.small import package

GRAPH = random_graph(np.random.default_rng(5), 6)


def ring(sram: str = "14 B") -> Package:
    """Three chips on a one-way ring under the seed rules, all of which bind."""
    rules = "acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity"
    return package(chips=3, sram=sram, more=f"rules: [{rules}]")


@pytest.fixture(scope="module")
def corrector(session: Session) -> Corrector:
    return Corrector(GRAPH, ring(), session)


@dataclass
class Recording:
    """Draws as another proposer does, and remembers what it was asked and shown."""

    inner: Drawn
    asked: list[tuple[int, float]] = field(default_factory=list)
    seen: list[Corrected] = field(default_factory=list)

    def propose(self, n_samples: int, spent: float) -> Proposal:
        self.asked.append((n_samples, spent))
        return self.inner.propose(n_samples, spent)

    def observe(self, corrected: Corrected) -> None:
        self.seen.append(corrected)


def drawn(corrector: Corrector, seed: int = 0) -> Drawn:
    return Drawn(Uniform(), corrector.context, "sample", np.random.default_rng(seed))


def test_a_budget_of_samples_is_spent_to_the_last_one(corrector: Corrector) -> None:
    recording = Recording(drawn(corrector))
    went = run_samples(corrector, recording, Budget(samples=7), batch=3)
    assert (went.samples, went.timed_out) == (7, 0)
    assert recording.asked == [(3, 0.0), (3, 3 / 7), (1, 6 / 7)]
    assert [len(each.interval_us) for each in recording.seen] == [3, 3, 1]


def test_the_curve_is_the_running_minimum_of_what_the_proposer_saw(corrector: Corrector) -> None:
    recording = Recording(drawn(corrector))
    went = run_samples(corrector, recording, Budget(samples=12), batch=4)
    seen = np.concatenate([each.interval_us for each in recording.seen])
    running = np.minimum.accumulate(seen)
    assert [went.after(samples=n) for n in range(1, 13)] == running.tolist()
    assert went.interval_us == running[-1]
    assert went.chips is not None
    assert ThroughputModel(GRAPH, ring()).evaluate(went.chips).interval_us[0] == running[-1]


def test_the_best_partition_is_valid(corrector: Corrector, session: Session) -> None:
    went = run_samples(corrector, drawn(corrector), Budget(samples=4))
    assert went.chips is not None
    (verdict,) = verify(session, GRAPH, ring(), selected_rules(ring()), went.chips[None])
    assert verdict.valid


def test_the_same_seed_gives_the_same_curve(corrector: Corrector) -> None:
    first, second = (
        run_samples(corrector, Annealing(corrector.context, np.random.default_rng(3)), Budget(samples=8), batch=4)
        for _ in range(2)
    )
    assert [(each.samples, each.interval_us) for each in first.points] == [
        (each.samples, each.interval_us) for each in second.points
    ]


def test_a_budget_of_time_is_spent_and_ends_the_run(corrector: Corrector) -> None:
    went = run_samples(corrector, drawn(corrector), Budget(seconds=3.0), batch=2)
    assert went.samples > 3
    assert 2.0 < went.seconds < 6.0


def test_where_time_is_limited_the_first_hint_comes_alone(corrector: Corrector) -> None:
    recording = Recording(drawn(corrector))
    run_samples(corrector, recording, Budget(samples=7, seconds=60.0), batch=3)
    assert [n_samples for n_samples, _ in recording.asked] == [1, 3, 3]


@dataclass
class Late(Recording):
    """Lets all time but an instant pass before its second batch."""

    until: float = math.inf

    def propose(self, n_samples: int, spent: float) -> Proposal:
        if self.asked:
            time.sleep(max(0.0, self.until - time.monotonic()))
        return super().propose(n_samples, spent)


def test_a_batch_for_which_too_little_time_is_left_loses_nothing(session: Session) -> None:
    corrector = Corrector(load_zoo_graph("resnet50"), load_spec("mcm16-ring"), session)
    limit_s = 10.0
    late = Late(drawn(corrector), until=time.monotonic() + limit_s - 0.05)
    went = run_samples(corrector, late, Budget(seconds=limit_s))
    assert went.chips is not None
    assert (went.samples, len(late.asked)) == (1, 2)


@dataclass
class Closing(Recording):
    """Ends the session before its second batch."""

    session: Session | None = None

    def propose(self, n_samples: int, spent: float) -> Proposal:
        if self.asked and self.session is not None:
            self.session.close()
        return super().propose(n_samples, spent)


def test_a_solver_that_fails_while_there_is_time_is_told() -> None:
    with Session(solver="chuffed") as session:
        corrector = Corrector(GRAPH, ring(), session)
        with pytest.raises(SolverError):
            run_samples(corrector, Closing(drawn(corrector), session=session), Budget(seconds=60.0))


@dataclass
class Interrupted(Recording):
    """Is interrupted before its third batch."""

    def propose(self, n_samples: int, spent: float) -> Proposal:
        if len(self.asked) == 2:
            raise KeyboardInterrupt
        return super().propose(n_samples, spent)


def test_ctrl_c_keeps_the_best_so_far(corrector: Corrector) -> None:
    went = run_samples(corrector, Interrupted(drawn(corrector)), Budget(samples=12), batch=3)
    assert (went.interrupted, went.samples) == (True, 6)
    assert went.chips is not None


def test_annealing_finds_the_best_of_every_valid_partition(corrector: Corrector, session: Session) -> None:
    every = assignments(GRAPH.n_ops, 3)
    verdicts = verify(session, GRAPH, ring(), selected_rules(ring()), every)
    valid = every[[verdict.valid for verdict in verdicts]]
    shortest = ThroughputModel(GRAPH, ring()).evaluate(valid).interval_us.min()
    annealing = Annealing(corrector.context, np.random.default_rng(0), temperature=0.3)
    assert run_samples(corrector, annealing, Budget(samples=60)).interval_us == pytest.approx(shortest)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="a number of samples, a time, or both"):
        Budget()


def test_before_the_first_point_nothing_is_known() -> None:
    went = Trajectory((Point(3, 1.0, 9.0), Point(5, 2.0, 7.0)), None)
    assert went.after(samples=2) == math.inf
    assert went.after(samples=4) == 9.0
    assert went.after(samples=5, seconds=1.5) == 9.0
    assert went.after() == 7.0
