"""The learned methods spend their budget, and what they find holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from chipzinc.baselines.driver import Budget
from chipzinc.compare.case import Case
from chipzinc.compare.learned import FineTuned, Ordered, Scratch, ZeroShot
from chipzinc.compare.runs import RunFile, run_all
from chipzinc.policy.checkpoint import save_policy
from chipzinc.policy.network import build
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.correct.problems import random_graph
from tests.throughput.small import package

RULES = "acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity"


@pytest.fixture
def case(session: Session) -> Case:
    graph = random_graph(np.random.default_rng(5), 6)
    return Case(graph, package(chips=3, sram="14 B", more=f"rules: [{RULES}]"), session)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (ZeroShot, {}),
        (ZeroShot, {"mode": "sample", "temperature": "0.5"}),
        (FineTuned, {"start": "slice"}),
        (FineTuned, {"start": "long-slice", "lead": "0.5"}),
        (FineTuned, {"start": "optimise", "lead": "2"}),
        (ZeroShot, {"start": "long-slice", "lead": "0.5"}),
        (FineTuned, {"solver": "false"}),
        (Scratch, {"coarse": "false", "imitation": "0"}),
    ],
)
def test_a_learned_method_takes_its_samples(
    kind: Any, settings: dict[str, str], case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("policy")
    save_policy(build({"width": 16, "graph_layers": 2, "pass_layers": 1}), directory, {})
    method = TypeAdapter(kind).validate_python({"policy": str(directory), "batch": 6} | settings)
    went = method.run(case, Budget(12), 0)
    assert went.samples == 12
    if went.chips is not None:
        (verdict,) = verify(case.session, case.graph, case.package, selected_rules(case.package), went.chips[None])
        assert verdict.valid
    assert went.chips is not None or settings.get("solver") == "false"


def test_a_policy_trained_further_is_another_run(case: Case, tmp_path: Path) -> None:
    method, runs = ZeroShot(policy=str(tmp_path), batch=2), RunFile()
    for seed in (0, 1, 1):
        save_policy(build({"width": 16, "graph_layers": 2, "pass_layers": 1}, seed), tmp_path, {})
        list(run_all([case], {"policy": method}, [0], Budget(2), runs))
    assert len(runs.all()) == 2


def test_a_search_in_the_policys_order_proves_what_the_search_does(
    case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("policy")
    save_policy(build({"width": 16, "graph_layers": 2, "pass_layers": 1}), directory, {})
    went = Ordered(policy=str(directory), start="policy", workers=1).run(case, Budget(seconds=20.0), 0)
    assert went.proven
    assert went.chips is not None
