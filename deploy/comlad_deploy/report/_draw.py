"""The report's figure. Needs matplotlib, which is part of the extra `lab`."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from comlad_deploy.figures import COLOURS, drawing
from comlad_deploy.report._panels import draw_bars, draw_curves, draw_faults, refused
from comlad_deploy.report._results import Run

__all__ = ["draw_run"]

Results = Mapping[str, Any]

_LOSS, _ACCURACY = COLOURS[3], COLOURS[2]
# Inches.
_WIDTH, _CURVE, _GAP, _HEAD, _FOOT = 10.5, 1.55, 0.82, 0.62, 0.5


def draw_run(path: Path, run: Run, results: Results) -> None:
    """Progress over rounds and bytes, bytes by device and layer, and who failed when, as a PNG.

    Args:
        path: Where it is written.
        run: What the figure is of.
        results: The report on it.
    """
    losses = [math.nan if loss is None else loss for loss in run.trace.losses]
    curves = [("training loss", losses, _LOSS)]
    if run.trace.accuracies:
        curves.append(("accuracy on held-out samples", [*run.trace.accuracies], _ACCURACY))
    rows = min(max(0.21 * run.count, 0.9), 6.0)
    faulty = any(record["missing"] or refused(record) for record in run.records)
    heights = [_CURVE] * len(curves) + [rows, rows if faulty else 0.3]
    gaps = [0.16] * (len(curves) - 1) + [_GAP, _GAP if faulty else 0.3]
    height = _HEAD + sum(heights) + sum(gaps) + _FOOT
    with drawing(path, (_WIDTH, height)) as figure:
        _head(figure, height, results)
        tops = [_HEAD + sum(heights[:i]) + sum(gaps[:i]) for i in range(len(heights))]
        pairs = [
            _pair(figure, height, top, tall) for top, tall in zip(tops[:-1], heights, strict=False)
        ]
        draw_curves(pairs[: len(curves)], run, curves)
        draw_bars(pairs[-1], results)
        axes = figure.add_axes(_box(height, tops[-1], heights[-1], 0.075, 0.985))
        if faulty:
            draw_faults(axes, run, results)
        else:
            axes.set_axis_off()
            text = "Every device answered in every round, and every answer counted."
            axes.text(0, 0, text, color="#555555", transform=axes.transAxes)


def _head(figure: Figure, height: float, results: Results) -> None:
    title = f"{results['name']}: {len(results['by_device'])} devices"
    if "byzantine" in results:  # else it is drawn anew in every round
        title += f", {len(results['byzantine']) or 'none'} of them lying"
    over = f"engine {results['engine']}"
    if "transport" in results:
        over += f", {results['transport']}"
    setting = f"{results['rounds']} rounds in {results['wall_seconds']:.1f} s; {over}"
    if "replay" in results:
        verdict = "the same model" if results["replay"]["equal"] else "ANOTHER model"
        setting += f"; in one process, without a network: {verdict}"
    figure.text(0.005, 0.998, title, va="top", fontsize=12.5, fontweight="bold", color="#222222")
    figure.text(0.005, 0.998 - 0.29 / height, setting, va="top", fontsize=8.5, color="#555555")


def _box(
    height: float, top: float, tall: float, left: float, right: float
) -> tuple[float, float, float, float]:
    """Axes so many inches from the top and so tall; left and right as parts of the width."""
    return left, 1 - (top + tall) / height, right - left, tall / height


def _pair(figure: Figure, height: float, top: float, tall: float) -> tuple[Axes, Axes]:
    left = figure.add_axes(_box(height, top, tall, 0.075, 0.515))
    right = figure.add_axes(_box(height, top, tall, 0.545, 0.985), sharey=left)
    right.tick_params(which="both", labelleft=False, left=False)
    return left, right
