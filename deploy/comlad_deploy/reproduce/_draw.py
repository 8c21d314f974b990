"""The figures' pictures. Needs matplotlib, which is part of the extra `lab`."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from matplotlib.transforms import blended_transform_factory

from comlad_deploy.figures import STYLE
from comlad_deploy.reproduce._comparisons import Losses
from comlad_deploy.reproduce._figure import Curve, LossFigure
from comlad_deploy.reproduce._theory import TheoryFigure

__all__ = ["draw_losses", "draw_theory"]

# A colour for each rule, of Okabe and Ito's, and dashes for each load.
_COLOURS = {
    "va": "#6E6E6E",
    "cwtm": "#0072B2",
    "cwtm-nnm": "#D55E00",
    "tgn": "#009E73",
    "draco": "#000000",
    "nobody": "#CC79A7",
}
_DASHES: Sequence[Any] = ((0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)), (0, (5, 1.5)), "-")

_SUBTITLE_WIDTH = 150


def draw_losses(
    path: Path, figure: LossFigure, losses: Losses, *, title: str, subtitle: str
) -> None:
    """Losses over rounds, and beside them what they come to at T, seed by seed.

    Args:
        path: Of the PNG.
        figure: What is drawn.
        losses: Of all its curves.
        title: The message.
        subtitle: What was run.
    """
    with matplotlib.rc_context(STYLE):
        canvas = _canvas(title, subtitle)
        *panels, ends = canvas.subplots(
            1,
            len(figure.panels) + 1,
            width_ratios=[*([5.0 / len(figure.panels)] * len(figure.panels)), 3.0],
        )
        canvas.subplots_adjust(left=0.06, right=0.8, top=0.765, bottom=0.13, wspace=0.16)
        for number, (axes, name) in enumerate(zip(panels, figure.panels, strict=True)):
            curves = [curve for curve in figure.curves if curve.panel == number]
            _draw_panel(axes, curves, figure, losses)
            axes.set_title(_pretty(name), fontsize=9.5, loc="left", color="#333333")
        panels[0].set_ylabel("training loss, F(x) / F(x₀)")
        _share_heights(panels)
        _draw_ends(ends, figure, losses)
        canvas.savefig(path, format="png", bbox_inches="tight", pad_inches=0.12)


def draw_theory(path: Path, figure: TheoryFigure) -> None:
    """The error term, with numbers at some points.

    Args:
        path: Of the PNG.
        figure: What is drawn.
    """
    with matplotlib.rc_context(STYLE):
        canvas = _canvas(figure.title, f"{figure.setting}.\n{figure.applies}.", size=(7.2, 4.2))
        axes = canvas.subplots()
        canvas.subplots_adjust(left=0.09, right=0.95, top=0.8, bottom=0.12)
        errors = [bound.order() for bound in figure.bounds]
        colour = _COLOURS["cwtm"]
        below = -13 if errors[-1] > errors[0] else 5  # on the hollow side of the curve
        axes.plot(figure.values, errors, color=colour, linewidth=1.8)
        for value, error in zip(figure.values, errors, strict=True):
            if value in figure.shown:
                axes.plot(value, error, "o", color=colour, markersize=5, clip_on=False)
                text = f"{error:.0f}"
                axes.annotate(
                    text, (value, error), (5, below), textcoords="offset points", color=colour
                )
        axes.set_xlabel(figure.axis)
        axes.set_ylabel("error term (33), κ₁√κ / √κ₂")
        axes.set_ylim(0, None)
        axes.set_xlim(0, max(figure.values))
        canvas.savefig(path, format="png", bbox_inches="tight", pad_inches=0.12)


def _canvas(title: str, subtitle: str, size: tuple[float, float] = (10, 4.8)) -> Figure:
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    figure.text(
        0.005, 0.985, _pretty(title), va="top", fontsize=13, fontweight="bold", color="#222222"
    )
    lines = [fill(line, int(_SUBTITLE_WIDTH * size[0] / 10)) for line in subtitle.splitlines()]
    text = _pretty("\n".join(lines))
    figure.text(0.005, 0.922, text, va="top", color="#555555", fontsize=8.5, linespacing=1.35)
    return figure


def _pretty(text: str) -> str:
    return text.replace("σ_H", "$\\sigma_H$")


def _style(figure: LossFigure, curve: Curve) -> dict[str, Any]:
    """Colour by rule; dashes by load, the largest of the figure's whole."""
    loads = sorted({c.load for c in figure.curves if c.family == curve.family})
    dashes = _DASHES[len(_DASHES) - len(loads) + loads.index(curve.load)]
    if not curve.paper:
        dashes = (0, (2, 2))
    width = 1.9 if curve.family in ("draco", "va") else 1.5
    return {"color": _COLOURS[curve.family], "linestyle": dashes, "linewidth": width}


def _draw_panel(axes: Axes, curves: Sequence[Curve], figure: LossFigure, losses: Losses) -> None:
    for curve in curves:
        values = losses.by_curve[curve.name]
        relative = values / values[:, :1]
        style = _style(figure, curve)
        axes.fill_between(
            losses.marks,
            relative.min(axis=0),
            relative.max(axis=0),
            color=style["color"],
            alpha=min(0.1, 0.4 / len(curves)),  # many of them lie on each other
            linewidth=0,
        )
        axes.plot(losses.marks, relative.mean(axis=0), **style)
    axes.set_yscale("log")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(0, losses.marks[-1])
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("iterations")


def _share_heights(panels: Sequence[Axes]) -> None:
    limits = [axes.get_ylim() for axes in panels]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    for axes in panels:
        axes.set_ylim(low, high)
        if high < 10 * low:  # too little for powers of ten
            axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    for axes in panels[1:]:
        axes.tick_params(labelleft=False)


def _draw_ends(axes: Axes, figure: LossFigure, losses: Losses) -> None:
    """A row for each curve: the loss at T relative to the reference, a dot for each seed."""
    moment = losses.at(losses.marks[-1])
    ratios = {
        curve.name: moment.ratio(curve.name, figure.reference[curve.panel])
        for curve in figure.curves
    }
    order = sorted(figure.curves, key=lambda curve: (-curve.panel, ratios[curve.name].mean()))
    # A gap between panels.
    heights = [row + 0.6 * (order[0].panel - curve.panel) for row, curve in enumerate(order)]
    for height, curve in zip(heights, order, strict=True):
        style, values = _style(figure, curve), ratios[curve.name]
        dots = {"color": style["color"], "markersize": 3, "alpha": 0.5}
        axes.plot(values, [height] * len(values), "o", **dots)
        axes.plot(
            values.mean(), height, "|", color=style["color"], markersize=13, markeredgewidth=2
        )
        _label_row(axes, height, curve.name + ("" if curve.paper else " †"), style)
    axes.set_ylim(-0.7, heights[-1] + 0.7)
    axes.set_yticks(heights, [""] * len(heights))
    axes.tick_params(axis="y", length=0)
    axes.axvline(1, color="#8C8C8C", linewidth=1, zorder=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.set_xlabel(_pretty(f"loss at the end,\n{figure.compared}"))


def _label_row(axes: Axes, row: float, name: str, style: dict[str, Any]) -> None:
    across = blended_transform_factory(axes.transAxes, axes.transData)
    sample = Line2D([1.02, 1.12], [row, row], transform=across, clip_on=False, **style)
    axes.add_line(sample)
    axes.text(
        1.14,
        row,
        _pretty(name),
        transform=across,
        va="center",
        color=style["color"],
        fontweight="bold",
    )
