"""What the report's figures have in common: a title, what was run, and panels."""

from collections.abc import Sequence
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["panels_of"]


def panels_of(
    figure: Figure, count: int, title: str, setting: str, names: Sequence[str] = ()
) -> Sequence[Axes]:
    """Panels below a title, sharing both axes; with names, a row for each of these."""
    width, height = figure.get_size_inches()
    figure.text(0.005, 0.995, title, va="top", fontsize=12.5, fontweight="bold", color="#222222")
    text = fill(setting, int(14.5 * width), break_on_hyphens=False)
    figure.text(
        0.005,
        0.995 - 0.29 / height,
        text,
        va="top",
        fontsize=8.5,
        color="#555555",
        linespacing=1.35,
    )
    top = 1 - (0.62 + 0.16 * (text.count("\n") + 1)) / height
    panels: Sequence[Axes] = figure.subplots(1, count, sharey=True, squeeze=False)[0]
    if names:
        figure.subplots_adjust(
            left=(0.3 + 0.068 * max(map(len, names))) / width,
            right=0.97,
            top=top,
            bottom=0.8 / height,
            wspace=0.1,
        )
        panels[0].set_yticks(range(len(names)), names)
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        for axes in panels:
            axes.tick_params(axis="y", length=0)
    else:
        figure.subplots_adjust(left=0.08, right=0.72, top=top, bottom=0.11)
    return panels
