"""A package that dominates another allows all that the other does, at no longer intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chipzinc.hardware.dominance import MONOTONE_RULES, dominates
from chipzinc.hardware.package import Package
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session, embedded, find_toolchain
from chipzinc.throughput.model import ThroughputModel
from chipzinc.verify import verify
from tests.correct.problems import assignments, random_graph
from tests.throughput.small import OFFCHIP, package

RULES = "rules: [acyclic_dataflow, no_skipped_chips, triangle_dependency, memory_capacity]"
LOOSE = "rules: [no_skipped_chips, memory_capacity]"


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    embedded.install()
    with Session(find_toolchain(prefer="embedded")) as opened:
        yield opened


PAIRS = {
    "one chip more on a ring": (package(chips=3, sram="12 B", more=RULES), package(chips=2, sram="12 B", more=RULES)),
    "more memory": (package(chips=3, sram="13 B", more=RULES), package(chips=3, sram="11 B", more=RULES)),
    "more memory to stream from": (
        package(chips=2, sram="9 B", chip=OFFCHIP, more=f"weights: streamed\n{RULES}"),
        package(chips=2, sram="7 B", chip=OFFCHIP, more=f"weights: streamed\n{RULES}"),
    ),
    "a longer chain": (
        package("kind: chain", chips=3, sram="12 B", more=LOOSE),
        package("kind: chain", chips=2, sram="12 B", more=LOOSE),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_valid_on_the_smaller_is_valid_and_no_slower_on_the_larger(name: str, session: Session) -> None:
    larger, smaller = PAIRS[name]
    assert dominates(larger, smaller)
    graph = random_graph(np.random.default_rng(4), 5)
    every = assignments(graph.n_ops, smaller.n_chips)
    on_smaller, on_larger = (
        np.array([verdict.valid for verdict in verify(session, graph, each, selected_rules(each), every)])
        for each in (smaller, larger)
    )
    assert on_smaller.any()
    assert (on_larger | ~on_smaller).all()
    valid = every[on_smaller]
    ours, theirs = (ThroughputModel(graph, each).evaluate(valid).interval_us for each in (larger, smaller))
    assert (ours <= theirs * (1 + 1e-12)).all()


BASE = package(chips=3, more=RULES)


def changed(**fields: object) -> Package:
    return dataclasses.replace(BASE, **fields)  # type: ignore[arg-type]


def test_every_package_dominates_itself() -> None:
    assert dominates(BASE, BASE)


@pytest.mark.parametrize(
    "larger",
    [
        package(chips=2, more=RULES),
        package(chips=3, sram="10 B", more=RULES),
        package(chips=3, more=LOOSE),
        package(chips=3, more=f"communication: overlapped\n{RULES}"),
        package("kind: ring-two-way", chips=3, more=f"weight_bits: 8\n{RULES}"),
        changed(link_bytes_per_us=BASE.link_bytes_per_us * 0.5),
        changed(overhead_us=BASE.overhead_us + 1),
    ],
)
def test_a_package_with_less_of_something_or_other_rules_does_not_dominate(larger: Package) -> None:
    assert not dominates(larger, BASE)


def test_a_ring_whose_routes_lead_back_is_not_dominated_by_a_larger_one() -> None:
    smaller, larger = (package(chips=chips, more=LOOSE) for chips in (3, 4))
    assert not dominates(larger, smaller)


def test_nothing_is_claimed_of_a_rule_of_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "memory_capacity.mzn").write_text("")
    own = changed(source=tmp_path / "spec.yaml")
    assert not dominates(own, own)
    assert "balanced_memory" not in MONOTONE_RULES
