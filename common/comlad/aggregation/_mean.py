"""Plain averaging."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.config import require

__all__ = ["Mean"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of all vectors: no defence at all ("vanilla averaging", LAD, Section VII)."""

    def check(self, n: int, f: int) -> None:
        require(n >= 1, "devices", n, "the mean needs at least one vector")

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = vectors.mean(axis=0)
        return mean
