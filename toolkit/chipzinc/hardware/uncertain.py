"""Op times that are known as ranges: from a spec's `time_spread`, or from a table of measured times.

Times of different ops are taken as independent, each uniform over its range. Knows no partition.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import FloatArray, OpGraph, Profile
from chipzinc.hardware.demand import op_supported, op_time_us
from chipzinc.hardware.explain import did_you_mean
from chipzinc.hardware.package import Package

COLUMNS = ("op", "low_us", "high_us")


@dataclass(frozen=True, eq=False)
class TimeRange:
    """The range of each op's time.

    Attributes:
        low_us: least time of each op on each chip, shape [op, chip]; infinite where it cannot run.
        high_us: most time, shape [op, chip].
    """

    low_us: FloatArray
    high_us: FloatArray

    @property
    def mean_us(self) -> FloatArray:
        """The middle of each range, which is the mean, shape [op, chip]."""
        return (self.low_us + self.high_us) / 2

    @property
    def variance_us2(self) -> FloatArray:
        """Variance of each time, 0 where an op cannot run; shape [op, chip]."""
        with np.errstate(invalid="ignore"):
            return np.nan_to_num(self.high_us - self.low_us, nan=0.0) ** 2 / 12


def time_range(graph: OpGraph, package: Package, table: Path | None = None) -> TimeRange | None:
    """The ranges that a package's `time_spread` gives, and those of a table for the ops it names.

    Args:
        graph: the graph.
        package: the package.
        table: a CSV file with the columns op, low_us, high_us: the times of an op on every chip that can run it.

    Returns:
        None where every time is exact.

    Raises:
        InputError: if the table is wrong, with its line.
    """
    if not package.time_spread and table is None:
        return None
    nominal = op_time_us(graph, package)
    shares = np.array([_spread(package, kind) for kind in graph.op_kinds])
    low, high = nominal * shares[:, :1], nominal * shares[:, 1:]
    for op, (least, most) in _read_table(table, graph).items() if table is not None else ():
        runs = np.isfinite(nominal[op])
        low[op, runs], high[op, runs] = least, most
    return TimeRange(low, high)


def with_times(graph: OpGraph, package: Package, time_us: FloatArray) -> OpGraph:
    """The graph with measured times instead of the model's: all that is computed from them follows.

    Args:
        graph: the graph.
        package: the package.
        time_us: time of each op on each chip, equal for chips of a class, shape [op, chip].

    Raises:
        InputError: if transfers go through the host without being measured, which a measured profile would replace.
    """
    first = {name: package.chip_class.index(name) for name in package.chip_class}
    times = {name: time_us[:, chip] for name, chip in first.items()}
    if graph.profile is not None:
        return replace(graph, profile=replace(graph.profile, op_time_us=times))
    if package.communication == "host":
        raise InputError("ranges of op times need links, or a graph with measured transfers", field="communication")
    can = op_supported(graph, package)
    profile = Profile(
        op_time_us=times,
        op_transfer_us=np.zeros(graph.n_ops),
        op_supported={name: can[:, chip] for name, chip in first.items()},
        op_backward=np.zeros(graph.n_ops, dtype=np.bool_),
        op_colour=np.full(graph.n_ops, -1, dtype=np.int64),
    )
    return replace(graph, profile=profile)


def _spread(package: Package, kind: str) -> tuple[float, float]:
    for name in (kind, family(kind), "default"):
        if name in package.time_spread:
            return package.time_spread[name]
    return 1.0, 1.0


def _read_table(table: Path, graph: OpGraph) -> dict[int, tuple[float, float]]:
    """Least and most time by op."""
    try:
        lines = table.read_text(encoding="utf-8-sig").splitlines()
        rows = list(csv.reader(lines, strict=True))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=table) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"is no CSV table: {error}", file=table) from error
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS:
        raise InputError(f"expected the columns {','.join(COLUMNS)}", file=table, line=1)
    found: dict[int, tuple[float, float]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        op, least, most = _checked_row(row, graph, table, line)
        if op in found:
            raise InputError(f"the op '{row[0].strip()}' is given twice", file=table, line=line)
        found[op] = least, most
    return found


def _checked_row(row: list[str], graph: OpGraph, table: Path, line: int) -> tuple[int, float, float]:
    if len(row) != len(COLUMNS):
        raise InputError(f"expected {len(COLUMNS)} cells, {','.join(COLUMNS)}, got {len(row)}", file=table, line=line)
    name = row[0].strip()
    if name not in graph.op_index:
        close = did_you_mean(name, graph.op_names) if len(graph.op_names) < 10_000 else ""
        hint = close if "did you mean" in close else ""
        raise InputError(f"the graph has no op '{name}'{hint}", file=table, line=line, field="op")
    try:
        least, most = float(row[1]), float(row[2])
    except ValueError:
        raise InputError(f"expected two numbers of µs, got {row[1]!r} and {row[2]!r}", file=table, line=line) from None
    if not 0 <= least <= most < math.inf:
        raise InputError(f"expected a range from low to high, got {least:g} to {most:g}", file=table, line=line)
    return graph.op_index[name], least, most
