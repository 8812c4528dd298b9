"""Falling back: where nothing near a design holds in the time there is, repair has an answer all the same."""

from __future__ import annotations

import numpy as np
import pytest

from chipzinc.designs import search
from chipzinc.designs.repair import repair
from chipzinc.designs.start import starts
from chipzinc.errors import InfeasibleError
from chipzinc.graph.coarsen import Coarsening
from chipzinc.graph.zoo import load_zoo_graph
from chipzinc.grouping import group_ops
from chipzinc.hardware.load import load_spec
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.designs.problems import SEED_RULES, least_change, seed_package, task_of, valid_partitions
from tests.throughput.small import graph

CHAIN = graph([(op, [op + 1] if op < 4 else [], 1) for op in range(5)], 5)
PINNED = SEED_RULES.replace("]", ", {name: pinned, parameters: {pins: {op4: 1}}}]")


@pytest.mark.parametrize("rules", [SEED_RULES, PINNED])
def test_every_corrected_hint_holds_and_keeps_the_pins_of_the_design_and_of_the_spec(
    session: Session, rules: str
) -> None:
    chips = seed_package(rules=rules)
    task = task_of(CHAIN, chips, [2, 0, 2, 1, 0], pinned=[1])
    sliced, *corrected = starts(session, task, Coarsening.identity(CHAIN), solver="chuffed", time_limit_s=None)
    assert sliced[1] == 0
    assert len(corrected) == 2
    assert all(verdict.valid for verdict in verify(session, CHAIN, chips, task.rules, np.stack(corrected)))
    assert all(found[1] == 0 for found in corrected)
    assert rules == SEED_RULES or all(found[4] == 1 for found in corrected)


def test_a_slice_that_would_move_a_pinned_op_is_no_start(session: Session) -> None:
    task = task_of(CHAIN, seed_package(), [1, 2, 0, 0, 0], pinned=[0])
    with pytest.raises(InfeasibleError):  # op0 on chip 1 leaves nothing for chip 0
        list(starts(session, task, Coarsening.identity(CHAIN), solver="chuffed", time_limit_s=None))


def test_without_time_for_parts_a_repair_is_valid_and_is_moved_back_toward_the_design(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PART_SHARE", 0.0)
    monkeypatch.setattr(search, "AROUND_SHARE", 0.0)
    monkeypatch.setattr(search, "WHOLE_OPS", 0)
    design, chips = np.array([0, 2, 0, 1, 1]), seed_package()
    found = repair(session, task_of(CHAIN, chips, design), Coarsening.identity(CHAIN), time_limit_s=60)
    assert found.verdict.valid
    assert found.cost == least_change(valid_partitions(session, CHAIN, chips), design)
    assert not found.proven


@pytest.mark.slow
def test_a_design_drawn_uniformly_on_a_recurrent_graph_is_repaired_in_20_s(session: Session) -> None:
    model, chips = load_zoo_graph("char-lstm"), load_spec("mcm36-ring")
    design = np.random.default_rng(0).integers(0, chips.n_chips, model.n_ops)
    found = repair(session, task_of(model, chips, design), group_ops(model, chips), time_limit_s=20)
    (verdict,) = verify(session, model, chips, selected_rules(chips), found.chips[None])
    assert verdict.valid
    assert found.bound <= found.cost < model.n_ops
