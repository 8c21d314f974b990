"""`comlad reproduce`: the LAD paper's figures, with each of its claims judged."""

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from comlad.config import require, unknown
from comlad.errors import ConfigError
from comlad_deploy.files import to_csv, write_text
from comlad_deploy.reproduce._fig4 import fig4
from comlad_deploy.reproduce._fig5 import fig5
from comlad_deploy.reproduce._fig6 import fig6
from comlad_deploy.reproduce._figure import LossFigure
from comlad_deploy.reproduce._page import page, read_results, summary
from comlad_deploy.reproduce._results import (
    loss_results,
    loss_rows,
    losses_of,
    theory_results,
)
from comlad_deploy.reproduce._theory import TheoryFigure, fig2, fig3, rows
from comlad_deploy.reproduce._work import Work
from comlad_server.results import versions

__all__ = ["FIGURES", "Options", "reproduce"]

_THEORY: Mapping[str, Callable[[], TheoryFigure]] = {"fig2": fig2, "fig3": fig3}
_RUN: Mapping[str, Callable[[bool], LossFigure]] = {
    "fig4": lambda extras: fig4(),
    "fig5": lambda extras: fig5(),
    "fig6": fig6,
}
FIGURES = (*_THEORY, *_RUN)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for.

    Args:
        figures: Names of FIGURES, or "all".
        rounds: T of every curve.
        seeds: K; the seeds are 0..K−1.
        out: Where all is written, and found again.
        workers: How many runs go on at a time; as many as there are cores if not given.
        extras: Also curves that the paper does not have.
        as_json: Print the figures' JSON and nothing else.
    """

    figures: Sequence[str]
    rounds: int = 5000
    seeds: int = 5
    out: Path = Path("out/reproduction")
    workers: int | None = None
    extras: bool = False
    as_json: bool = False

    def check(self) -> None:
        """Raise ConfigError for an option that cannot be."""
        for name in self.figures:
            if name not in (*FIGURES, "all"):
                raise unknown("figure", name, [*FIGURES, "all"])
        right = f"must be from 1 to {2**32 - 1}"
        require(1 <= self.rounds < 2**32, "--rounds", self.rounds, right)
        require(1 <= self.seeds <= 1000, "--seeds", self.seeds, "must be from 1 to 1000")
        if self.workers is not None:
            require(self.workers >= 1, "--workers", self.workers, "must be at least 1")
        if find_spec("matplotlib") is None:
            raise ConfigError(
                "the figures need matplotlib, not installed here; pip install 'comlad[lab]'"
            )

    @property
    def wanted(self) -> list[str]:
        """The figures, in their order."""
        return [name for name in FIGURES if name in self.figures or "all" in self.figures]

    @property
    def command(self) -> str:
        """What to type for the same results."""
        words = ["comlad", "reproduce", *self.figures]
        words += ["--rounds", str(self.rounds), "--seeds", str(self.seeds)]
        return shlex.join(words + ["--extras"] * self.extras)


def reproduce(options: Options) -> None:
    """Compute what is missing, write the figures, and print what holds.

    Raises:
        ConfigError: An option cannot be, a package is missing, or `out` cannot be written to.
        ComladError: A worker process is gone.
    """
    started = time.monotonic()
    options.check()
    figures = [make(options.extras) for key, make in _RUN.items() if key in options.wanted]
    work = Work(figures, options.rounds, options.seeds, options.out, options.workers)
    work.write_experiments()
    networked = {figure.key: work.networked(figure) for figure in figures}
    work.run(hidden=options.as_json)
    run = {
        "command": options.command,
        "workers": work.workers,
        "computed": work.computed,
        "found": work.found,
        "wall_seconds": time.monotonic() - started,
    }
    results = {}
    for key, make in _THEORY.items():
        if key in options.wanted:
            results[key] = _theory_files(make(), options.out, run)
    for figure in figures:
        results[figure.key] = _loss_files(figure, work, options, networked[figure.key], run)
    write_text(options.out / "reproduction.md", page(read_results(options.out, FIGURES)))
    if options.as_json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(summary(result) for result in results.values()))
        print(f"\n{options.out / 'reproduction.md'}")


def _theory_files(figure: TheoryFigure, out: Path, run: Mapping[str, Any]) -> dict[str, Any]:
    from comlad_deploy.reproduce._draw import draw_theory

    write_text(out / f"{figure.key}.csv", to_csv(rows(figure)))
    draw_theory(out / f"{figure.key}.png", figure)
    return _finish(theory_results(figure), out, run)


def _loss_files(
    figure: LossFigure, work: Work, options: Options, networked: Any, run: Mapping[str, Any]
) -> dict[str, Any]:
    from comlad_deploy.reproduce._draw import draw_losses

    traces, out = work.traces(figure), options.out
    losses = losses_of(traces, options.rounds)
    results = loss_results(figure, traces, options.rounds) | {"networked": networked}
    write_text(out / f"{figure.key}.csv", to_csv(loss_rows(figure, losses)))
    draw_losses(
        out / f"{figure.key}.png",
        figure,
        losses,
        title=results["title"],
        subtitle=f"{figure.setting}\n{_legend(figure, options.seeds)}",
    )
    return _finish(results, out, run)


def _legend(figure: LossFigure, seeds: int) -> str:
    """What a figure's lines, bands and dots are."""
    text = "One draw of the data."
    if seeds > 1:
        text = f"Lines are means over {seeds} draws of the data, bands their range, dots the draws."
    return text if all(curve.paper for curve in figure.curves) else f"{text} † not in the paper."


def _finish(results: dict[str, Any], out: Path, run: Mapping[str, Any]) -> dict[str, Any]:
    """Write figN.json last: who finds it finds the rest."""
    results |= {"run": run, "versions": {**versions(), "numpy": np.__version__}}
    write_text(out / f"{results['figure']}.json", json.dumps(results, indent=2) + "\n")
    return results
