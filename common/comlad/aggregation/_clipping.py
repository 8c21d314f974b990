"""Clipping to a fixed norm."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._distances import norms
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["Clipping", "clip"]


@dataclass(frozen=True, slots=True)
class Clipping:
    """Vectors longer than a limit are shortened to it (Pascanu et al., ICML 2013, Algorithm 1).

    x · min(1, limit/‖x‖₂). It keeps liars from being seen by their length and bounds
    what they can do; no κ holds for all vectors, as honest ones may be shortened too.

    Args:
        limit: The greatest norm that is left as it is.
    """

    limit: float

    def __post_init__(self) -> None:
        right = "must be above 0 and finite"
        require(0 < self.limit < math.inf, "limit", self.limit, right)

    def check(self, n: int, f: int) -> None:
        require(n >= 1, "devices", n, "clipping needs at least one vector")

    def gives(self, n: int, f: int) -> tuple[int, int]:
        return n, f

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        return clip(vectors, norms(vectors), self.limit)


def clip(
    vectors: NDArray[np.float64], lengths: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """The vectors, those longer than the limit shortened to it; of infinite length: to 0."""
    factors = np.ones(len(vectors))
    long = lengths > limit
    factors[long] = limit / lengths[long]
    return vectors * factors[:, None]
