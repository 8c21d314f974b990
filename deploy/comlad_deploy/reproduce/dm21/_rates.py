"""How many rounds it takes to come within ε of a stationary point, as ε falls."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from comlad_deploy.reproduce._pool import Job
from comlad_deploy.reproduce._runs import Runs
from comlad_deploy.reproduce.dm21._methods import Method, cancer, experiment, named
from comlad_deploy.reproduce.dm21._numbers import Line, average, fit, over
from comlad_deploy.reproduce.dm21._study import Findings, Measured, Sheet, claimed, job

__all__ = ["Rates"]

_PARTS = (8, 4, 2, 1)
_DM21, _VR = named("Byz-DM21"), named("Byz-VR-DM21")
# Of the abstract: ε^−4 and ε^−3 rounds.
_EXPONENTS = {_DM21.name: -4.0, _VR.name: -3.0}
_TOLERANCE = 0.5
# λ of the non-convex regulariser, and γ of the shortest run. With the stronger one noise is much
# of what keeps the gradient from 0; with the other it is how far there is to go.
_NOISY, _FAR = "λ = 0.1", "λ = 0.00056"
_REGIMES = {_NOISY: (0.1, 2.0), _FAR: (5.6e-4, 4.0)}


class Rates:
    """ε as the paper's theory means it: the root of the mean of ‖∇F‖² over all rounds.

    For every T the momentum and the step are those under which the orders of the theory
    come out: η ∝ T^{−1/2} and γ ∝ T^{−1/2} for Byz-DM21, η ∝ T^{−2/3} and γ ∝ T^{−1/3} for
    Byz-VR-DM21, both the same at the least T. Nobody lies and the rule is the mean, on evenly
    split data: there is no neighbourhood to end in.

    Args:
        rounds: The largest T.
        seeds: K.
    """

    def __init__(self, rounds: int, seeds: int) -> None:
        self.rounds, self.seeds = rounds, seeds
        self.regimes = tuple(_REGIMES)
        self.horizons = tuple(max(rounds // part, 1) for part in _PARTS)

    def stages(self, runs: Runs) -> Iterator[Sequence[Job]]:
        yield [
            self._job(method, regime, rounds, seed)
            for method in (_DM21, _VR)
            for regime in _REGIMES
            for rounds in self.horizons
            for seed in range(self.seeds)
        ]

    def reached(self, runs: Runs, name: str, regime: str) -> list[list[float]]:
        """ε by seed and then by T."""
        method = named(name)
        return [
            [
                math.sqrt(average(runs[self._job(method, regime, rounds, seed).place]))
                for rounds in self.horizons
            ]
            for seed in range(self.seeds)
        ]

    def lines(self, runs: Runs, name: str, regime: str) -> list[Line]:
        """Log T over log ε, by seed."""
        return [fit(epsilons, self.horizons) for epsilons in self.reached(runs, name, regime)]

    def findings(self, runs: Runs) -> Findings:
        claims = [
            claimed(
                f"rate-{name.lower()}-{_key(regime)}",
                f"{name} reaches ε in about ε^{exponent:g} rounds, {regime} (read as: log T over "
                f"log ε has a slope within {_TOLERANCE:g} of that, η and γ following T as in the "
                "theory)",
                self.rounds,
                [
                    Measured(
                        f"distance of the slope, {_slope(self.lines(runs, name, regime))}",
                        [abs(line.slope - exponent) for line in self.lines(runs, name, regime)],
                        _TOLERANCE,
                        _WHY_NOT,
                    )
                ],
            )
            for regime in _REGIMES
            for name, exponent in _EXPONENTS.items()
        ]
        claims += [self._fewer(runs, regime) for regime in _REGIMES]
        rows = [self._row(runs, name, regime) for regime in _REGIMES for name in _EXPONENTS]
        columns = (
            "method",
            "regulariser",
            *(f"T = {rounds}" for rounds in self.horizons),
            "slope of log T over log ε",
            "by doubling of T",
            "theory",
        )
        title = (
            "ε reached, the root of the mean of ‖∇F‖² over T rounds; nobody lies, the mean, evenly "
            "split data, one sample a round (Byz-VR-DM21 takes two gradients of it). ± is of the "
            "points about the line and over the seeds"
        )
        return Findings(claims, [Sheet(title, columns, rows)])

    def _fewer(self, runs: Runs, regime: str) -> dict[str, Any]:
        """Whether Byz-VR-DM21 has the smaller ε at the largest T, and gains on the way there."""
        one, other = (np.array(self.reached(runs, name, regime)) for name in _EXPONENTS)
        ratios = other / one
        return claimed(
            f"vr-in-fewer-rounds-{_key(regime)}",
            f"Byz-VR-DM21 reaches ε in fewer rounds as ε falls, {regime} (read as: it has the "
            "smaller ε at the largest T, by more than at half of that)",
            self.rounds,
            [
                Measured(
                    f"ε of Byz-VR-DM21 / of Byz-DM21, T = {self.horizons[-1]}",
                    ratios[:, -1].tolist(),
                    reason=_WHY_NOT,
                ),
                Measured(
                    f"that / the same at T = {self.horizons[-2]}",
                    [over(last, before) for last, before in ratios[:, [-1, -2]].tolist()],
                    reason=_WHY_NOT,
                ),
            ],
        )

    def _row(self, runs: Runs, name: str, regime: str) -> list[str]:
        means = np.array(self.reached(runs, name, regime)).mean(axis=0)
        doublings = np.diff(np.log(self.horizons)) / np.diff(np.log(means))
        return [
            name,
            regime,
            *(f"{mean:.3g}" for mean in means),
            _slope(self.lines(runs, name, regime)),
            ", ".join(f"{slope:.1f}" for slope in doublings).replace("-", "−"),
            f"{_EXPONENTS[name]:g}".replace("-", "−"),
        ]

    def _job(self, method: Method, regime: str, rounds: int, seed: int) -> Job:
        regularization, first = _REGIMES[regime]
        part = rounds / self.horizons[0]
        if method is _DM21:
            momentum, step = 0.5 * part**-0.5, first * part**-0.5
        else:
            momentum, step = 0.5 * part ** (-2 / 3), first * part ** (-1 / 3)
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
        return job("rates", f"{method.slug}-{regularization:g}-{rounds}", tables, averaged=True)


_WHY_NOT = (
    "Theory bounds what can happen at worst, in orders of T. Over a factor of 8 in T these differ "
    "by a factor of 1.2 in ε, the constants are not those of a worst case, and the way from x_0 "
    "is part of the mean."
)


def _key(regime: str) -> str:
    return "noise" if regime == _NOISY else "way"


def _slope(lines: Sequence[Line]) -> str:
    """The mean over seeds, with what the points are off the line and what the seeds differ by."""
    slopes = [line.slope for line in lines]
    own = np.mean([line.error**2 for line in lines])
    between = np.var(slopes, ddof=1) / len(slopes) if len(slopes) > 1 else 0.0
    text = f"{np.mean(slopes):.2f} ± {math.sqrt(float(own + between)):.2f}"
    return text.replace("-", "−")
