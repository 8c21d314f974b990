"""Vectors that point the wrong way."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["GradientAscent", "SignFlip"]


@dataclass(frozen=True, slots=True)
class SignFlip:
    """An honest vector times a negative factor, before compression (LAD, Section VII).

    factor · g, where g is the own vector in LAD and in Gorbunov et al. (ICLR 2023, there
    −1 and called bit flipping), the mean of all in ByzFL (−1), and one of the honest
    vectors at random in Byz-DM21's released code (−1).

    The attacker must know: its own vector; for "mean" and "random" all that devices
    would send, which in LAD it can compute, up to which tasks are the honest ones'.

    Args:
        factor: What the vector is multiplied by.
        target: Whose vector: "own", "mean", or "random", drawn by each liar for itself.
    """

    factor: float = -2.0
    target: Literal["own", "mean", "random"] = "own"

    def __post_init__(self) -> None:
        require(np.isfinite(self.factor), "factor", self.factor, "must be a finite number")

    @property
    def spies(self) -> bool:
        return self.target != "own"

    def __call__(self, view: View) -> NDArray[np.float64]:
        if self.target == "own":
            return self.factor * view.honest
        if self.target == "mean":
            return self.factor * view.pool.mean
        return self.factor * view.pool.vector(int(view.rng.integers(len(view.permutation))))


@dataclass(frozen=True, slots=True)
class GradientAscent:
    """The own vector reversed, and as large as one likes: −c · own.

    With c = 100 the reversed gradient of DRACO's released code (Chen et al., ICML 2018).

    The attacker must know: its own vector.

    Args:
        factor: c, at least 1.
    """

    factor: float = 1.0

    def __post_init__(self) -> None:
        right = "must be a finite number from 1 up"
        require(1 <= self.factor < np.inf, "factor", self.factor, right)

    def __call__(self, view: View) -> NDArray[np.float64]:
        return -self.factor * view.honest
