"""One neighbourhood: the best valid partition that differs from a given one on some ops only, by a MiniZinc solve.

What cannot move is gathered into one group a chip before the model is rendered, so that compiling and solving take
time by the size of the neighbourhood. The rules still see every op.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipzinc.graph.coarsen import Coarsening, gather
from chipzinc.graph.opgraph import BoolArray, FloatArray, IntArray, OpGraph
from chipzinc.hardware.demand import op_io_bytes, weight_bytes
from chipzinc.hardware.package import Package
from chipzinc.optimise.score import LEAST_GAIN, Scorer, Standing
from chipzinc.render.data import LiveSet, problem_data
from chipzinc.render.model import PARTITION_TEMPLATE, render_text
from chipzinc.render.objective import NO_LIMIT, Objective, objective_data, term_units
from chipzinc.rules.catalogue import SelectedRule
from chipzinc.solve import Session, Solution, SolveRequest, Status, Text

_COMPILING_S = 60.0


@dataclass(frozen=True, eq=False)
class Task:
    """What all neighbourhoods share.

    Attributes:
        graph: the graph.
        package: the package.
        rules: the selected rules.
        objective: what is minimised.
        hint: chip of each op that `moved` counts from, shape [op].
        op_work: work of each op, shape [op].
        value_rank: place of each chip among those that an op should try, 0 for the first, shape [op, chip]; None: by
            their numbers.
    """

    graph: OpGraph
    package: Package
    rules: tuple[SelectedRule, ...]
    objective: Objective
    hint: IntArray
    op_work: FloatArray
    value_rank: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Ops that may move, and where to.

    Attributes:
        low: first chip they may go to.
        high: last chip.
        items: what moves together: ops with the same number, -1 for those that stay, shape [op].
    """

    low: int
    high: int
    items: IntArray

    @property
    def free(self) -> BoolArray:
        """Ops that may move, shape [op]."""
        return np.asarray(self.items >= 0)

    @property
    def n_items(self) -> int:
        """What moves by itself."""
        return len(np.unique(self.items[self.items >= 0]))


@dataclass(frozen=True, eq=False)
class Answer:
    """What a solve found.

    Attributes:
        chips: the best partition found, shape [op]; None if none is better.
        proven: whether nothing better is left in the neighbourhood.
        seconds: wall time.
        bound: where that is proven with everything free to move, no partition's interval is below this, in µs; None
            where the solver's rounded sizes do not allow to say so.
        terms: values of the terms as the solver counts them, in the units people see, shape [term]; None without
            a partition.
    """

    chips: IntArray | None
    proven: bool
    seconds: float
    terms: FloatArray | None = None
    bound: float | None = None


def solve(
    session: Session,
    task: Task,
    hood: Neighbourhood,
    start: Standing,
    scorer: Scorer,
    *,
    stage: int,
    solver: str,
    live_sets: Sequence[LiveSet] = (),
    time_limit_s: float | None = None,
    patience_s: float | None = None,
    free_search: bool = False,
    seed: int = 1,
) -> Answer:
    """Searches a neighbourhood for something better than where it starts.

    Args:
        session: where to solve.
        task: what all neighbourhoods share.
        hood: the neighbourhood.
        start: the partition that it is about, with its values.
        scorer: knows which part of the objective is being minimised.
        stage: number of the term, where the objective is lexicographic.
        solver: any solver.
        live_sets: overflows of memory that no partition may repeat.
        time_limit_s: wall-clock limit.
        patience_s: longest wait for the next improvement.
        free_search: let the solver ignore the model's order of search.
        seed: seed of the solver.

    Raises:
        InputError: if a rule or an objective is wrong.
        SolverError: if the solver fails.
    """
    groups = _gathered(task, hood, start.chips)
    data = _data(task, hood, groups, start, live_sets)
    data |= _aims(task, data, hood, start, scorer, stage)
    how = {"time_limit_s": time_limit_s, "patience_s": patience_s, "free_search": free_search, "random_seed": seed}
    answer = _ask(session, task, groups, data, solver, **how)
    everywhere = hood.low == 0 and hood.high == task.package.n_chips - 1 and bool(hood.free.all())
    if not (answer.proven and everywhere and scorer.judges_loads(stage)):
        return answer
    return dataclasses.replace(answer, bound=_proven_us(task, data, answer, live_sets))


def _proven_us(task: Task, data: dict[str, Any], answer: Answer, live_sets: Sequence[LiveSet]) -> float | None:
    """What a finished search says no interval can be below, with the rounding of times taken off.

    Memory must not have been rounded, or a partition that just fits could have been missed.
    """
    unit = int(data["memory_unit"])
    live = np.array([live_set.size_bytes for live_set in live_sets], dtype=np.int64)
    sizes = np.concatenate([weight_bytes(task.graph, task.package), op_io_bytes(task.graph, task.package), live])
    if (sizes % unit).any():
        return None
    unit_us, step = float(data["time_unit_us"]), int(data["interval_step"])
    best = int(data["term_limit"][0]) + 1 if answer.terms is None else round(float(answer.terms[0]) / unit_us)
    return max(0.0, (best - step - _rounding(task)) * unit_us)


def terms_by_solver(session: Session, task: Task, chips: IntArray, solver: str) -> FloatArray:
    """Values of the objective's terms for a given partition, as MiniZinc counts them; shape [term].

    Raises:
        SolverError: if the solver gives none, as for a partition that breaks the rules.
    """
    hood = Neighbourhood(0, task.package.n_chips - 1, np.full(len(chips), -1))
    groups = _gathered(task, hood, chips)
    nothing = Standing(chips, np.zeros(0), np.zeros(0), np.zeros(0), 0.0)
    answer = _ask(session, task, groups, _data(task, hood, groups, nothing, ()), solver)
    return np.full(len(task.objective.terms), np.inf) if answer.terms is None else answer.terms


def _gathered(task: Task, hood: Neighbourhood, chips: IntArray) -> Coarsening:
    """Groups: what moves, and one for all that stays on a chip; where these would feed one another in a cycle, ops."""
    offset = int(hood.items.max(initial=-1)) + 1
    for stays in (chips, np.arange(len(chips))):
        try:
            return gather(task.graph, np.where(hood.free, hood.items, offset + stays), task.op_work)
        except ValueError:
            continue
    return Coarsening.identity(task.graph, task.op_work)


def _data(
    task: Task, hood: Neighbourhood, groups: Coarsening, start: Standing, live_sets: Sequence[LiveSet]
) -> dict[str, Any]:
    first = groups.members.ids[groups.members.starts[:-1]]
    chip, free = start.chips[first], hood.free[first]
    order = {} if task.value_rank is None else {"value_rank": task.value_rank[first].tolist()}
    return {
        **order,
        **problem_data(task.graph, task.package, task.rules, groups.group_of, live_sets),
        **objective_data(task.graph, task.package, groups.group_of, task.objective, hint=groups.restrict(task.hint)),
        "lowest_chip": np.where(free, hood.low, chip).tolist(),
        "highest_chip": np.where(free, hood.high, chip).tolist(),
    }


def _aims(
    task: Task, data: dict[str, Any], hood: Neighbourhood, start: Standing, scorer: Scorer, stage: int
) -> dict[str, Any]:
    """What the solver has to beat, as data: limits and weights of the terms, and which loads count."""
    units = term_units(task.objective, data)
    slack = _rounding(task)
    limits = [NO_LIMIT] * len(units)
    aims: dict[str, Any] = {"term_limit": limits}
    if task.objective.combine == "sum" and len(units) > 1:
        counted = zip(data["term_weight"], data["term_divisor"], start.values, units, strict=True)
        now = sum(np.ceil(weight * np.ceil(value / unit) / divisor) for weight, divisor, value, unit in counted)
        return aims | {"cost_limit": int(now * (1 - LEAST_GAIN))}
    for earlier in range(stage):
        limits[earlier] = int(np.ceil(start.values[earlier] * (1 + 1e-9) / units[earlier])) + slack
    best = float(start.values[stage])
    if scorer.judges_loads(stage):
        chips = np.arange(task.package.n_chips)
        judged = (chips >= hood.low) & (chips <= hood.high)
        links = judged[task.package.links].any(axis=1)
        best = max(start.chip_us[judged].max(initial=0.0), start.link_us[links].max(initial=0.0))
        aims |= {
            "judged_chips": {"set": [[hood.low, hood.high]]},
            "judged_links": {"set": (np.flatnonzero(links) + 1).tolist()},
            "others_limit": int(np.ceil(start.interval_us / units[0])) + slack,
        }
        aims["interval_step"] = max(1, int(best * LEAST_GAIN / units[0]))
    limits[stage] = int(np.floor(best * (1 - LEAST_GAIN) / units[stage]))
    return aims | {"term_weight": [int(place == stage) for place in range(len(units))]}


def _rounding(task: Task) -> int:
    """The most that rounding up may have added to a load."""
    links = np.bincount(task.package.links[:, 0], minlength=1).max(initial=0)
    return int(task.graph.n_ops + task.graph.n_tensors * (1 + links) + len(task.graph.weight_elements) + 2)


def _ask(session: Session, task: Task, groups: Coarsening, data: dict[str, Any], solver: str, **how: Any) -> Answer:
    text = render_text(
        PARTITION_TEMPLATE,
        task.graph,
        task.package,
        task.rules,
        search="minimise" if task.value_rank is None else "preferred",
        objective=task.objective,
        candidates=True,
    )
    request = SolveRequest(
        solver=solver,
        models=(Text("neighbourhood.mzn", text),),
        data=(Text("neighbourhood.json", json.dumps(data, separators=(",", ":"))),),
        warm_up_s=_COMPILING_S,
        statistics=False,
        **how,
    )
    units = np.array(term_units(task.objective, data))
    chips, terms = None, None
    for event in session.solve(request):
        if isinstance(event, Solution):
            chips = groups.expand(np.array(event.values["group_chip"]))
            terms = np.array(event.values["term"], dtype=np.float64) * units
        elif isinstance(event, Status):
            return Answer(chips, event.conclusive, event.seconds, terms)
    raise AssertionError("a run ends with its status")
