"""The error of the estimators: what variance reduction takes away, and what it leaves."""

from collections.abc import Iterator, Sequence

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, Method, cancer, experiment
from comlad_deploy.reproduce.dm21._numbers import Line, fit, floor
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Variance"]

_MOMENTA = (0.3, 0.1, 0.03, 0.01)
_STEP = 0.5
_METHODS = METHODS[:2]
_SPLITS = ("iid", "label")


class Variance:
    """The same step with ever smaller η, and vectors that are sent whole: no compression error.

    At a smaller η less noise of the samples gets through, about η times σ², but a momentum
    without variance reduction lags behind by about 1/η rounds.

    Args:
        rounds: T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.momenta = _MOMENTA

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(method, split, momentum, seed)
            for method in _METHODS
            for split in _SPLITS
            for momentum in _MOMENTA
            for seed in range(self.seeds)
        ]

    def errors(self, runs: Runs, name: str) -> list[list[float]]:
        """On evenly split data the mean of ‖g_i − ∇f_i‖² at the end, by seed and then by η."""
        by_momentum = [map(error, self._traces(runs, name, "iid", m)) for m in _MOMENTA]
        return [list(errors) for errors in zip(*by_momentum, strict=True)]

    def slopes(self, runs: Runs, name: str) -> list[Line]:
        """Of the error's logarithm over that of η, by seed."""
        return [fit(_MOMENTA, errors) for errors in self.errors(runs, name)]

    def findings(self, runs: Runs) -> Findings:
        one, other = (method.name for method in _METHODS)
        slopes = {name: [line.slope for line in self.slopes(runs, name)] for name in (one, other)}
        last = [
            theirs[-1] / ours[-1]
            for ours, theirs in zip(self.errors(runs, one), self.errors(runs, other), strict=True)
        ]
        claims = [
            claimed(
                "variance-falls-with-momentum",
                f"On evenly split data the error of {other}'s estimates falls in proportion to η "
                "(read as: a slope of log error over log η above 0.7)",
                self.rounds,
                [Measured("1 − slope", [1 - slope for slope in slopes[other]], 0.3)],
            ),
            claimed(
                "variance-reduction-pays-at-small-momentum",
                f"At the smallest η, {_MOMENTA[-1]:g}, {other}'s error is below {one}'s, which "
                "lags behind the model",
                self.rounds,
                [Measured(f"error of {other} / of {one}", last)],
            ),
            claimed(
                "heterogeneity-is-the-floor",
                "On heterogeneous data variance reduction does not lower the floor (read as: at "
                f"every η ‖∇F‖² of {other} ends within a third of {one}'s; a class a device, ALIE)",
                self.rounds,
                [
                    Measured(
                        f"distance of the ratio from 1, η = {momentum:g}",
                        [
                            abs(floor(ours) / floor(theirs) - 1)
                            for ours, theirs in zip(
                                self._traces(runs, other, "label", momentum),
                                self._traces(runs, one, "label", momentum),
                                strict=True,
                            )
                        ],
                        1 / 3,
                    )
                    for momentum in _MOMENTA
                ],
            ),
        ]
        rows = []
        for name in (one, other):
            means = np.array(self.errors(runs, name)).mean(axis=0)
            slope = f"{np.mean(slopes[name]):.2f}"
            rows.append([name, "error, evenly split", *(f"{m:.2g}" for m in means), slope])
            floors = [
                np.mean([floor(trace) for trace in self._traces(runs, name, "label", momentum)])
                for momentum in _MOMENTA
            ]
            what = "‖∇F‖² at the end, a class a device"
            rows.append([name, what, *(f"{f:.2g}" for f in floors), ""])
        columns = ("method", "what", *(f"η = {momentum:g}" for momentum in _MOMENTA), "slope")
        title = f"Errors of estimates, ALIE, nothing compressed, γ = {_STEP:g}, T = {self.rounds}"
        return Findings(claims, [Sheet(title, columns, rows)])

    def _traces(self, runs: Runs, name: str, split: str, momentum: float) -> list[Trace]:
        """By seed."""
        (method,) = (method for method in _METHODS if method.name == name)
        jobs = [self._job(method, split, momentum, seed) for seed in range(self.seeds)]
        return [runs[job.place] for job in jobs]

    def _job(self, method: Method, split: str, momentum: float, seed: int) -> Job:
        tables = experiment(
            method,
            attack=ATTACKS["ALIE"],
            rounds=self.rounds,
            seed=seed,
            step=_STEP,
            problem=cancer(split),
            compressor={"kind": "identity"},
            estimator={
                "kind": method.estimator["kind"],
                "momentum": momentum,
                "start": "warm",
            },
        )
        return job("variance", f"{method.slug}-{split}-{momentum:g}", tables)


def error(trace: Trace) -> float:
    """The mean of ‖g_i − ∇f_i‖² over the honest devices, in the last fifth."""
    errors = np.array(trace.errors)
    return float(errors[-max(1, len(errors) // 5) :].mean())
