"""The linear phase under the Polyak-Łojasiewicz condition."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace, marks
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, experiment, overparameterised
from comlad_deploy.reproduce.dm21._numbers import Line
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Linear"]

_METHODS = tuple(
    method
    for method in METHODS
    if method.name in ("Byz-DM21", "Byz-VR-DM21", "Byz-EF21-SGDM", "naive top-k SGD")
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
        """The line of log F over t until F is twice its least; and what that is, over F(x_0)."""
        losses = np.array(trace.losses)
        least = float(losses.min())
        end = int(np.flatnonzero(losses <= 2 * least)[0]) + 1
        start = max(1, end // 10)  # the momenta fill first
        at = np.array(marks(self.rounds))[start:end]
        if len(at) < 3:
            return Line([0, 1, 2], [math.nan] * 3), least / float(losses[0])
        return Line(at.tolist(), np.log(losses[start:end]).tolist()), least / float(losses[0])

    def findings(self, runs: Runs) -> Findings:
        phases = {name: [self.phase(t) for t in self.traces(runs, name)] for name in self.names}
        claims = [
            claimed(
                f"linear-{name.lower()}",
                f"{name} has a linear phase under the PŁ condition (read as: a straight line of "
                f"log F over t, R² above {_STRAIGHT:g}, down to {_FALL:g} of F(x_0) at least; IPM)",
                self.rounds,
                [
                    Measured(
                        f"1 − R² of {name}",
                        [1 - line.r2 for line, _ in phases[name]],
                        1 - _STRAIGHT,
                    ),
                    Measured("least F / F(x_0)", [fall for _, fall in phases[name]], _FALL),
                ],
            )
            for name in ("Byz-DM21", "Byz-VR-DM21")
        ]
        rows = [
            [
                name,
                _shown([math.exp(line.slope) for line, _ in phases[name]], 5),
                _shown([line.r2 for line, _ in phases[name]], 4),
                f"{np.mean([fall for _, fall in phases[name]]):.2g}",
            ]
            for name in self.names
        ]
        columns = ("method", "F falls to, a round", "R² of the line", "least F / F(x_0)")
        title = (
            f"Least squares with more unknowns than samples, IPM, γ = {_STEP:g}, T = {self.rounds}"
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
