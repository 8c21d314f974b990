"""How many rounds it takes to come within ε of a stationary point, as ε falls."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._methods import METHODS, Method, cancer, experiment
from comlad_deploy.reproduce.dm21._numbers import average, fit
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Rates"]

_PARTS = (16, 8, 4, 2, 1)
_DM21, _VR = METHODS[:2]
# Of the abstract: ε^−4 and ε^−3 rounds.
_EXPONENTS = {_DM21.name: -4.0, _VR.name: -3.0}
_TOLERANCE = 0.5
# λ of the non-convex regulariser, and γ of the shortest run. With the stronger one noise is what
# keeps the gradient from 0; with the other it is how far there is to go.
_NOISY, _FAR = "λ = 0.1", "λ = 0.00056"
_REGIMES = {_NOISY: (0.1, 2.0), _FAR: (5.6e-4, 4.0)}


class Rates:
    """ε as the paper's theory means it: the root of the mean of ‖∇F‖² over all rounds.

    For every T the momentum and the step are those under which the orders of the theory
    come out: η ∝ T^{−1/2} and γ ∝ T^{−1/2} for Byz-DM21, η ∝ T^{−2/3} and γ ∝ T^{−1/3} for
    Byz-VR-DM21. Nobody lies and the rule is the mean, on evenly split data: there is no
    neighbourhood to end in.

    Args:
        rounds: The largest T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.horizons = tuple(max(rounds // part, 1) for part in _PARTS)

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(method, regime, rounds, seed)
            for method in (_DM21, _VR)
            for regime in _REGIMES
            for rounds in self.horizons
            for seed in range(self.seeds)
        ]

    def reached(self, runs: Runs, name: str, regime: str = _NOISY) -> list[list[float]]:
        """ε by seed and then by T."""
        method = _DM21 if name == _DM21.name else _VR
        return [
            [
                math.sqrt(average(runs[self._job(method, regime, rounds, seed).place]))
                for rounds in self.horizons
            ]
            for seed in range(self.seeds)
        ]

    def slopes(self, runs: Runs, name: str, regime: str = _NOISY) -> list[float]:
        """Of log T over log ε, by seed."""
        return [fit(epsilons, self.horizons).slope for epsilons in self.reached(runs, name, regime)]

    def findings(self, runs: Runs) -> Findings:
        slopes = {name: self.slopes(runs, name) for name in _EXPONENTS}
        claims = [
            claimed(
                f"rate-{name.lower()}",
                f"{name} reaches ε in about ε^{exponent:g} rounds (read as: log T over log ε has a "
                f"slope within {_TOLERANCE:g} of that where noise decides, {_NOISY}, η and γ "
                "following T as in the theory)",
                self.rounds,
                [
                    Measured(
                        f"distance of the slope from {exponent:g}",
                        [abs(slope - exponent) for slope in slopes[name]],
                        _TOLERANCE,
                        _WHY_STEEPER if name == _VR.name else "",
                    )
                ],
            )
            for name, exponent in _EXPONENTS.items()
        ]
        for regime, where in ((_NOISY, "where noise decides"), (_FAR, "where the way decides")):
            pairs = zip(
                self.slopes(runs, _DM21.name, regime),
                self.slopes(runs, _VR.name, regime),
                strict=True,
            )
            claims.append(
                claimed(
                    f"vr-in-fewer-rounds-{'noise' if regime == _NOISY else 'way'}",
                    f"As ε falls Byz-VR-DM21 needs fewer rounds, {where}, {regime} (read as: its "
                    "slope is less steep)",
                    self.rounds,
                    [
                        Measured(
                            "slope of Byz-DM21 − slope of Byz-VR-DM21",
                            [one - other for one, other in pairs],
                            0.0,
                            "" if regime == _NOISY else _WHY_NOT,
                        )
                    ],
                )
            )
        rows = [
            [
                name,
                regime,
                *(
                    f"{mean:.3g}"
                    for mean in np.array(self.reached(runs, name, regime)).mean(axis=0)
                ),
                _with_error(self.slopes(runs, name, regime)),
                f"{exponent:g}",
            ]
            for regime in _REGIMES
            for name, exponent in _EXPONENTS.items()
        ]
        columns = (
            "method",
            "regulariser",
            *(f"T = {rounds}" for rounds in self.horizons),
            "slope, ± standard error over seeds",
            "theory",
        )
        return Findings(claims, [Sheet("ε reached on average over T rounds", columns, rows)])

    def _job(self, method: Method, regime: str, rounds: int, seed: int) -> Job:
        regularization, start = _REGIMES[regime]
        part = rounds / self.horizons[0]
        if method is _DM21:
            momentum, step = 0.5 * part**-0.5, start * part**-0.5
        else:
            momentum, step = 0.5 * part ** (-2 / 3), start * part ** (-1 / 3)
        tables = experiment(
            method,
            attack=None,
            rounds=rounds,
            seed=seed,
            step=step,
            problem=cancer("iid", regularizer="non-convex", regularization=regularization),
            rule={"kind": "mean"},
            liars=0,
            estimator={"kind": method.estimator["kind"], "momentum": momentum},
        )
        return job("rates", f"{method.slug}-{regularization:g}-{rounds}", tables)


_WHY_STEEPER = (
    "T spans a factor of 16 only, over which the orders of the theory differ by a factor of 1.3 "
    "in ε; the first rounds, in which momenta fill, are part of the mean."
)
_WHY_NOT = (
    "Theory bounds what can happen at worst. Here the mean gradient comes down faster than at "
    "ε^−3, and a smaller step costs what less noise gains."
)


def _with_error(values: Sequence[float]) -> str:
    error = np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{np.mean(values):.2f} ± {error:.2f}"
