"""`comlad reproduce`: two papers' figures, with each of their claims judged."""

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
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._theory import TheoryFigure, fig2, fig3, rows
from comlad_deploy.reproduce._work import Work
from comlad_deploy.reproduce.dm21 import Scope, dm21
from comlad_server.results import versions

__all__ = ["FIGURES", "Options", "reproduce"]

_THEORY: Mapping[str, Callable[[], TheoryFigure]] = {"fig2": fig2, "fig3": fig3}
_RUN: Mapping[str, Callable[[bool], LossFigure]] = {
    "fig4": lambda extras: fig4(),
    "fig5": lambda extras: fig5(),
    "fig6": fig6,
}
_DM21 = "dm21"
FIGURES = (*_THEORY, *_RUN, _DM21)
# T and K where they are not given: of the LAD paper's figures, and of dm21.
_ROUNDS, _SEEDS = 5000, 5
_DM21_ROUNDS, _DM21_SEEDS = 800, 3
_FULL_ROUNDS, _FULL_SEEDS = 5000, 5


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for.

    Args:
        figures: Names of FIGURES, or "all".
        rounds: T of every curve; if not given 5000, and 800 for dm21 unless it is full.
        seeds: K; the seeds are 0..K−1; if not given 5, and 3 for dm21 unless it is full.
        out: Where all is written, and found again.
        workers: How many runs go on at a time; as many as there are cores if not given.
        extras: Also curves that the paper does not have.
        full: The whole grid of dm21.
        as_json: Print the figures' JSON and nothing else.
    """

    figures: Sequence[str]
    rounds: int | None = None
    seeds: int | None = None
    out: Path = Path("out/reproduction")
    workers: int | None = None
    extras: bool = False
    full: bool = False
    as_json: bool = False

    def check(self) -> None:
        """Raise ConfigError for an option that cannot be."""
        for name in self.figures:
            if name not in (*FIGURES, "all"):
                raise unknown("figure", name, [*FIGURES, "all"])
        if self.rounds is not None:
            right = f"must be from 1 to {2**32 - 1}"
            require(1 <= self.rounds < 2**32, "--rounds", self.rounds, right)
        if self.seeds is not None:
            require(1 <= self.seeds <= 1000, "--seeds", self.seeds, "must be from 1 to 1000")
        if _DM21 in self.wanted:
            rounds = self.scope.rounds
            require(rounds >= 16, "--rounds", rounds, "must be at least 16 for dm21")
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
        for option, value in (("--rounds", self.rounds), ("--seeds", self.seeds)):
            words += [] if value is None else [option, str(value)]
        return shlex.join(words + ["--extras"] * self.extras + ["--full"] * self.full)

    @property
    def scope(self) -> Scope:
        """How much of dm21 is asked for."""
        rounds, seeds = (_FULL_ROUNDS, _FULL_SEEDS) if self.full else (_DM21_ROUNDS, _DM21_SEEDS)
        return Scope(self.rounds or rounds, self.seeds or seeds, self.full)


def reproduce(options: Options) -> None:
    """Compute what is missing, write the figures, and print what holds.

    Raises:
        ConfigError: An option cannot be, a package is missing, or `out` cannot be written to.
        ComladError: A worker process is gone.
    """
    started = time.monotonic()
    options.check()
    figures = [make(options.extras) for key, make in _RUN.items() if key in options.wanted]
    rounds, seeds = options.rounds or _ROUNDS, options.seeds or _SEEDS
    runs = Runs(options.out / "curves", options.workers, options.as_json)
    work = Work(figures, rounds, seeds, options.out, runs)
    work.write_experiments()
    networked = {figure.key: work.networked(figure) for figure in figures}
    work.run()

    def run() -> dict[str, Any]:
        return {
            "command": options.command,
            "workers": runs.workers,
            "computed": runs.computed,
            "found": runs.found,
            "wall_seconds": time.monotonic() - started,
        }

    results = {}
    for key, make in _THEORY.items():
        if key in options.wanted:
            results[key] = _theory_files(make(), options.out, run())
    for figure in figures:
        found = _loss_files(figure, work, rounds, options.out)
        found |= {"networked": networked[figure.key]}
        results[figure.key] = _finish(found, options.out, run())
    if _DM21 in options.wanted:
        results[_DM21] = _finish(dm21(options.scope, runs, options.out), options.out, run())
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


def _loss_files(figure: LossFigure, work: Work, rounds: int, out: Path) -> dict[str, Any]:
    from comlad_deploy.reproduce._draw import draw_losses

    traces = work.traces(figure)
    losses = losses_of(traces, rounds)
    results = loss_results(figure, traces, rounds)
    write_text(out / f"{figure.key}.csv", to_csv(loss_rows(figure, losses)))
    draw_losses(
        out / f"{figure.key}.png",
        figure,
        losses,
        title=results["title"],
        subtitle=f"{figure.setting}\n{_legend(figure, results['seeds'])}",
    )
    return results


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
