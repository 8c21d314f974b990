"""The report's figures. Needs matplotlib, which is part of the extra `lab`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter

from comlad_deploy.bandwidth._canvas import panels_of
from comlad_deploy.bandwidth._results import Run
from comlad_deploy.figures import COLOURS, LAYERS, drawing
from comlad_deploy.text import readable_bytes

__all__ = ["draw_layers", "draw_loss", "draw_seconds"]

Results = Mapping[str, Any]

_DASHES: Sequence[Any] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)))


def draw_layers(path: Path, results: Results) -> None:
    """Bytes a round and device, a bar for each method, a panel for each direction."""
    methods = results["methods"]
    with drawing(path, (10.5, 1.75 + 0.36 * len(methods))) as figure:
        title = "What a device sends and receives in a round"
        names = [method["name"] for method in methods]
        left, right = panels_of(figure, 2, title, results["setting"], names=names)
        for axes, direction in ((left, "up"), (right, "down")):
            _draw_bars(axes, methods, direction)
        handles, labels = left.get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="lower left",
            bbox_to_anchor=(0.0, 0.0),
            ncols=4,
            handlelength=1.0,
            columnspacing=1.6,
        )


def _draw_bars(axes: Axes, methods: Sequence[Results], direction: str) -> None:
    counts = [method["bytes"][direction] for method in methods]
    layers = [layer for layer in LAYERS if all(layer in count for count in counts)]
    below, parts = [0.0] * len(methods), []
    for layer in layers:
        label, colour = LAYERS[layer]
        added = [count[layer] - base for count, base in zip(counts, below, strict=True)]
        axes.barh(range(len(methods)), added, 0.66, left=below, color=colour, label=label)
        below = [count[layer] for count in counts]
        parts.append(added)
    for row, end in enumerate(below):
        _label_bar(axes, (end, row), [added[row] for added in parts], layers)
    axes.set_xlim(0, (1.06 + 0.14 * len(layers)) * max(below))
    axes.set_xlabel(f"{direction}, bytes a round and device")
    axes.xaxis.set_major_formatter(EngFormatter("B"))
    axes.grid(axis="y", visible=False)


def _label_bar(
    axes: Axes, end: tuple[float, float], parts: Sequence[float], layers: Sequence[str]
) -> None:
    """What each layer adds, in its colour."""
    areas: list[Artist] = [
        TextArea(
            f"{'+ ' if number else ''}{_short(part)}",
            textprops={"color": LAYERS[layer][1], "fontsize": 8.5},
        )
        for number, (part, layer) in enumerate(zip(parts, layers, strict=True))
    ]
    packed = HPacker(children=areas, pad=0, sep=3)
    box = AnnotationBbox(
        packed,
        end,
        xybox=(5, 0),
        boxcoords="offset points",
        box_alignment=(0, 0.5),
        frameon=False,
        pad=0,
    )
    axes.add_artist(box)


def _short(count: float) -> str:
    return f"{count:,.0f}" if count < 9999.5 else f"{count / 1000:#.3g}".rstrip(".") + "k"


def draw_loss(path: Path, results: Results, runs: Sequence[Run]) -> None:
    """Loss over the bytes that all devices sent, a curve for each method."""
    equal = results["equal_bytes"]
    layer = equal["layer"]
    with drawing(path, (9.5, 4.9)) as figure:
        (axes,) = panels_of(figure, 1, "What a byte on the uplink buys", results["setting"])
        for number, run in enumerate(runs):
            counts, losses = run.trace.uplink[layer][1:], run.trace.losses[1:]
            colour = COLOURS[number % len(COLOURS)]
            # No two of the first eighteen look the same.
            dashes = _DASHES[number // len(COLOURS) % len(_DASHES)]
            axes.plot(counts, losses, color=colour, linestyle=dashes, label=run.method.name)
            axes.plot(counts[-1], losses[-1], "o", color=colour, markersize=4.5)
        axes.set_xscale("log")
        axes.set_xlabel(f"bytes sent by all devices, counted at the {layer} layer")
        axes.xaxis.set_major_locator(_ticks(axes.get_xlim()))
        axes.xaxis.set_major_formatter(EngFormatter("B"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_yscale("log")
        axes.set_ylabel("training loss")
        axes.yaxis.set_major_locator(_ticks(axes.get_ylim()))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.axvline(equal["bytes"], color="#8C8C8C", linestyle=(0, (4, 3)), linewidth=1.1)
        axes.text(
            equal["bytes"],
            1.012,
            f"equal bytes: {readable_bytes(equal['bytes'])}",
            transform=axes.get_xaxis_transform(),
            ha="center",
            color="#555555",
            fontsize=8.5,
        )
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), handlelength=2.6)


def _ticks(limits: tuple[float, float]) -> LogLocator:
    """Powers of ten, and between them too where these are few."""
    low, high = limits
    return LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=9)


def draw_seconds(path: Path, results: Results) -> None:
    """Seconds to the target, measured and predicted: a row for each method, a panel a link."""
    links = results["links"]
    methods = links[0]["methods"]
    width = max(10.5, 2.9 + 2.2 * len(links))
    with drawing(path, (width, 1.85 + 0.36 * len(methods))) as figure:
        loss = results["target"]["loss"]
        title = f"Seconds until the loss is {loss:{',.0f' if loss >= 1000 else '.4g'}}"
        names = [f"{method['name']}: {_rounds(method['rounds'])}" for method in methods]
        panels = panels_of(figure, len(links), title, results["setting"], names=names)
        for axes, link in zip(panels, links, strict=True):
            _draw_link(axes, link)
        values = [
            method[key]
            for link in links
            for method in link["methods"]
            for key in ("seconds", "predicted")
            if method[key]
        ]
        if values:  # else nobody got there
            for axes in panels:
                axes.set_xlim(min(values) / 1.6, max(values) * 3)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.0, 0.05), ncols=2)


def _rounds(rounds: int | None) -> str:
    return "not reached" if rounds is None else f"{rounds} round{'s' * (rounds != 1)}"


def _draw_link(axes: Axes, link: Results) -> None:
    rows = [(row, method) for row, method in enumerate(link["methods"]) if method["seconds"]]
    axes.set_xscale("log")
    axes.plot(
        [method["seconds"] for _, method in rows],
        [row for row, _ in rows],
        "o",
        color=LAYERS["payload"][1],
        label="measured",
    )
    axes.plot(
        [method["predicted"] for _, method in rows],
        [row for row, _ in rows],
        "|",
        color=LAYERS["tcp"][1],
        markersize=14,
        markeredgewidth=1.6,
        label="predicted",
    )
    for row, method in rows:
        seconds = method["seconds"]
        text = f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:#.2g} s"
        axes.annotate(
            text,
            (max(seconds, method["predicted"]), row),
            (7, 0),
            textcoords="offset points",
            va="center",
            color="#444444",
            fontsize=8.5,
        )
    axes.set_title(link["name"], fontsize=9.5, loc="left", color="#333333")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=99))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(len(link["methods"]) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
