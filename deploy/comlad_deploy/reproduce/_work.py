"""The runs behind the figures: those that are there, and those that are computed."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from comlad.errors import ComladError, ConfigError
from comlad.experiment import read_experiment
from comlad_deploy.files import write_text
from comlad_deploy.reproduce._figure import Curve, LossFigure
from comlad_deploy.reproduce._networked import NETWORKED_ROUNDS, networked_point
from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace

__all__ = ["Work"]

logger = logging.getLogger(__name__)


class Work:
    """All runs of some figures.

    Args:
        figures: Which.
        rounds: T.
        seeds: K.
        out: Has experiments/ and networked/.
        runs: Finds and computes them.

    Raises:
        ConfigError: One of the experiments cannot be.
    """

    def __init__(
        self, figures: Sequence[LossFigure], rounds: int, seeds: int, out: Path, runs: Runs
    ) -> None:
        self.runs = runs
        self._figures, self._rounds, self._seeds, self._out = figures, rounds, seeds, out
        for figure in figures:
            for curve in figure.curves:
                read_experiment(figure.experiment(curve, 0, rounds))

    def run(self) -> None:
        """Compute what is missing."""
        jobs = [
            self._job(figure, curve, seed)
            for figure in self._figures
            for curve in figure.curves
            for seed in range(self._seeds)
        ]
        self.runs.obtain(jobs)

    def traces(self, figure: LossFigure) -> dict[str, list[Trace]]:
        """What came of a figure's curves, by name and then by seed."""
        return {
            curve.name: [self.runs[_place(figure, curve, seed)] for seed in range(self._seeds)]
            for curve in figure.curves
        }

    def networked(self, figure: LossFigure) -> dict[str, Any]:
        """What figN.json says of the figure's point that is repeated with real processes."""
        try:
            point = networked_point(figure, self._out / "networked" / figure.key)
        except ConfigError:  # not of these processes: nothing else would work either
            raise
        except ComladError as error:
            logger.warning("%s with real processes: %s", figure.key, error)
            return {
                "curve": figure.networked,
                "seed": 0,
                "rounds": NETWORKED_ROUNDS,
                "equal": False,
                "failed": str(error),
            }
        if not point["equal"]:
            logger.warning("%s: real processes gave another model", figure.key)
        return point

    def write_experiments(self) -> None:
        """An experiment file for each curve, for whoever wants to run one."""
        for figure in self._figures:
            for curve in figure.curves:
                tables = figure.experiment(curve, 0, self._rounds)
                text = (
                    f"# {curve.name}, of Figure {figure.key.removeprefix('fig')}, seed 0. "
                    "comlad run --engine inprocess --set seed=1 has the next.\n\n"
                )
                path = self._out / "experiments" / figure.key / f"{curve.slug}.toml"
                write_text(path, text + tomli_w.dumps(tables))

    def _job(self, figure: LossFigure, curve: Curve, seed: int) -> Job:
        return Job(
            name=f"{figure.key} {curve.name}, seed {seed}",
            place=_place(figure, curve, seed),
            tables=figure.experiment(curve, seed, self._rounds),
            cost=curve.cost,
        )


def _place(figure: LossFigure, curve: Curve, seed: int) -> str:
    return f"{figure.key}/{curve.slug}/seed-{seed}"
