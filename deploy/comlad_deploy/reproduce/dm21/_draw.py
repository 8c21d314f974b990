"""The pictures. Needs matplotlib, which is part of the extra `lab`."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    EngFormatter,
    FuncFormatter,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
)
from numpy.typing import NDArray

from comlad_deploy.figures import drawing
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, marks
from comlad_deploy.reproduce.dm21._attacks import Attacks
from comlad_deploy.reproduce.dm21._linear import Linear
from comlad_deploy.reproduce.dm21._methods import METHODS
from comlad_deploy.reproduce.dm21._rates import Rates
from comlad_deploy.reproduce.dm21._redrawn import Redrawn
from comlad_deploy.reproduce.dm21._variance import Variance

__all__ = ["draw_attacks", "draw_studies"]

Over = Literal["rounds", "bytes"]
_MEASURES: Sequence[tuple[str, Callable[[Trace], Sequence[float]]]] = (
    ("‖∇F(x)‖, honest devices", lambda trace: trace.gradient_norms),
    ("training loss", lambda trace: trace.losses),
    ("held-out accuracy", lambda trace: trace.accuracies),
)
_TICKS = [digit * 10.0**power for power in range(-4, 1) for digit in (1, 2, 3, 5, 7)]
_COLOURS = {method.name: method.colour for method in METHODS}


def draw_attacks(
    path: Path, attacks: Attacks, runs: Runs, *, over: Over, title: str, subtitle: str
) -> None:
    """Three measures under each attack, a line for each method: mean and range of the seeds.

    Args:
        path: Of the PNG.
        attacks: What is drawn, of its first rule and compressor.
        runs: Its runs.
        over: What runs to the right.
        title: The message.
        subtitle: What was run.
    """
    columns = attacks.attacks
    with drawing(path, (11.5, 8.4)) as figure:
        _head(figure, title, fill(subtitle, 185))
        grid = figure.subplots(len(_MEASURES), len(columns), sharex="col", sharey="row")
        figure.subplots_adjust(left=0.07, right=0.98, top=0.85, bottom=0.1, hspace=0.1, wspace=0.07)
        for row, (name, measure) in zip(grid, _MEASURES, strict=True):
            for axes, attack in zip(row, columns, strict=True):
                for method in METHODS:
                    traces = attacks.of(runs, method.name, attack)
                    x = np.array(marks(attacks.rounds), float)
                    if over == "bytes":
                        x = np.mean([trace.uplink for trace in traces], axis=0)
                    values = np.array([measure(trace) for trace in traces])
                    _band(axes, x, values, method.colour, powers=not name.startswith("held"))
                if name.startswith("held"):
                    axes.set_ylim(0.3, 1)
                    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
                else:
                    axes.set_yscale("log")
                    _powers(axes.yaxis)
            row[0].set_ylabel(name)
        grid[1, 0].set_ylim(0.05, 15)
        for axes, attack in zip(grid[0], columns, strict=True):
            axes.set_title(attack, fontsize=10, fontweight="bold", color="#333333")
        for axes in grid[-1]:
            _label_x(axes, over)
        _legend(figure, [method.name for method in METHODS])


def draw_studies(path: Path, studies: tuple[Rates, Linear, Variance, Redrawn], runs: Runs) -> None:
    """The other studies, a panel each."""
    rates, linear, variance, redrawn = studies
    with drawing(path, (11.5, 7.6)) as figure:
        _head(figure, "What the double momentum and variance reduction do", "")
        (top, bottom) = figure.subplots(2, 2)
        figure.subplots_adjust(
            left=0.07, right=0.98, top=0.9, bottom=0.13, hspace=0.36, wspace=0.36
        )
        _draw_rates(top[0], rates, runs)
        _draw_linear(top[1], linear, runs)
        _draw_variance(bottom[0], variance, runs)
        _draw_redrawn(bottom[1], redrawn, runs)
        _legend(figure, list(linear.names))


def _draw_rates(axes: Axes, rates: Rates, runs: Runs) -> None:
    """Filled points where noise is much of it, open ones where the way is."""
    for name in ("Byz-DM21", "Byz-VR-DM21"):
        for regime, filled in zip(rates.regimes, ("full", "none"), strict=True):
            mean = np.array(rates.reached(runs, name, regime)).mean(axis=0)
            slope = np.mean([line.slope for line in rates.lines(runs, name, regime)])
            axes.plot(
                mean, rates.horizons, "o-", color=_COLOURS[name], markersize=5, fillstyle=filled
            )
            axes.annotate(
                f"{slope:.2f}".replace("-", "−"),
                (mean[0], rates.horizons[0]),
                (0, -11 if name == "Byz-DM21" else -21),
                textcoords="offset points",
                ha="center",
                color=_COLOURS[name],
                fontsize=8,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_xlim()
    axes.set_ylim(rates.horizons[0] * 0.6, rates.horizons[-1] * 1.2)  # room for the slopes
    shown = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
    axes.set_yticks(rates.horizons, [str(rounds) for rounds in rates.horizons])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.minorticks_off()
    axes.set_xlabel("ε, root mean ‖∇F‖² over all rounds")
    axes.set_ylabel("rounds T")
    _name(axes, "Rounds to reach ε, and slopes (● λ = 0.1, ○ λ = 0.00056)")


def _draw_linear(axes: Axes, linear: Linear, runs: Runs) -> None:
    x = np.array(marks(linear.rounds), float)
    for name in linear.names:
        losses = np.array([trace.losses for trace in linear.traces(runs, name)])
        _band(axes, x, losses / losses[:, :1], _COLOURS[name])
    axes.set_yscale("log")
    _powers(axes.yaxis)
    _label_x(axes, "rounds")
    axes.set_ylabel("F(x) / F(x₀)")
    _name(axes, "Least squares with more unknowns than samples (PŁ), under IPM")


def _draw_variance(axes: Axes, variance: Variance, runs: Runs) -> None:
    for name in ("Byz-DM21", "Byz-VR-DM21"):
        errors = np.array(variance.errors(runs, name))
        order = np.argsort(variance.momenta)
        _band(axes, np.array(variance.momenta)[order], errors[:, order], _COLOURS[name], style="o-")
    axes.set_xscale("log")
    axes.set_yscale("log")
    _powers(axes.yaxis)
    axes.set_xticks(variance.momenta, [f"{momentum:g}" for momentum in variance.momenta])
    axes.minorticks_off()
    axes.set_xlabel("η")
    axes.set_ylabel("mean of ‖g_i − ∇f_i(x)‖²")
    _name(axes, "Error of the estimates, evenly split data, nothing compressed")


def _draw_redrawn(axes: Axes, redrawn: Redrawn, runs: Runs) -> None:
    names = redrawn.names
    shades = {("SF", False): "#B3CDE3", ("SF", True): "#3B528B"}
    shades |= {("ALIE", False): "#C7E9B4", ("ALIE", True): "#238443"}
    for number, ((attack, again), colour) in enumerate(shades.items()):
        height = np.arange(len(names)) + (number - 1.5) * 0.2
        for y, name in zip(height, names, strict=True):
            values = redrawn.floors(runs, name, attack, again)
            axes.plot(values, [y] * len(values), "o", color=colour, markersize=3.5)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    _powers(axes.xaxis)
    axes.set_xlabel("‖∇F‖² in the last fifth, a dot for each seed")
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=_who(attack, again))
        for (attack, again), colour in shades.items()
    ]
    axes.legend(handles=handles, fontsize=7.5, loc="best", frameon=True, framealpha=0.9)
    _name(axes, "Liars that stay, and liars drawn anew in every round")


def _who(attack: str, again: bool) -> str:
    return f"{attack}, redrawn" if again else f"{attack}, staying"


def _band(
    axes: Axes,
    x: NDArray[np.float64],
    values: NDArray[np.float64],
    colour: str,
    *,
    style: str = "-",
    powers: bool = True,
) -> None:
    """The mean over seeds, geometric for powers, and their range; without what is not finite."""
    values = np.where(np.isfinite(values), values, np.nan)
    low, high = values.min(axis=0), values.max(axis=0)
    axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
    means = np.exp(np.log(values).mean(axis=0)) if powers else values.mean(axis=0)
    axes.plot(x, means, style, color=colour, markersize=4)


def _powers(axis: Axis) -> None:
    """Label powers of ten, without mathematical markup."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
    axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    exponent = f"{math.log10(value):.0f}" if value > 0 else ""
    return "10" + exponent.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _label_x(axes: Axes, over: Over) -> None:
    if over == "rounds":
        axes.set_xlabel("rounds")
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], integer=True))
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter("B"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("uplink bytes of all devices")


def _head(figure: Figure, title: str, subtitle: str) -> None:
    figure.text(0.01, 0.985, title, va="top", fontsize=13, fontweight="bold", color="#222222")
    figure.text(0.01, 0.95, subtitle, va="top", fontsize=8, color="#555555", linespacing=1.35)


def _name(axes: Axes, text: str) -> None:
    axes.set_title(text, fontsize=9.5, loc="left", color="#333333")


def _legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [Line2D([], [], color=_COLOURS[name], linewidth=2, label=name) for name in names]
    figure.legend(handles=handles, loc="lower center", ncol=len(names), fontsize=8.5)
