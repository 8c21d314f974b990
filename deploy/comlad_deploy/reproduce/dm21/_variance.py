"""The error of the estimators: what variance reduction takes away, and what it leaves."""

from collections.abc import Iterator, Sequence

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce._trace import Trace
from comlad_deploy.reproduce.dm21._methods import ATTACKS, METHODS, Method, cancer, experiment
from comlad_deploy.reproduce.dm21._numbers import error, fit, floor, geometric, over
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Variance"]

_MOMENTA = (0.1, 0.03, 0.01)
_FLOOR = 0.03
_STEP = 0.5
_METHODS = METHODS[:2]
_SPLITS = ("iid", "label")


_NOISE_TOO = (
    "Measured: at this η noise adds about as much again, of which variance reduction takes away "
    "nothing; a smaller η has not settled after so many rounds."
)


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
        yield [self._without_noise(seed) for seed in range(self.seeds)]

    def errors(self, runs: Runs, name: str) -> list[list[float]]:
        """On evenly split data the mean of ‖g_i − ∇f_i‖² at the end, by seed and then by η."""
        by_momentum = [map(error, self._traces(runs, name, "iid", m)) for m in _MOMENTA]
        return [list(errors) for errors in zip(*by_momentum, strict=True)]

    def slopes(self, runs: Runs, name: str) -> list[float]:
        """Of the error's logarithm over that of η, by seed."""
        return [fit(_MOMENTA, errors).slope for errors in self.errors(runs, name)]

    def findings(self, runs: Runs) -> Findings:
        one, other = (method.name for method in _METHODS)
        slopes = {name: self.slopes(runs, name) for name in (one, other)}
        last = [
            over(theirs[-1], ours[-1])
            for ours, theirs in zip(self.errors(runs, one), self.errors(runs, other), strict=True)
        ]
        floors = {
            name: [floor(trace) for trace in self._traces(runs, name, "label", _FLOOR)]
            for name in (one, other)
        }
        whole = [floor(runs[self._without_noise(seed).place]) for seed in range(self.seeds)]
        noise = [over(ours, theirs) for ours, theirs in zip(floors[one], whole, strict=True)]
        apart = [
            over(ours, theirs) for ours, theirs in zip(floors[other], floors[one], strict=True)
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
                "Ours: on heterogeneous data the floor is heterogeneity, which variance reduction "
                f"does not lower (read as: at η = {_FLOOR:g}, a class a device, ‖∇F‖² ends at "
                "most a third higher than with all samples, and under either method within a "
                "third of the other)",
                self.rounds,
                [
                    Measured(f"‖∇F‖² of {one}, b = 1 / all samples", noise, 4 / 3, _NOISE_TOO),
                    Measured(f"‖∇F‖² of {other} / of {one}", apart, 4 / 3),
                    Measured(f"‖∇F‖² of {one} / of {other}", [over(1, x) for x in apart], 4 / 3),
                ],
            ),
        ]
        rows = []
        for name in (one, other):
            means = np.array(self.errors(runs, name)).mean(axis=0)
            slope = f"{np.mean(slopes[name]):.2f}"
            rows.append([name, "error, evenly split", *(f"{m:.2g}" for m in means), slope])
            for split, what in (("iid", "evenly split"), ("label", "a class a device")):
                ends = [
                    geometric([floor(trace) for trace in self._traces(runs, name, split, momentum)])
                    for momentum in _MOMENTA
                ]
                rows.append([name, f"‖∇F‖², {what}", *(f"{end:.2g}" for end in ends), ""])
        shown = [f"{geometric(whole):.2g}" if m == _FLOOR else "" for m in _MOMENTA]
        rows.append([one, "‖∇F‖², a class a device, all samples", *shown, ""])
        columns = ("method", "what", *(f"η = {momentum:g}" for momentum in _MOMENTA), "slope")
        title = (
            "‖g_i − ∇f_i‖² of the estimates, and ‖∇F‖², in the last fifth; ALIE, nothing "
            f"compressed, a warm start, γ = {_STEP:g}, T = {self.rounds}"
        )
        return Findings(claims, [Sheet(title, columns, rows)])

    def _traces(self, runs: Runs, name: str, split: str, momentum: float) -> list[Trace]:
        """By seed."""
        (method,) = (method for method in _METHODS if method.name == name)
        jobs = [self._job(method, split, momentum, seed) for seed in range(self.seeds)]
        return [runs[job.place] for job in jobs]

    def _without_noise(self, seed: int) -> Job:
        return self._job(_METHODS[0], "label", _FLOOR, seed, batch=None)

    def _job(
        self, method: Method, split: str, momentum: float, seed: int, batch: int | None = 1
    ) -> Job:
        tables = experiment(
            method,
            attack=ATTACKS["ALIE"],
            rounds=self.rounds,
            seed=seed,
            step=_STEP,
            problem=cancer(split),
            batch=batch,
            compressor={"kind": "identity"},
            estimator={
                "kind": method.estimator["kind"],
                "momentum": momentum,
                "start": "warm",
            },
        )
        return job("variance", f"{method.slug}-{split}-{momentum:g}-{batch or 'all'}", tables)
