"""Gradient descent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.config import require

__all__ = ["Sgd"]


@dataclass(frozen=True, slots=True)
class Sgd:
    """x_{t+1} = x_t − γ_t g_t with γ_t = γ / (1 + decay · t) (LAD, eq. 7).

    Args:
        learning_rate: γ. The aggregate estimates ∇F/N, not ∇F.
        decay: How fast γ_t falls; 0 keeps it constant.
    """

    learning_rate: float
    decay: float = 0.0

    def __post_init__(self) -> None:
        rate, decay = self.learning_rate, self.decay
        require(0 < rate < np.inf, "learning_rate", rate, "must be a positive number")
        require(0 <= decay < np.inf, "decay", decay, "must be a number from 0 up")

    def __call__(
        self, model: NDArray[np.float64], aggregate: NDArray[np.float64], round: int
    ) -> NDArray[np.float64]:
        step = self.learning_rate / (1 + self.decay * round) * aggregate
        return np.subtract(model, step, out=step)
