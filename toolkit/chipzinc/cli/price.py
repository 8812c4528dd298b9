"""`chipzinc rules price`: the throughput that each rule costs on a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chipzinc.cli import options
from chipzinc.cli.failures import INTERRUPTED
from chipzinc.cli.inputs import load_inputs, parse_time_limit
from chipzinc.cli.output import Progress, finite, print_json, print_table
from chipzinc.errors import InputError

if TYPE_CHECKING:
    from chipzinc.price import Known, Loss, PriceList

FIELDS = ("prices", "all_rules", "no_rule", "seconds")

Limit = Annotated[
    str, typer.Option("--time-limit", metavar="TIME", help="Longest time of each search; there are two a rule.")
]


def price(
    graph: options.Graph,
    hardware: options.Hardware = None,
    solver: options.Solver = "chuffed",
    time_limit: Limit = "10s",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the draws.")] = 0,
    fix_shape: options.FixShape = None,
    as_json: options.Json = False,
) -> int:
    """Say what each hard rule of a package costs in throughput, as a range that is proven.

    Searches under all rules, under none, under all but each and under each alone. A rule's price lies between what
    the bounds prove at least and at most: where a search is weak, the range is wide.
    """
    from chipzinc.price import price_rules
    from chipzinc.solve import Session

    limit_s = parse_time_limit(time_limit)
    with Progress() as progress:
        progress(f"importing {graph}")
        inputs = load_inputs(graph, hardware, fix_shape)
        if not inputs.package.rules:
            raise InputError("selects no rule: there is nothing to price", file=inputs.package.source, field="rules")
        with Session(solver=solver) as session:
            found = price_rules(
                inputs.graph,
                inputs.package,
                session=session,
                worker=lambda: Session(session.toolchain),
                solver=solver,
                time_limit_s=limit_s,
                seed=seed,
                progress=progress,
            )
    if as_json:
        print_json({"graph": inputs.graph.name, "hardware": inputs.package.name, **_answer(found)})
    else:
        _print(found)
    return INTERRUPTED if found.interrupted else 0


def _answer(found: PriceList) -> dict[str, Any]:
    return {
        "prices": [
            {
                "rule": price.rule,
                "beside_others": vars(price.beside_others),
                "by_itself": vars(price.by_itself),
                "without": _known(price.without),
                "alone": _known(price.alone),
            }
            for price in found.prices
        ],
        "all_rules": _known(found.everything),
        "no_rule": _known(found.nothing),
        "soft": found.soft,
        "searched": found.searched,
        "interrupted": found.interrupted,
        "seconds": found.seconds,
    }


def _known(known: Known) -> dict[str, float | None]:
    return {"interval_us": finite(known.interval_us), "bound_us": known.bound_us, "gap": finite(known.gap)}


def _print(found: PriceList) -> None:
    sets = [("all rules", found.everything), *((f"all but {p.rule}", p.without) for p in found.prices)]
    sets += [("no rule", found.nothing), *((f"{p.rule} alone", p.alone) for p in found.prices)]
    print_table(
        ["rules", "interval µs", "bound µs", "gap %"],
        [[name, *_cells(known)] for name, known in dict(sets).items()],
    )
    print_table(
        ["rule", "costs beside the others", "costs by itself"],
        [[price.rule, shown_range(price.beside_others), shown_range(price.by_itself)] for price in found.prices],
        title="Throughput lost, %: between what is proven at least and at most",
    )
    if found.soft:
        print(f"Soft rules forbid nothing and cost nothing: {', '.join(found.soft)}.")
    print(f"{found.searched} searches in {found.seconds:.1f} s.")


def _cells(known: Known) -> list[str]:
    interval, gap = finite(known.interval_us), finite(known.gap)
    return [
        "-" if interval is None else f"{interval:.6g}",
        f"{known.bound_us:.6g}",
        "-" if gap is None else f"{100 * gap:.2f}",
    ]


def shown_range(loss: Loss) -> str:
    """A loss in percent: both ends of its range, or one number where they are the same to two places."""
    least, most = f"{100 * loss.least:.2f}", f"{100 * loss.most:.2f}"
    return most if least == most else f"{least} to {most}"
