"""The tables of chips and of intervals at the end of a command.

Prints what the throughput model computed, and computes nothing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chipzinc.cli.output import finite, print_table

if TYPE_CHECKING:
    from chipzinc.graph.opgraph import IntArray
    from chipzinc.throughput.model import Evaluation, ThroughputModel
    from chipzinc.throughput.uncertain import Distribution


_SMALL_SRAM = 4 * 2**20


def print_chips(model: ThroughputModel, chips: IntArray, evaluation: Evaluation) -> None:
    """Prints the load of every chip that has ops.

    Args:
        model: the model that computed the evaluation.
        chips: chip of each op, shape [op].
        evaluation: the evaluation of these chips alone.
    """
    import numpy as np

    package = model.package
    weights, peaks = model.memory.weights(chips[None])[0], model.memory.peaks(chips[None])[0]
    ops = np.bincount(chips, minlength=package.n_chips)
    unit, per_unit = ("KiB", 2**10) if package.sram_bytes.max() < _SMALL_SRAM else ("MiB", 2**20)
    rows = [
        [
            str(chip),
            package.chip_class[chip],
            str(ops[chip]),
            f"{evaluation.compute_us[0, chip] + evaluation.stream_us[0, chip]:.2f}",
            f"{evaluation.receive_us[0, chip]:.2f}",
            f"{evaluation.send_us[0, chip]:.2f}",
            f"{evaluation.chip_us[0, chip]:.2f}",
            f"{100 * evaluation.utilisation[0, chip]:.0f}",
            *(f"{size / per_unit:,.1f}" for size in (weights[chip], peaks[chip], package.sram_bytes[chip])),
        ]
        for chip in np.flatnonzero(ops)
    ]
    print_table(
        [
            "chip",
            "class",
            "ops",
            "work µs",
            "receive µs",
            "send µs",
            "total µs",
            "busy %",
            f"weights {unit}",
            f"peak {unit}",
            f"SRAM {unit}",
        ],
        rows,
    )
    print(
        f"Interval {evaluation.interval_us[0]:.2f} µs, {evaluation.throughput_per_s[0]:,.1f} results a second; "
        f"latency {model.latency_us(chips)[0]:.1f} µs; {len(rows)} of {package.n_chips} chips used."
    )


def described_distribution(distribution: Distribution) -> dict[str, Any]:
    """A distribution for JSON; quantiles by their share as text."""
    said = {name: finite(value) if isinstance(value, float) else value for name, value in asdict(distribution).items()}
    quantiles = {f"{share:g}": finite(value) for share, value in distribution.quantiles_us.items()}
    return said | {"quantiles_us": quantiles}


def print_distribution(distribution: Distribution) -> None:
    """Prints where the interval lies when op times are ranges."""
    columns = {
        "best": distribution.best_us,
        **{f"{share:.0%}": value for share, value in distribution.quantiles_us.items()},
        "worst": distribution.worst_us,
        "mean": distribution.mean_us,
        "deviation": distribution.deviation_us,
    }
    print_table([f"{name} µs" for name in columns], [[f"{value:.2f}" for value in columns.values()]])
    drawn = f"{distribution.scenarios:,} scenarios of seed {distribution.seed}"
    print(f"The interval when op times are ranges: {drawn}; best and worst are exact.")
