"""`chipzinc verify`: whether a design keeps the rules, who is to blame if not, and how fast it would run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chipzinc.cli import options
from chipzinc.cli.faults import described, print_judgement
from chipzinc.cli.inputs import ON_DEAD_CHIP, load_planned, parse_down, parse_time_limit
from chipzinc.cli.output import Progress, finite, print_json
from chipzinc.cli.tables import described_distribution, print_chips, print_distribution
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.cli.inputs import Inputs
    from chipzinc.plans.plan import Down
    from chipzinc.solve import Session
    from chipzinc.throughput.uncertain import UncertainModel

FIELDS = ("valid", "interval_us", "violations", "rules")
POLL_S = 0.3


def verify_plan(
    plan: options.Design,
    graph: options.OtherGraph = None,
    hardware: options.Hardware = None,
    chips_down: options.ChipsDown = None,
    links_down: options.LinksDown = None,
    op_times: options.OpTimes = None,
    scenarios: Annotated[
        int, typer.Option("--scenarios", min=1, max=10_000_000, help="Scenarios to draw where op times are ranges.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the scenarios.")] = 0,
    time_limit: options.TimeLimit = "5min",
    watch: Annotated[bool, typer.Option("--watch", help="Check again after every save, until Ctrl-C.")] = False,
    as_json: options.Json = False,
) -> int:
    """Check a design, whole or in part, against every rule, and score a whole one, valid or not."""
    from chipzinc.solve import Session

    limit_s, down = parse_time_limit(time_limit), parse_down(chips_down, links_down)
    with Session(solver="gecode") as session:

        def check() -> int:
            return _check(session, plan, graph, hardware, down, limit_s, _Scenarios(op_times, scenarios, seed), as_json)

        if not watch:
            return check()
        _watch(plan, check)
    return 0


@dataclass(frozen=True)
class _Scenarios:
    """How the command line wants op times to vary.

    Attributes:
        op_times: a table of ranges, beside the package's own.
        number: scenarios to draw.
        seed: with which seed.
    """

    op_times: Path | None
    number: int
    seed: int

    def model(self, inputs: Inputs) -> UncertainModel | None:
        """How op times vary; None where every time is exact."""
        from chipzinc.hardware.uncertain import time_range
        from chipzinc.throughput.uncertain import UncertainModel

        times = time_range(inputs.graph, inputs.package, self.op_times)
        return None if times is None else UncertainModel(inputs.graph, inputs.package, times)


def _check(
    session: Session,
    plan: Path,
    graph: str | None,
    hardware: str | None,
    down: Down,
    limit_s: float,
    scenarios: _Scenarios,
    as_json: bool,
) -> int:
    from chipzinc.designs.down import with_dead
    from chipzinc.designs.judgement import judge_design
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.throughput.model import ThroughputModel

    with Progress() as progress:
        progress(f"reading {plan}")
        inputs, _, chips = load_planned(plan, graph, hardware, down)
        dead = (chips == ON_DEAD_CHIP).nonzero()[0]
        chips[dead] = -1
        rules, uncertain = selected_rules(inputs.package), scenarios.model(inputs)
        progress("checking the rules")
        judgement = judge_design(session, inputs.graph, inputs.package, rules, chips, time_limit_s=limit_s)
        judgement = with_dead(judgement, inputs.graph, dead)
        model = ThroughputModel(inputs.graph, inputs.package)
        evaluation = None if judgement.n_open else model.evaluate(chips)
        distribution = None
        if uncertain is not None and not judgement.n_open:
            distribution = uncertain.distribution(chips, scenarios.number, scenarios.seed)
    if as_json:
        interval = None if evaluation is None else finite(float(evaluation.interval_us[0]))
        answer = described(judgement, inputs.graph)
        if distribution is not None:
            answer["interval_distribution"] = described_distribution(distribution)
        if inputs.degraded is not None:
            answer["chip_numbers"] = inputs.degraded.kept
        print_json(answer | {"interval_us": interval, "throughput_per_s": 1e6 / interval if interval else None})
    else:
        if inputs.degraded is not None:
            print(f"Chips left, numbered from 0 here: {' '.join(map(str, inputs.degraded.kept))} of the spec.")
        if evaluation is not None:
            print_chips(model, chips, evaluation)
        if distribution is not None:
            print_distribution(distribution)
        print_judgement(judgement)
    return 0 if judgement.valid else 1


def _watch(plan: Path, check: Callable[[], int]) -> None:
    """Checks at once and after every change; what is wrong with the file is said, and the next change awaited."""
    seen: float | None = None
    while True:
        changed = plan.stat().st_mtime if plan.exists() else None
        if changed != seen:
            seen = changed
            try:
                check()
            except InputError as error:
                print(f"chipzinc: {error}", flush=True)
        time.sleep(POLL_S)
