"""Figures of results: a function each, and what they have in common.

Needs matplotlib, which is part of the extra `lab`; hence not imported by programs that train.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, pairwise
from math import floor, log10
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, NullFormatter, PercentFormatter

from comlad_deploy.text import readable_bytes

__all__ = ["COLOURS", "LAYERS", "STYLE", "Curve", "defences_figure", "drawing"]

# Of Okabe and Ito's colours, which colour-blind people can tell apart, those dark enough
# for text on white.
COLOURS = ("#6E6E6E", "#D55E00", "#009E73", "#0072B2", "#CC79A7", "#000000")

# What each layer adds to the one before it.
LAYERS = {
    "payload": ("payload: values and indices", "#0072B2"),
    "message": ("message: fields of protobuf", "#009E73"),
    "tcp": ("tcp: gRPC and HTTP/2", "#D55E00"),
    "link": ("link: headers of packets", "#6E6E6E"),
}

STYLE: Any = {  # matplotlib's type for it lists every key there is
    "axes.axisbelow": True,
    "axes.edgecolor": "#8C8C8C",
    "axes.grid": True,
    "axes.labelcolor": "#333333",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 200,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "font.size": 9.5,
    "grid.color": "#E8E8E8",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "round",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.minor.visible": False,
}

# Of a label: characters in a line, and its height as a part of that of the axes.
_LABEL_WIDTH = 20
_LINE_HEIGHT = 0.056


@contextmanager
def drawing(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure, of so many inches, that is written where the block ends."""
    with matplotlib.rc_context({**STYLE, "text.parse_math": False}):  # names are no formulas
        figure = Figure(figsize=size)
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.12)


@dataclass(frozen=True, slots=True)
class Curve:
    """What a run reached as it went on; the three sequences have a value a round.

    Args:
        name: As the reader is to know it.
        rounds: Rounds closed by then.
        uplink: Bytes that all devices together had sent by then.
        accuracy: On the held-out samples, from 0 to 1.
    """

    name: str
    rounds: Sequence[int]
    uplink: Sequence[int]
    accuracy: Sequence[float]


def defences_figure(
    path: Path, curves: Sequence[Curve], *, title: str, setting: str, layer: str, dense: int
) -> None:
    """Accuracy over rounds and over uplink bytes, a line for each defence, as a PNG.

    Args:
        path: Where it is written.
        curves: One for each defence, of at least one round.
        title: The message, in a few words.
        setting: What was run, in a line.
        layer: Where the bytes of the uplink were counted.
        dense: What all rounds would have taken at 8 bytes a coordinate.
    """
    with matplotlib.rc_context(STYLE):
        figure, (left, right) = _panels(title, setting)
        for curve, colour in zip(curves, cycle(COLOURS), strict=False):
            for axes, x in ((left, curve.rounds), (right, curve.uplink)):
                axes.plot(x, curve.accuracy, color=colour)
                axes.plot(x[-1], curve.accuracy[-1], "o", color=colour, markersize=5, clip_on=False)
        left.set_xlabel("rounds")
        rounds = max(curve.rounds[-1] for curve in curves)
        left.set_xlim(0, rounds * 1.02)
        left.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=True))
        left.set_ylabel("accuracy on held-out images")
        left.set_ylim(0, 1)
        left.yaxis.set_major_formatter(PercentFormatter(1))
        right.set_xlabel(f"bytes sent by all devices, counted at the {layer} layer")
        right.set_xscale("log")
        least = max(min(curve.uplink[0] for curve in curves), 1)
        right.set_xlim(10 ** floor(log10(least)), dense * 1.15)
        right.xaxis.set_major_formatter(EngFormatter("B"))
        right.xaxis.set_minor_formatter(NullFormatter())
        _mark(right, dense, f"{rounds} rounds\nof dense\nfloat64:\n{readable_bytes(dense)}")
        _label_ends(right, curves)
        _save(figure, path)


def _panels(title: str, setting: str) -> tuple[Figure, Sequence[Axes]]:
    """Two panels that share the vertical axis, under a title and with room for labels."""
    figure = Figure(figsize=(10, 4.2))
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.065, right=0.805, top=0.83, bottom=0.12, wspace=0.12)
    figure.text(0.01, 0.985, title, va="top", fontsize=13, fontweight="bold", color="#222222")
    figure.text(0.01, 0.915, setting, va="top", color="#555555")
    return figure, panels


def _mark(axes: Axes, x: float, text: str) -> None:
    """A vertical line with a note left of it."""
    axes.axvline(x, color="#8C8C8C", linestyle=(0, (4, 3)), linewidth=1.2)
    axes.annotate(
        text,
        (x, 0.57),
        xycoords=("data", "axes fraction"),
        xytext=(-5, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color="#555555",
        fontsize=8.5,
    )


def _label_ends(axes: Axes, curves: Sequence[Curve]) -> None:
    """Name each curve right of the axes, as high as it ends but clear of the others."""
    bottom, top = axes.get_ylim()
    ends = [(curve.accuracy[-1] - bottom) / (top - bottom) for curve in curves]
    names = [fill(curve.name, _LABEL_WIDTH) for curve in curves]
    pitch = _LINE_HEIGHT * (1 + max(name.count("\n") + 1 for name in names))
    heights = _spread(ends, pitch)
    for curve, name, colour, y in zip(curves, names, cycle(COLOURS), heights, strict=False):
        axes.annotate(
            f"{curve.accuracy[-1]:.0%}\n{name}",
            (1, y),
            xycoords="axes fraction",
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
        )


def _spread(heights: Sequence[float], pitch: float) -> list[float]:
    """The same heights, moved up where two are nearer than the pitch, or down at the top."""
    order = sorted(range(len(heights)), key=lambda index: heights[index])
    result = list(heights)
    for below, above in pairwise(order):
        result[above] = max(result[above], result[below] + pitch)
    limit = 1.0
    for index in reversed(order):
        result[index] = min(result[index], limit)
        limit = result[index] - pitch
    return result


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png", bbox_inches="tight", pad_inches=0.15)
