"""Nearest-neighbour mixing."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

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

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        n = len(vectors)
        order = rng.permutation(n)
        distances = _squared_distances(vectors)[:, order]
        # argpartition, not a sort: which are the nearest matters, not their order.
        nearest = order[np.argpartition(distances, n - f - 1, axis=1)[:, : n - f]]
        # The mean as one product with a matrix of weights: gathering the neighbours
        # would need n × (n − f) × Q numbers.
        weights = np.zeros((n, n))
        np.put_along_axis(weights, nearest, 1 / (n - f), axis=1)
        return weights @ vectors


def _squared_distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between all rows, shape (n, n); on the diagonal −1, so that each is its own nearest."""
    # Not about the mean, which one huge liar moves so far that honest differences
    # are rounded away. A liar's own overflow is as far away as can be.
    with np.errstate(over="ignore", invalid="ignore"):
        products = vectors @ vectors.T
        norms = products.diagonal()
        distances = norms[:, None] + norms - 2 * products
    distances = np.where(np.isnan(distances), np.inf, np.maximum(distances, 0))
    np.fill_diagonal(distances, -1)
    return distances
