"""`chipzinc partition --sweep`: what more chips, memory or faster links bring, value by value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipzinc.cli.failures import INTERRUPTED, NO_ANSWER
from chipzinc.cli.inputs import check_files
from chipzinc.cli.output import Progress, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipzinc.cli.inputs import Inputs
    from chipzinc.hardware.sweep import Sweep
    from chipzinc.sweep import SweptPoint

CLOSE = 0.01
"""How near to the best throughput is near enough, as a share."""


def check_sweep(sweep: str, output: Path | None, plot: Path | None) -> Sweep:
    """Reads a sweep, and refuses files that could not be written, before a long run.

    Raises:
        InputError: if it cannot be read, or a file's ending is not known.
    """
    from chipzinc.hardware.sweep import parse_sweep
    from chipzinc.plotting import check_plot_file
    from chipzinc.tabular import check_table_file

    parsed = parse_sweep(sweep)
    if output is not None:
        check_table_file(output, "--output")
    if plot is not None:
        check_plot_file(plot)
    check_files(output, plot)
    return parsed


def sweep_graph(
    inputs: Inputs,
    sweep: Sweep,
    *,
    solvers: tuple[str, ...],
    workers: int,
    limit_s: float | None,
    iterations: int | None,
    seed: int,
    output: Path | None,
    plot: Path | None,
    as_json: bool,
    progress: Progress,
) -> int:
    """Optimises for every value, and prints the table."""
    from chipzinc.solve import Session
    from chipzinc.sweep import run_sweep, settled

    found: list[SweptPoint] = []
    interrupted = False
    with Session(solver=solvers[0]) as session:
        points = run_sweep(
            inputs.graph,
            inputs.package,
            sweep,
            session=session,
            worker=lambda: Session(session.toolchain),
            solvers=solvers,
            workers=workers,
            time_limit_s=limit_s,
            iterations=iterations,
            seed=seed,
            progress=progress,
        )
        try:
            for point in points:
                found.append(point)
        except KeyboardInterrupt:
            interrupted = True
    if not found:
        raise KeyboardInterrupt
    found = settled(found)
    rows = [_row(sweep.field, point) for point in found]
    _write(sweep.field, found, rows, output, plot)
    if as_json:
        print_json({"field": sweep.field, "points": rows, **_enough(found)})
    else:
        _print(sweep.field, found, rows)
    if interrupted:
        return INTERRUPTED
    if any(point.chips is not None for point in found):
        return 0
    return 1 if all(point.infeasible for point in found) else NO_ANSWER


def _row(field: str, point: SweptPoint) -> dict[str, Any]:
    return {
        field: point.value,
        "valid": point.chips is not None if point.chips is not None or point.infeasible else None,
        "interval_us": point.interval_us,
        "throughput_per_s": 1e6 / point.interval_us if point.interval_us else None,
        "bound_us": point.bound_us,
        "gap": point.gap,
        "proven": point.proven,
        "chips_used": point.chips_used,
        "seconds": round(point.seconds, 3),
        "error": point.error,
    }


def _enough(points: Sequence[SweptPoint]) -> dict[str, Any]:
    """The first value that runs at all, and the first that comes close to the best."""
    from chipzinc.sweep import fewest

    runs = next((point for point in points if point.chips is not None), None)
    close = fewest(points, CLOSE)
    return {"first_valid": None if runs is None else runs.value, "first_close": None if close is None else close.value}


def _write(
    field: str, points: Sequence[SweptPoint], rows: list[dict[str, Any]], output: Path | None, plot: Path | None
) -> None:
    from chipzinc.plotting import Line, save_plot
    from chipzinc.tabular import write_table

    if output is not None:
        write_table(rows, output)
    if plot is None:
        return
    x = _places(points)
    valid = [place for place, point in enumerate(points) if point.interval_us]
    bounded = [place for place, point in enumerate(points) if point.bound_us]
    lines = [
        Line("found", [x[p] for p in valid], [1e6 / (points[p].interval_us or 1.0) for p in valid]),
        Line("at most", [x[p] for p in bounded], [1e6 / (points[p].bound_us or 1.0) for p in bounded], dashed=True),
    ]
    save_plot(plot, lines, x_label=f"{field}{_unit(points)}", y_label="results a second")


def _places(points: Sequence[SweptPoint]) -> list[float]:
    """Where values stand on an axis: at their numbers, or one after another where they have none."""
    numbers = [str(point.value).split()[0] for point in points]
    try:
        return [float(number) for number in numbers]
    except ValueError:
        return [float(place) for place in range(len(points))]


def _unit(points: Sequence[SweptPoint]) -> str:
    """The unit that all values share, for an axis."""
    units = {str(point.value).partition(" ")[2] for point in points}
    return f", {units.pop()}" if len(units) == 1 and units != {""} else ""


def _print(field: str, points: Sequence[SweptPoint], rows: list[dict[str, Any]]) -> None:
    from chipzinc.tabular import cell_text

    columns = ("interval_us", "throughput_per_s", "bound_us", "gap", "chips_used", "seconds")
    cells = [[str(row[field]), *(cell_text(row[name]) or "-" for name in columns), _remark(row)] for row in rows]
    print_table([field, *columns, ""], cells)
    enough = _enough(points)
    if enough["first_valid"] is None:
        print(f"No value of {field} has a valid partition here.")
        return
    print(f"{field}={enough['first_valid']} is the first with a valid partition.")
    print(f"{field}={enough['first_close']} is the first within {CLOSE:.0%} of the best throughput found.")


def _remark(row: dict[str, Any]) -> str:
    if row["valid"] is False:
        return f"proven: {row['error']}"
    return "proven best" if row["proven"] else row["error"] or ""
