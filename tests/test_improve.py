"""The whole search: Ctrl-C keeps what it has from the beginning on, and a judge of one's own is no model's proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.hardware.load import load_spec
from chipzinc.hints.search import best_slices
from chipzinc.hints.sources import HintContext, Slice
from chipzinc.improve import optimise
from chipzinc.solve import Session
from chipzinc.throughput.evaluator import ModelEvaluator
from chipzinc.throughput.model import ThroughputModel

GRAPH, PACKAGE = load_zoo_graph("gru-keywords"), load_spec("mcm16-ring")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with Session(solver="chuffed") as session:
        yield session


def test_ctrl_c_while_a_start_is_looked_for_keeps_the_best_found(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed() -> float:
        raise KeyboardInterrupt

    def cut(
        context: HintContext, limit_s: float, seed: int, _: object, threads: int, interrupted: Callable[[], None]
    ) -> object:
        return best_slices(context, limit_s, seed, pressed, threads, interrupted)

    monkeypatch.setattr("chipzinc.improve.best_slices", cut)
    found = optimise(GRAPH, PACKAGE, session=session, worker=Session, hints=Slice(), time_limit_s=60.0)
    assert (found.interrupted, found.verdict.valid, found.iterations) == (True, True, 0)


def test_under_a_judge_of_ones_own_nothing_is_called_proven(session: Session) -> None:
    lenet = load_zoo_graph("lenet5")
    judge = ModelEvaluator(ThroughputModel(lenet, PACKAGE))
    asked = {"session": session, "worker": Session, "hints": Slice(), "time_limit_s": 20.0}
    assert optimise(lenet, PACKAGE, **asked).proven  # type: ignore[arg-type]
    judged = optimise(lenet, PACKAGE, evaluator=judge, **asked)  # type: ignore[arg-type]
    assert (judged.proven, judged.bound) == (False, None)
