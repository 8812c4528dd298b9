"""Memory over time goes back to the solver until it holds."""

from __future__ import annotations

import numpy as np

from chipzinc.correct.overflow import correct
from chipzinc.solve import Session
from chipzinc.throughput.memory import MemoryModel
from chipzinc.verify import verify
from tests.correct.problems import SEED_RULES, assignments, problem
from tests.throughput.small import graph, package

# Ops 0 to 2 each write 4 bytes that only op 3 reads: one op at a time needs 12 bytes at most, but with op 3's own
# output 13 are alive at the end, wherever op 3 is.
GATHER = graph([(0, [3], 4), (1, [3], 4), (2, [3], 4), (3, [], 1)], 4)
# Three tensors wait for op 6 while ops 3 to 5 run, each of which takes little by itself.
WAITING = graph(
    [(0, [6], 4), (1, [6], 4), (2, [3, 6], 1), (3, [4], 3), (4, [5], 3), (5, [6], 1), (6, [], 1)],
    7,
    weights=[(2, [3]), (2, [4])],
)


def test_what_overflows_over_time_is_corrected_anew(session: Session, solver: str) -> None:
    on = package(chips=3, sram="14 B")
    given = problem(WAITING, on, ("acyclic_dataflow", "no_skipped_chips", "memory_capacity"))
    memory = MemoryModel(WAITING, on)
    every = assignments(7, 3)
    verdicts = verify(session, WAITING, on, given.rules, every)
    static = every[[not any(v.instance for v in verdict.violations) for verdict in verdicts]]
    overflowing = np.array([bool(memory.overflows(chips)) for chips in static])
    assert overflowing.any()
    assert not overflowing.all()
    hints = static[overflowing][:6]
    batch = correct(session, given, hints, mode="fix", solver=solver)
    assert batch.rounds >= 1
    for correction in batch.corrections:
        assert correction.group_chip is not None
        assert not memory.overflows(correction.group_chip)
    # a cut never takes a partition away whose memory holds: hints that hold come back unchanged
    kept = correct(session, batch.problem, static[~overflowing][:20], mode="fix", solver=solver)
    assert kept.rounds == 0
    np.testing.assert_array_equal([each.group_chip for each in kept.corrections], static[~overflowing][:20])


def test_a_solver_that_fails_midway_loses_nothing_of_what_it_had_corrected(solver: str) -> None:
    given = problem(GATHER, package(chips=2, sram="20 B"), SEED_RULES)
    with Session(solver=solver) as session:
        hints = np.tile(assignments(4, 2), (20, 1))
        batch = correct(session, given, hints, mode="fix", solver=solver, progress=lambda _: session.close())
    corrected = [each.group_chip is not None for each in batch.corrections]
    assert any(corrected)
    assert len(corrected) == len(hints)


def test_verify_names_the_chip_and_the_time_of_an_overflow(session: Session) -> None:
    on = package(chips=2, sram="12 B")
    (verdict,) = verify(session, GATHER, on, problem(GATHER, on, SEED_RULES).rules, np.zeros((1, 4), dtype=int))
    assert [violation.label for violation in verdict.violations if violation.overflow] == ["chip 0 while op3 runs"]
