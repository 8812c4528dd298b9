"""The table of chips at the end of a command. Prints what the throughput model computed, and computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipzinc.cli.output import mebibytes, print_table

if TYPE_CHECKING:
    from chipzinc.graph.opgraph import IntArray
    from chipzinc.throughput.model import Evaluation, ThroughputModel


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
            mebibytes(weights[chip]),
            mebibytes(peaks[chip]),
            mebibytes(package.sram_bytes[chip]),
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
            "weights MiB",
            "peak MiB",
            "SRAM MiB",
        ],
        rows,
    )
    print(
        f"Interval {evaluation.interval_us[0]:.2f} µs, {evaluation.throughput_per_s[0]:,.1f} results a second; "
        f"latency {model.latency_us(chips)[0]:.1f} µs; {len(rows)} of {package.n_chips} chips used."
    )
