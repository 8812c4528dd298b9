"""Plots of lines with bands. The one place that knows matplotlib, which the extra `plot` brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from chipzinc.errors import InputError

_ENDINGS = (".svg", ".png", ".pdf")


@dataclass(frozen=True)
class Line:
    """A line of a plot.

    Attributes:
        label: what the legend calls it.
        x: places, one a point.
        y: values, one a point.
        low: lower edge of a band around it, if it has one.
        high: upper edge of the band.
        stepped: whether a value holds until the next place.
        dashed: whether it is drawn dashed, as limits are.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    stepped: bool = False
    dashed: bool = False


def check_plot_file(file: Path) -> None:
    """Refuses what `save_plot` could not write, before anything is computed for it.

    Raises:
        InputError: if the file's ending is no picture's, or matplotlib is missing.
    """
    if file.suffix not in _ENDINGS:
        raise InputError(f"expected a file that ends in {', '.join(_ENDINGS)}, got '{file}'", field="--plot")
    if find_spec("matplotlib") is None:
        raise InputError("plots need matplotlib: pip install 'chipzinc[plot]'", field="--plot")


def save_plot(file: Path, lines: Sequence[Line], *, x_label: str, y_label: str, title: str = "") -> None:
    """Draws lines and writes the picture.

    Args:
        file: where to write; its ending chooses the format.
        lines: what to draw; a line without points is only named.
        x_label: what the horizontal axis shows, with its unit.
        y_label: what the vertical axis shows, with its unit.
        title: what stands above.

    Raises:
        InputError: as for `check_plot_file`.
    """
    check_plot_file(file)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for line in lines:
        style = "--" if line.dashed else "-"
        draw_style = "steps-post" if line.stepped else "default"
        marker = "" if line.stepped or len(line.x) > 60 else "."
        (drawn,) = axes.plot(line.x, line.y, style, marker=marker, drawstyle=draw_style, label=line.label)
        if line.low is not None and line.high is not None:
            axes.fill_between(
                line.x,
                line.low,
                line.high,
                step="post" if line.stepped else None,
                alpha=0.2,
                color=drawn.get_color(),
                linewidth=0,
            )
    axes.set(xlabel=x_label, ylabel=y_label, title=title)
    axes.grid(alpha=0.3)
    if lines:
        axes.legend()
    figure.savefig(file)
