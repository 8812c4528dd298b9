"""A small problem, and a small network for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from chipzinc.baselines.driver import Corrector
from chipzinc.policy.device import prepare
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork, build
from chipzinc.solve import Session, embedded, find_toolchain
from tests.correct.problems import random_graph
from tests.throughput.small import package

SEED_RULES = "acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    prepare()


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


@pytest.fixture(scope="module")
def corrector(session: Session) -> Corrector:
    """Seven ops on a ring of three chips, on which all seed rules bind."""
    graph = random_graph(np.random.default_rng(5), 7)
    return Corrector(graph, package(chips=3, sram="16 B", more=f"rules: [{SEED_RULES}]"), session)


@pytest.fixture(scope="module")
def instance(corrector: Corrector) -> Instance:
    return Instance.for_corrector(corrector)


@pytest.fixture
def network() -> PolicyNetwork:
    return build({"width": 16, "graph_layers": 2, "pass_layers": 1, "reach": 4})
