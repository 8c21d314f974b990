"""A rule and an attack that comlad does not have."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation import Context
from comlad.attacks import View
from comlad.config import require


@dataclass(frozen=True)
class Middle:
    """The coordinate-wise median, from another package."""

    def check(self, n: int, f: int) -> None:
        require(2 * f < n, "tolerate", f, f"must be less than half of {n}")

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        return np.median(vectors, axis=0)


@dataclass(frozen=True)
class Shout:
    """The honest vector, much louder and the wrong way round.

    Args:
        volume: How much louder.
    """

    volume: float = 100.0

    def __call__(self, view: View) -> NDArray[np.float64]:
        return -self.volume * view.honest
