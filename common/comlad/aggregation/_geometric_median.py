"""The geometric median."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._distances import norms
from comlad.aggregation._geometry import (
    central,
    products,
    reachable,
    squared_from,
    squared_from_mean,
)
from comlad.aggregation._median import middle
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["GeometricMedian"]

# So many steps, or as many as it takes the weights to settle, count as exact: mostly some
# dozens. Each costs no more than a product with the n×n matrix.
_EXACT = 1000
# Weights that change less than this, relatively, are as good as settled.
_SETTLED = 1e-12


@dataclass(frozen=True, slots=True)
class GeometricMedian:
    """The point whose distances to all vectors have the least sum (RFA, Pillutla et al., 2022).

    By the smoothed Weiszfeld algorithm (IEEE Transactions on Signal Processing 70,
    "Robust Aggregation for Federated Learning", Algorithm 2): z ← Σ α_i x_i / Σ α_i with
    α_i = 1 / max(ν, ‖z − x_i‖), until no weight changes by more than 1e-12 of itself or
    `iterations` times. ByzFL does 3 iterations from zero with ν = 0.1.

    Needs n > 2f. A vector whose square is out of the finite numbers has weight 0.

    Args:
        iterations: The most steps that are made.
        smoothing: ν; if it is not given, 1e-6 of the radius of the smallest ball about a
            vector that holds more than half of them.
        start: The coordinate-wise median, or zero as in ByzFL, where vectors that are zero
            can hold back many of the first steps.
    """

    iterations: int = _EXACT
    smoothing: float | None = None
    start: Literal["median", "zero"] = "median"

    def __post_init__(self) -> None:
        require(self.iterations >= 1, "iterations", self.iterations, "must be at least 1")
        if self.smoothing is not None:
            right = "must be a positive number"
            require(0 < self.smoothing < math.inf, "smoothing", self.smoothing, right)

    def check(self, n: int, f: int) -> None:
        right = f"the geometric median needs f ≥ 0 and 2f < {n} vectors"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """4(1 + f/(n − 2f))², of the exact geometric median (Allouah et al., AISTATS 2023).

        Infinite where that need not be reached: by few iterations, with a fixed ν, which
        may be larger than all distances, and from zero.
        """
        enough = self.start == "median" and self.iterations >= _EXACT
        exact = enough and self.smoothing is None
        if n <= 2 * f or not exact:
            return math.inf
        return 4 * (1 + f / (n - 2 * f)) ** 2

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        gram = products(vectors)
        rows = reachable(gram)
        gram = gram[np.ix_(rows, rows)]
        row, square = central(gram)
        if square == 0 and self.smoothing is None:  # more than half agree
            agreed: NDArray[np.float64] = vectors[rows[row]]
            return agreed.copy()
        smoothing = self.smoothing or 1e-6 * math.sqrt(square)
        distances = self._from_start(vectors)[rows]
        weights = _normalized(1 / np.maximum(smoothing, distances))
        for _ in range(self.iterations - 1):
            # All iterates after the start are means of the vectors.
            distances = np.sqrt(squared_from_mean(gram, weights))
            former, weights = weights, _normalized(1 / np.maximum(smoothing, distances))
            if (np.abs(weights - former) <= _SETTLED * former).all():
                break
        everywhere = np.zeros(n)
        everywhere[rows] = weights
        return everywhere @ vectors

    def _from_start(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.start == "zero":
            return norms(vectors)
        return np.sqrt(squared_from(vectors, reduce_ranked(vectors, middle)))


def _normalized(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized
