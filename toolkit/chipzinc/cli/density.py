"""`chipzinc rules density`: how sparse valid partitions are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.inputs import Inputs, load_inputs, parse_time_limit
from chipzinc.cli.output import Progress, print_json, print_table
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.density.rates import Density

FIELDS = ("assignments_log10", "confidence", "densities", "seconds")
HOW = {
    "counted": "all counted",
    "drawn": "plain draws",
    "walked": "weighed draws",
}


def density(
    graph: options.Graph,
    hardware: options.Hardware = None,
    solver: options.Solver = "gecode",
    samples: Annotated[int, typer.Option("--samples", min=2, help="Partitions that are drawn side by side.")] = 64,
    time_limit: Annotated[
        str, typer.Option("--time-limit", metavar="TIME", help="Time after which no further draws begin, a rule.")
    ] = "30s",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")] = 0,
    fix_shape: options.FixShape = None,
    as_json: options.Json = False,
) -> None:
    """Say what share of all assignments of ops to chips keeps each hard rule, and all of them.

    Counted where the graph is small. Else estimated without bias, with a 95 % confidence interval; where the
    estimates differ too much for one, only how much it is at least is said.
    """
    from chipzinc.density.rates import measure
    from chipzinc.rules.catalogue import selected_rules
    from chipzinc.solve import Session

    limit_s = parse_time_limit(time_limit)
    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        package = inputs.package
        soft = [selected.name for selected in selected_rules(package) if not selected.hard]
        if len(soft) == len(package.rules):
            raise InputError("selects no hard rule: every partition is valid", file=package.source, field="rules")
        with Session(solver=solver) as session:
            found = measure(
                inputs.graph,
                package,
                session=session,
                solver=solver,
                n_samples=samples,
                time_limit_s=limit_s,
                seed=seed,
                progress=progress,
            )
    answer = _answer(found, inputs, soft)
    if as_json:
        print_json(answer)
    else:
        _print(found, answer)


def _answer(found: list[Density], inputs: Inputs, soft: list[str]) -> dict[str, Any]:
    from chipzinc.density.rates import CONFIDENCE

    return {
        "graph": inputs.graph.name,
        "hardware": inputs.package.name,
        "ops": inputs.graph.n_ops,
        "chips": inputs.package.n_chips,
        "assignments_log10": inputs.graph.n_ops * math.log10(inputs.package.n_chips),
        "confidence": CONFIDENCE,
        "densities": [vars(one) for one in found],
        "soft": soft,
        "seconds": sum(one.seconds for one in found),
    }


def _print(found: list[Density], answer: dict[str, Any]) -> None:
    print_table(
        ["rules", "log10 of the share", "at least", "at most", "found by", "valid", "seconds"],
        [
            [
                one.rules[0] if len(one.rules) == 1 else "all together",
                _shown(one.log10),
                _shown(one.at_least),
                _shown(one.at_most),
                HOW[one.how] + ("" if one.how == "counted" else f" ({one.samples})"),
                "-" if one.count is None else str(one.count),
                f"{one.seconds:.1f}",
            ]
            for one in found
        ],
        title=f"Shares of the 10^{answer['assignments_log10']:.1f} assignments of {answer['ops']} ops to "
        f"{answer['chips']} chips",
    )
    print(f"The ends are those of {100 * answer['confidence']:g} % intervals; a dash: nothing is known.")
    for one in found:
        if one.how == "walked":
            print(f"{' and '.join(one.rules)}: {_said(one)}.")
    if answer["soft"]:
        print(f"Soft rules forbid nothing: {', '.join(answer['soft'])}.")


def _said(one: Density) -> str:
    if one.log10 is None:
        return f"{one.walks} weighed draws found no valid partition, which says little"
    said = f"{one.walks} independent estimates, by weight as good as {one.effective:.1f}"
    return said if one.bounded else f"{said}: too few, or too different, to say more than a least share"


def _shown(log10: float | None) -> str:
    return "-" if log10 is None else f"{log10:.2f}"
