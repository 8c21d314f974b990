"""Attacks that are tried out against the server's rule before they are sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from comlad.aggregation import Aggregation, Context
from comlad.attacks._protocol import View
from comlad.config import at, require

__all__ = ["OptimalALittleIsEnough", "OptimalInnerProductManipulation", "maximise"]

# The line search of ByzFL.
_FIRST_STEP, _CONTRACTION = 10.0, 0.8


@dataclass(frozen=True, slots=True)
class OptimalALittleIsEnough:
    """ALIE with the factor that hurts the server's rule most: M + τ σ.

    The ByzFL library's Opt-ALIE (after Allouah et al., AISTATS 2023): τ ≥ 0 maximises
    ‖A(honest vectors and f copies) − M‖, by `maximise`. n − f vectors of the pool stand for
    the honest ones: those of tasks ⌊k n/f⌋, k = 0..f−1, are left out. A rule with
    memory is tried as in its first round, one that draws with draws known to all liars.

    The attacker must know: what honest devices send, exact in LAD up to which tasks are
    theirs; how many lie; and the server's rule, with the f that it assumes.

    Args:
        aggregator: The server's rule, a table as [aggregator]. From there if not given in an
            experiment file.
        f: How many lie. From [devices] in an experiment file, if not given.
        tolerate: The f that the rule assumes; likewise. As many as lie if nobody says.
        direction: "plus" for M + τ σ, "minus" for M − τ σ.
        evaluations: How often the rule is tried.
    """

    aggregator: Aggregation
    f: int
    tolerate: int | None = None
    direction: Literal["minus", "plus"] = "plus"
    evaluations: int = 20

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self.f, self.tolerate, self.evaluations)

    def check(self, devices: int) -> None:
        _check_rule(self, devices)

    def __call__(self, view: View) -> NDArray[np.float64]:
        sign = 1 if self.direction == "plus" else -1
        along = sign * view.pool.deviation
        return view.pool.once(self, lambda: _worst(self, view, along))


@dataclass(frozen=True, slots=True)
class OptimalInnerProductManipulation:
    """IPM with the factor that hurts the server's rule most: −τ M.

    The ByzFL library's Opt-IPM (after Allouah et al., AISTATS 2023): as opt-alie, with
    copies of −τ M, τ ≥ 0.

    The attacker must know: what honest devices send, exact in LAD up to which tasks are
    theirs; how many lie; and the server's rule, with the f that it assumes.

    Args:
        aggregator: The server's rule, a table as [aggregator]. From there if not given in an
            experiment file.
        f: How many lie. From [devices] in an experiment file, if not given.
        tolerate: The f that the rule assumes; likewise. As many as lie if nobody says.
        evaluations: How often the rule is tried.
    """

    aggregator: Aggregation
    f: int
    tolerate: int | None = None
    evaluations: int = 20

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check(self.f, self.tolerate, self.evaluations)

    def check(self, devices: int) -> None:
        _check_rule(self, devices)

    def __call__(self, view: View) -> NDArray[np.float64]:
        return view.pool.once(self, lambda: _worst(self, view, None))


def maximise(function: Callable[[float], float], evaluations: int) -> float:
    """Where a function on the numbers from 0 up is greatest, as far as ByzFL's search can tell.

    It starts at 0 and walks on by 10, 20, 40, … as long as that is better; then it tries
    one step on from the best point so far, each step 0.8 of the one before.
    """
    best, step, growing = 0.0, _FIRST_STEP, True
    value = function(best)
    for _ in range(evaluations - 1):
        tried = function(best + step)
        if better := tried > value:
            best, value = best + step, tried
        growing = growing and better
        step *= 2 if growing else _CONTRACTION
    return best


def _check(f: int, tolerate: int | None, evaluations: int) -> None:
    require(f >= 0, "f", f, "must be at least 0")
    require((tolerate or 0) >= 0, "tolerate", tolerate, "must be at least 0")
    require(evaluations >= 1, "evaluations", evaluations, "must be at least 1")


def _check_rule(
    attack: "OptimalALittleIsEnough | OptimalInnerProductManipulation", devices: int
) -> None:
    require(2 * attack.f < devices, "f", attack.f, f"must be less than half of {devices} devices")
    with at("aggregator"):
        attack.aggregator.check_run(devices, _tolerated(attack))


def _tolerated(attack: "OptimalALittleIsEnough | OptimalInnerProductManipulation") -> int:
    return attack.f if attack.tolerate is None else attack.tolerate


def _worst(
    attack: OptimalALittleIsEnough | OptimalInnerProductManipulation,
    view: View,
    along: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """M + τ along, or −τ M, with the τ that moves the rule farthest from M."""
    pool, f = view.pool, attack.f
    n = len(pool.vectors)
    honest = n - f
    rows = np.empty_like(pool.vectors)
    rows[:honest] = np.delete(pool.vectors, [k * n // f for k in range(f)], axis=0)

    def crafted(factor: float) -> NDArray[np.float64]:
        return -factor * pool.mean if along is None else pool.mean + factor * along

    def harm(factor: float) -> float:
        rows[honest:] = crafted(factor)
        context = Context(
            f=_tolerated(attack),
            rng=Generator(Philox(view.round)),
            devices=tuple(range(n)),
        )
        error = attack.aggregator(rows, context) - pool.mean
        return float(error @ error)

    return crafted(maximise(harm, attack.evaluations))
