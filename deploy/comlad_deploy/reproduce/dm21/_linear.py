"""The linear phase under the Polyak-Łojasiewicz condition."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, marks
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, experiment, overparameterised
from comlad_deploy.reproduce.dm21._numbers import Line, geometric
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Linear"]

_METHODS = tuple(
    method
    for method in METHODS
    if method.name in ("Byz-DM21", "Byz-VR-DM21", "Byz-EF21-SGDM", "naive SGD")
)
_STEP = 1.0
_STRAIGHT, _FALL = 0.95, 1e-3


class Linear:
    """Least squares with more unknowns than samples, whose least loss is 0, under IPM.

    All devices have the same samples: with parts of their own, single samples of them, their
    gradients are nearly orthogonal, and no rule tells 8 liars of 20 from honest devices.

    Args:
        rounds: T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [self._job(name, seed) for name in self.names for seed in range(self.seeds)]

    @property
    def names(self) -> list[str]:
        return [method.name for method in _METHODS]

    def traces(self, runs: Runs, name: str) -> list[Trace]:
        """By seed."""
        return [runs[self._job(name, seed).place] for seed in range(self.seeds)]

    def phase(self, trace: Trace) -> tuple[Line, float]:
        """The line of log F over t until F is twice its least; and how its second half compares.

        That is the slope of the second half over that of the first: 1 where F falls
        geometrically.
        """
        losses, at = np.array(trace.losses), np.array(marks(self.rounds))
        end = int(np.flatnonzero(losses <= 2 * losses.min())[0]) + 1
        start = end // 10  # the momenta fill first
        if end - start < 6:
            nothing = Line([0, 1, 2], [math.nan] * 3)
            return nothing, math.nan
        x, y = at[start:end].tolist(), np.log(losses[start:end]).tolist()
        middle = len(x) // 2
        halves = [Line(x[part], y[part]).slope for part in (slice(middle), slice(middle, None))]
        return Line(x, y), halves[1] / halves[0]

    def findings(self, runs: Runs) -> Findings:
        phases = {name: [self.phase(t) for t in self.traces(runs, name)] for name in self.names}
        falls = {
            name: [min(t.losses) / t.losses[0] for t in self.traces(runs, name)]
            for name in self.names
        }
        claims = [
            claimed(
                f"linear-{name.lower()}",
                f"{name} has a linear phase under the PŁ condition (read as: log F falls along a "
                f"line, R² above {_STRAIGHT:g}, its second half at least half as steep as its "
                f"first, to {_FALL:g} of F(x_0))",
                self.rounds,
                [
                    Measured("1 − R²", [1 - line.r2 for line, _ in phases[name]], 1 - _STRAIGHT),
                    Measured(
                        "1 − slope of the second half / of the first",
                        [1 - ratio for _, ratio in phases[name]],
                        0.5,
                    ),
                    Measured("least F / F(x_0)", falls[name], _FALL),
                ],
            )
            for name in ("Byz-DM21", "Byz-VR-DM21")
        ]
        rows = [
            [
                name,
                _shown([math.exp(line.slope) for line, _ in phases[name]], 4),
                _shown([line.r2 for line, _ in phases[name]], 3),
                _shown([ratio for _, ratio in phases[name]], 2),
                f"{geometric(falls[name]):.2g}",
            ]
            for name in self.names
        ]
        columns = (
            "method",
            "F falls to, a round",
            "R² of the line",
            "slope of its second half / first",
            "least F / F(x_0)",
        )
        title = (
            "The PŁ instance: least squares with Q = 60 unknowns and 20 samples, which all devices "
            f"have; IPM, γ = {_STEP:g} for all, T = {self.rounds}"
        )
        return Findings(claims, [Sheet(title, columns, rows)])

    def _job(self, name: str, seed: int) -> Job:
        (method,) = (method for method in _METHODS if method.name == name)
        tables = experiment(
            method,
            attack=ATTACKS["IPM"],
            rounds=self.rounds,
            seed=seed,
            step=_STEP,
            problem=overparameterised(),
        )
        return job("linear", method.slug, tables)


def _shown(values: Sequence[float], digits: int) -> str:
    """The mean; a run that never comes down has no phase."""
    mean = float(np.mean(values))
    return f"{mean:.{digits}f}" if math.isfinite(mean) else "–"
