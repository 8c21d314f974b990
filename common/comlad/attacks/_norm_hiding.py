"""Hiding among the norms."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["NormHiding"]

# What "just below" is: more than values lose that travel as float32.
_BELOW = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class NormHiding:
    """−M, as long as a rule lets pass that drops the longest vectors, such as norm-thresholding.

    Such a rule keeps the k = ⌈(1 − β) N⌉ shortest of N vectors (Ghosh et al., arXiv
    1911.09721). Of the honest ones about (N − f)/N times as many as of the pool are
    shorter than a given length, and f liars stay among the k if at most k − f honest ones are:
    the length is just below the m-th smallest norm of the pool, m = ⌊(k − f) N/(N − f)⌋, the
    shortest if k ≤ f. With f = 0 that is the (1 − β) quantile.

    The attacker must know: what honest devices send, exact in LAD up to which tasks are
    theirs; how many lie; and β. Compressors that change norms blur it.

    Args:
        beta: β, the fraction that the rule drops.
        f: How many lie. From [devices] in an experiment file, if not given; else 0.
    """

    beta: float = 0.2
    f: int | None = None

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(0 <= self.beta < 1, "beta", self.beta, "must be a fraction from 0 to below 1")
        require((self.f or 0) >= 0, "f", self.f, "must be at least 0")

    def check(self, devices: int) -> None:
        right = f"must be less than half of {devices} devices"
        require(2 * (self.f or 0) < devices, "f", self.f, right)

    def __call__(self, view: View) -> NDArray[np.float64]:
        n, f = len(view.permutation), self.f or 0
        kept = math.ceil((1 - self.beta) * n)
        rank = max((kept - f) * n // (n - f), 1)
        length = np.sort(view.pool.norms)[rank - 1]
        mean = view.pool.mean
        norm = np.sqrt(mean @ mean)
        return -mean * (_BELOW * length / norm) if norm > 0 else -mean
