"""The panels of the report's figure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import (
    EngFormatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)

from comlad_deploy.figures import COLOURS, LAYERS
from comlad_deploy.report._results import Run

__all__ = ["draw_bars", "draw_curves", "draw_faults", "refused"]

Results = Mapping[str, Any]

_LIAR = COLOURS[1]
_FAULTS = {"missing": ("#6E6E6E", "not answered"), "refused": ("#D55E00", "refused")}


def draw_curves(
    pairs: Sequence[tuple[Axes, Axes]],
    run: Run,
    curves: Sequence[tuple[str, Sequence[float], str]],
) -> None:
    """Each curve over rounds and over bytes.

    Args:
        pairs: Axes for both, a pair for each curve from top to bottom.
        run: Whose.
        curves: Of each its name, values from before the first round on, and colour.
    """
    layer = run.layers[-1]
    sent, rounds = run.trace.uplink[layer], range(len(run.trace.losses))
    for (left, right), (name, values, colour) in zip(pairs, curves, strict=True):
        for axes, x in ((left, rounds), (right, sent)):
            axes.plot(x, values, color=colour)
            axes.plot(x[-1], values[-1], "o", color=colour, markersize=4.5, clip_on=False)
            axes.set_xlim(0, max(x[-1], 1))
        _label_end(right, values[-1], name, colour)
        left.set_ylabel(name.split(" on ")[0])
        if name.startswith("accuracy"):
            left.set_ylim(0, 1)
            left.yaxis.set_major_formatter(PercentFormatter(1))
        elif all(0 < value < math.inf for value in values):
            left.set_yscale("log")
            low, high = left.get_ylim()
            left.yaxis.set_major_locator(
                LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=9)
            )
            left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            left.yaxis.set_minor_locator(NullLocator())
    for left, right in pairs[:-1]:
        for axes in (left, right):
            axes.tick_params(labelbottom=False)
    left, right = pairs[-1]
    left.set_xlabel("rounds")
    left.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=True))
    right.set_xlabel(f"bytes sent by all devices, at the {layer} layer")
    right.xaxis.set_major_formatter(EngFormatter("B"))


def _label_end(axes: Axes, value: float, name: str, colour: str) -> None:
    shown = f"{value:.1%}" if "accuracy" in name else f"{value:.4g}"
    if not math.isfinite(value):
        shown = "not finite"
    axes.text(
        0.985,
        0.93 if "loss" in name else 0.07,
        f"{name}: {shown}",
        transform=axes.transAxes,
        ha="right",
        va="top" if "loss" in name else "bottom",
        color=colour,
        fontweight="bold",
        fontsize=8.5,
    )


def draw_bars(pair: tuple[Axes, Axes], results: Results) -> None:
    """What each device was charged with, a bar of layers for each; its own count as a mark."""
    devices = results["by_device"]
    for axes, way in zip(pair, ("up", "down"), strict=True):
        counts = [device["bytes"][way] for device in devices]
        layers = [layer for layer in LAYERS if all(layer in count for count in counts)]
        below = [0] * len(devices)
        for layer in layers:
            label, colour = LAYERS[layer]
            added = [count[layer] - base for count, base in zip(counts, below, strict=True)]
            axes.barh(range(len(devices)), added, 0.7, left=below, color=colour, label=label)
            below = [count[layer] for count in counts]
        own = [
            (device["own_link"][way], row)
            for row, device in enumerate(devices)
            if "own_link" in device
        ]
        if own:
            axes.plot(
                [count for count, _ in own],
                [row for _, row in own],
                "|",
                color="#000000",
                markersize=9,
                markeredgewidth=1.6,
                label="the device's own interface, joining included",
            )
        axes.set_xlabel(f"{way}, bytes in all")
        most = max([*below, *(count for count, _ in own)])
        axes.set_xlim(0, 1.03 * max(most, 1))
        axes.xaxis.set_major_formatter(EngFormatter("B"))
        axes.grid(axis="y", visible=False)
    _name_rows(pair[0], devices)
    pair[1].tick_params(axis="y", length=0)
    handles, labels = pair[0].get_legend_handles_labels()
    if own:  # which matplotlib lists first
        handles, labels = handles[1:] + handles[:1], labels[1:] + labels[:1]
    pair[0].legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=5,
        handlelength=1.0,
        columnspacing=1.4,
        fontsize=8.5,
    )


def draw_faults(axes: Axes, run: Run, results: Results) -> None:
    """A mark for each round in which a device did not answer or was refused."""
    marks: dict[str, list[tuple[int, int]]] = {kind: [] for kind in _FAULTS}
    for record in run.records:
        marks["missing"] += [(record["round"], device) for device in record["missing"]]
        marks["refused"] += [(record["round"], device) for device in refused(record)]
    for kind, found in marks.items():
        colour, label = _FAULTS[kind]
        axes.plot(
            [round for round, _ in found],
            [device for _, device in found],
            "|",
            color=colour,
            markersize=max(min(11.0, 330 / run.count), 2),
            markeredgewidth=1.4,
            label=f"{label}: {len(found)} times",
        )
    axes.set_xlim(-0.5, max(len(run.records), 1) - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10], integer=True))
    axes.set_xlabel("round in which a device did not answer, or its answer did not count")
    axes.grid(axis="y", visible=False)
    _name_rows(axes, results["by_device"])
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=2, handlelength=0.8, fontsize=8.5
    )


def refused(record: Mapping[str, Any]) -> list[int]:
    """Whose answers did not count in a round, or whose messages were no answer."""
    return [*map(int, record["refused"]), *(device for device, _ in record.get("stray", ()))]


def _name_rows(axes: Axes, devices: Sequence[Results]) -> None:
    """Devices from top to bottom, those that lie in a colour of their own."""
    every = math.ceil(len(devices) / 40)
    shown = devices[::every]
    axes.set_ylim(len(devices) - 0.5, -0.5)
    axes.set_yticks(range(0, len(devices), every), [_name(device) for device in shown], fontsize=8)
    axes.tick_params(axis="y", length=0)
    for label, device in zip(axes.get_yticklabels(), shown, strict=False):
        if device["byzantine"]:
            label.set_color(_LIAR)


def _name(device: Results) -> str:
    return f"{'lies  ' if device['byzantine'] else ''}{device['device']}"
