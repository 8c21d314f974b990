"""Nearest-neighbour mixing."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._distances import squared_distances
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["NearestNeighborMixing"]


@dataclass(frozen=True, slots=True)
class NearestNeighborMixing:
    """Each vector becomes the mean of the n − f nearest (Allouah et al., AISTATS 2023).

    Itself included; the paper is Allouah, Farhadkhani, Guerraoui, Gupta, Pinot and
    Stephan, "Fixing by Mixing". Neighbours that are equally far are told apart by a
    draw, not by their ids, which a liar may have chosen.
    """

    def check(self, n: int, f: int) -> None:
        right = f"nearest-neighbour mixing of {n} vectors needs 0 ≤ f < {n}"
        require(0 <= f < n, "tolerate", f, right)

    def gives(self, n: int, f: int) -> tuple[int, int]:
        return n, f

    def kappa_before(self, kappa: float, n: int, f: int) -> float:
        """8f/(n − f) · (1 + κ): Lemma 1 of the paper."""
        return 8 * f / (n - f) * (1 + kappa) if math.isfinite(kappa) else math.inf

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        count = n - context.f
        order = context.rng.permutation(n)
        distances = squared_distances(vectors)
        np.fill_diagonal(distances, -1)  # itself first, whatever else is at no distance
        nearest = np.empty((n, n), dtype=bool)
        nearest[:, order] = _least(distances[:, order], count)
        # The mean as one product with a matrix of weights: gathering the neighbours
        # would need n × (n − f) × Q numbers.
        return np.where(nearest, 1 / count, 0) @ vectors


def _least(distances: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """Where the `count` least of every row stand; of equal ones the first."""
    last = np.partition(distances, count - 1, axis=1)[:, count - 1, None]
    less, equal = distances < last, distances == last
    places = count - np.count_nonzero(less, axis=1, keepdims=True)
    least: NDArray[np.bool_] = less | (equal & (np.cumsum(equal, axis=1) <= places))
    return least
