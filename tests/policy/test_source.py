"""A policy hints like any other source, and SAMPLE follows it where the rules allow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from chipzinc.correct.batch import sample
from chipzinc.hints.sources import STARTS, HintContext, Start
from chipzinc.policy.draws import _COOLEST
from chipzinc.policy.instance import Instance
from chipzinc.policy.network import PolicyNetwork, build
from chipzinc.policy.source import PolicyHints
from chipzinc.rules.catalogue import selected_rules
from chipzinc.solve import Session
from chipzinc.verify import verify
from tests.correct.problems import assignments, problem, random_graph, tight_package
from tests.policy.test_draws import log_probs, starts

LEVEL = 1e-3


@pytest.fixture
def five() -> Instance:
    """Five ops, of which a chip holds three."""
    return Instance.of(random_graph(np.random.default_rng(5), 5), tight_package(), coarse=False)


def rankings(network: PolicyNetwork, instance: Instance, n_samples: int, passes: int) -> np.ndarray:
    context = HintContext(instance.graph, instance.package, instance.coarsening)
    return PolicyHints(network, passes).rankings(context, n_samples, np.random.default_rng(3))


def test_rankings_name_every_chip_of_a_group_once(network: PolicyNetwork, five: Instance) -> None:
    found = rankings(network, five, 5, passes=3)
    assert found.shape == (5, 5, 3)
    assert (np.sort(found, axis=2) == np.arange(3)).all()


def test_the_first_op_follows_the_policy_restricted_to_its_feasible_chips(
    network: PolicyNetwork, five: Instance, session: Session
) -> None:
    """Chi-square test at level 0.001 on 400 draws; the first two are no draws, but the start and the likeliest."""
    given = problem(five.graph, five.package, ("acyclic_dataflow", "memory_capacity"))
    every = assignments(5, 3)
    verdicts = verify(session, five.graph, five.package, given.rules, every)
    feasible = sorted({int(row[0]) for row, verdict in zip(every, verdicts, strict=True) if verdict.valid})
    assert feasible == [0, 1]  # behind chip 1 there is no room for all the others
    asked = rankings(network, five, 402, passes=1)[2:]
    assert (asked[:, 0, 0] == 2).any()
    drawn = [each.group_chip[0] for each in sample(session, given, asked, solver="gecode")]  # type: ignore[index]
    temperatures = _COOLEST ** np.linspace(0, 1, 1001)[:, None]  # as many draws at each
    policy = np.exp(log_probs(network, five, starts(five, 1))[0, 0, feasible].astype(np.float64) / temperatures)
    share = (policy / policy.sum(axis=1, keepdims=True)).mean(axis=0)
    counts = np.bincount(drawn, minlength=3)
    assert counts[2] == 0
    assert chisquare(counts[feasible], 400 * share).pvalue > LEVEL


def test_sources_need_no_rules_to_hint(network: PolicyNetwork, five: Instance) -> None:
    assert selected_rules(five.package) == ()
    assert rankings(network, five, 1, passes=1).shape == (1, 5, 3)


@pytest.mark.parametrize("start", STARTS)
def test_the_hint_that_a_policy_refines_is_tried_first(five: Instance, start: Start) -> None:
    network = build({"width": 16, "graph_layers": 1, "pass_layers": 1, "start": start})
    found = rankings(network, five, 4, passes=1)
    assert found.shape == (4, 5, 3)
    assert (found[0, :, 0] == five.start(start)).all()
    assert (rankings(network, five, 1, passes=1)[0] == found[1]).all(), "the likeliest chips"
