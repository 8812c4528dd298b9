"""`chipzinc repair`: the smallest change that makes a design valid."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import chipzinc
from chipzinc.cli import options
from chipzinc.cli.inputs import ON_DEAD_CHIP, Inputs, check_files, load_planned, parse_down, parse_time_limit
from chipzinc.cli.output import Progress, finite, print_json, print_table
from chipzinc.errors import InfeasibleError, InputError
from chipzinc.wording import counted

if TYPE_CHECKING:
    from chipzinc.designs.completion import Weight
    from chipzinc.designs.part import Task
    from chipzinc.designs.repair import Repaired
    from chipzinc.graph.opgraph import BoolArray, OpGraph
    from chipzinc.plans.design import Design
    from chipzinc.plans.plan import Down, Plan

FIELDS = ("valid", "moved", "bound", "placed", "interval_us", "changes", "seconds")
SHOWN_CHANGES = 20


def repair_plan(
    plan: options.Design,
    graph: options.OtherGraph = None,
    hardware: options.Hardware = None,
    pins: Annotated[
        list[str] | None,
        typer.Option("--pin", metavar="PATTERN", help="Leave the ops of this name or regular expression in place."),
    ] = None,
    weight: Annotated[
        str, typer.Option("--weight", metavar="WHAT", help="What moving an op costs: ops (1 each), work, or bytes.")
    ] = "ops",
    chips_down: options.ChipsDown = None,
    links_down: options.LinksDown = None,
    solver: options.Solver = "chuffed",
    time_limit: options.TimeLimit = "30s",
    output: options.PlanOutput = None,
    as_json: options.Json = False,
) -> None:
    """Find the valid partition nearest to a design, and place the ops that it leaves open."""
    from chipzinc.designs.completion import mending_task
    from chipzinc.designs.repair import repair
    from chipzinc.grouping import group_ops
    from chipzinc.plans.files import save_plan
    from chipzinc.plans.plan import Down
    from chipzinc.solve import Session

    check_files(output)
    begin, limit_s, by = time.monotonic(), parse_time_limit(time_limit), _weight(weight)
    with Progress() as progress:
        progress(f"reading {plan}")
        down = parse_down(chips_down, links_down)
        inputs, design, chips = load_planned(plan, graph, hardware, down)
        dead = chips == ON_DEAD_CHIP
        chips[dead] = -1
        groups = group_ops(inputs.graph, inputs.package)
        pinned = _pinned(pins or [], inputs.graph)
        task = mending_task(inputs.graph, inputs.package, groups, chips, weight=by, pinned=pinned)
        _refuse_dead_pins(task, dead)
        with Session(solver=solver) as session:
            found = repair(session, task, groups, solver=solver, time_limit_s=limit_s, progress=progress)
    answer = _answer(found, inputs, design, dead) | {"weight": by, "seconds": time.monotonic() - begin}
    if output is not None:
        all_down = Down(chips=design.plan.down.chips + down.chips, links=design.plan.down.links + down.links)
        save_plan(_plan(found, inputs, output, answer, plan, all_down), output)
    if as_json:
        print_json(answer)
    else:
        _print(found, answer, output)


def _weight(weight: str) -> Weight:
    from chipzinc.designs.completion import WEIGHTS

    for known in WEIGHTS:
        if weight == known:
            return known
    raise InputError(f"expected {', '.join(WEIGHTS)}, got {weight!r}", field="--weight")


def _pinned(patterns: list[str], graph: OpGraph) -> BoolArray:
    """Ops whose name is one of the patterns, or whose whole name one of them matches."""
    import numpy as np

    from chipzinc.rules.parameters import ops_matching

    pinned = np.zeros(graph.n_ops, dtype=np.bool_)
    for pattern in patterns:
        try:
            pinned[ops_matching(pattern, graph)] = True
        except ValueError as error:
            raise InputError(str(error), field="--pin") from error
    return pinned


def _refuse_dead_pins(task: Task, dead: BoolArray) -> None:
    """Ops on dead chips have to move, pinned or not.

    Raises:
        InfeasibleError: if one of them is pinned.
    """
    stuck = (task.pinned & dead).nonzero()[0]
    if len(stuck):
        name = task.graph.op_names[stuck[0]]
        raise InfeasibleError(f"the pinned op '{name}' is on a chip that is down", op=name)


def _answer(found: Repaired, inputs: Inputs, design: Design, dead: BoolArray) -> dict[str, Any]:
    from chipzinc.throughput.model import ThroughputModel

    task, names = found.task, inputs.graph.op_names
    interval = finite(float(ThroughputModel(inputs.graph, inputs.package).evaluate(found.chips).interval_us[0]))
    moved = (found.moved | dead).nonzero()[0].tolist()  # an op on a dead chip moves whatever the rules say
    before = design.chips(inputs.graph, inputs.whole)
    after, n_dead = inputs.in_spec(found.chips), int(dead.sum())
    counts_ops = bool((task.price == 1).all())
    return {
        "valid": found.verdict.valid,
        "moved": len(moved),
        "bound": n_dead + (found.bound if counts_ops else min(1, found.bound)),
        "proven": found.proven,
        "cost": found.cost,
        "cost_bound": found.bound,
        "placed": int((task.design < 0).sum()) - n_dead,
        "interval_us": interval,
        "rules": found.verdict.counts,
        "changes": [{"op": names[op], "from": int(before[op]), "to": int(after[op])} for op in moved],
        "parts": found.parts,
    }


def _plan(found: Repaired, inputs: Inputs, place: Path, answer: dict[str, Any], source: Path, down: Down) -> Plan:
    from chipzinc.plans.plan import Plan, assignment_of

    return Plan(
        graph=inputs.graph_reference(place),
        hardware=inputs.hardware_reference(place),
        down=down,
        rules=tuple(found.verdict.counts),
        assignment=assignment_of(inputs.graph, inputs.in_spec(found.chips)),
        score={"interval_us": answer["interval_us"]},
        provenance={
            "chipzinc": chipzinc.__version__,
            "repaired": source.name,
            **{name: answer[name] for name in ("weight", "moved", "placed", "cost", "cost_bound", "proven")},
        },
    )


def _print(found: Repaired, answer: dict[str, Any], output: Path | None) -> None:
    changes = answer["changes"]
    if changes:
        shown = [[change["op"], str(change["from"]), str(change["to"])] for change in changes[:SHOWN_CHANGES]]
        print_table(["op", "from chip", "to chip"], shown)
        if len(shown) < len(changes):
            print(f"... and {len(changes) - len(shown)} more; --json has them all.")
    proof = "proven to be the least" if found.proven else f"at least {found.bound} is proven"
    price = "" if answer["weight"] == "ops" else f", cost {found.cost} by {answer['weight']}"
    moved, placed = counted(answer["moved"], "op"), counted(answer["placed"], "open op")
    print(f"Valid after moving {moved}{price} ({proof}), {placed} placed.")
    if output is not None:
        print(f"Plan written to {output}")
