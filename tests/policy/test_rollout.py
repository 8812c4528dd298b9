"""Batches are corrected wherever an executor puts them, and a solver that fails costs its batch alone."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from chipzinc.baselines.driver import NOT_CORRECTED, Corrected, Corrector, Proposal
from chipzinc.errors import InfeasibleError, SolverError
from chipzinc.policy.instance import Instance
from chipzinc.policy.rollout import Job, correct_batch, threads


def job(instance: Instance, n: int = 3, solver: str = "chuffed") -> Job:
    hints = np.random.default_rng(0).integers(0, 3, (n, instance.coarsening.n_groups))
    return Job(instance.name, instance.graph, instance.package, Proposal("fix", hints), solver, 60.0)


def test_processes_and_threads_correct_alike(instance: Instance) -> None:
    with threads(1) as here, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        ours, theirs = (pool.submit(correct_batch, job(instance)).result() for pool in (here, elsewhere))
    assert ours.group_chip.tolist() == theirs.group_chip.tolist()
    assert ours.interval_us.tolist() == theirs.interval_us.tolist()
    assert np.isfinite(ours.interval_us).all()


def test_a_batch_without_time_comes_back_without_corrections(instance: Instance) -> None:
    late = dataclasses.replace(job(instance), name="late", time_limit_s=1e-3)
    found = correct_batch(late)
    assert (found.group_chip == -1).all()
    assert np.isinf(found.interval_us).all()


def test_a_solver_that_fails_costs_its_batch_alone(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    good = dataclasses.replace(job(instance), name="fragile")
    assert np.isfinite(correct_batch(good).interval_us).all()

    def fails(*_: object, **__: object) -> None:
        raise SolverError("chuffed: killed")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("chipzinc.baselines.driver.settle", fails)
        for mode, asked in (
            ("fix", good.proposal.rankings),
            ("sample", np.zeros((3, good.proposal.rankings.shape[1], 3))),
        ):
            lost = correct_batch(dataclasses.replace(good, proposal=Proposal(mode, asked)))
            assert lost.group_chip.shape == (3, instance.coarsening.n_groups)
            assert (lost.group_chip == NOT_CORRECTED).all()
            assert np.isinf(lost.interval_us).all()
    assert np.isfinite(correct_batch(good).interval_us).all()


def test_ctrl_c_in_a_batch_ends_the_run(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(corrector: Corrector, proposal: Proposal, _: float) -> Corrected:
        n = len(proposal.rankings)
        return Corrected(np.full((n, corrector.coarsening.n_groups), NOT_CORRECTED), np.full(n, np.inf), True)

    monkeypatch.setattr(Corrector, "__call__", ended)
    with pytest.raises(KeyboardInterrupt):
        correct_batch(job(instance))


def test_rules_that_leave_nothing_are_told(instance: Instance) -> None:
    cramped = dataclasses.replace(instance.package, sram_bytes=np.ones_like(instance.package.sram_bytes))
    with pytest.raises(InfeasibleError):
        correct_batch(dataclasses.replace(job(instance), name="cramped", package=cramped))
