"""Krum and Multi-Krum."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._distances import squared_distances
from comlad.aggregation._protocol import Context
from comlad.aggregation._scores import scores
from comlad.config import require

__all__ = ["Krum", "MultiKrum"]

Neighbors = Literal["n-f-2", "n-f-1"]


@dataclass(frozen=True, slots=True)
class Krum:
    """The vector whose nearest others are nearest (Blanchard et al., NeurIPS 2017, Section 4).

    A vector's score is the sum of the squared distances to its n − f − 2 nearest others;
    the vector with the least score is the aggregate. Allouah et al. (AISTATS 2023) and
    ByzFL take n − f − 1 others, as many as an honest vector is sure to have. Equal scores
    are told apart by a draw.

    Needs n > 2f + 2 as in the paper, or n > 2f with n − f − 1 others.

    Args:
        neighbors: How many others count.
    """

    neighbors: Neighbors = "n-f-2"

    def check(self, n: int, f: int) -> None:
        _check("Krum", self.neighbors, n, f)

    def kappa(self, n: int, f: int) -> float:
        """6(1 + f/(n − 2f)) for n − f − 1 others, and 6(n − f)/(n − 2f − 1) for n − f − 2.

        Let V be the mean of ‖x_i − x̄‖² over the honest i, and m others count. The mean
        of honest scores is at most 2(n − f)V, so the least score is. Of the chosen x_k
        and its m nearest, t ≥ m + 1 − f are honest. Adding up over these that
        ‖x_k − x̄‖² ≤ 2‖x_k − x_i‖² + 2‖x_i − x̄‖² gives t‖x_k − x̄‖² ≤ 4(n − f)V + 2(n − f)V.
        """
        return _kappa(self.neighbors, n, f)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        best: NDArray[np.float64] = vectors[_ranking(self.neighbors, vectors, context)[0]]
        return best.copy()


@dataclass(frozen=True, slots=True)
class MultiKrum:
    """The mean of the vectors with the least Krum scores (Blanchard et al., NeurIPS 2017).

    The paper leaves open how many; ByzFL takes n − f, and n − f − 1 neighbours.

    Args:
        neighbors: How many others count in a score, as for Krum.
        select: How many vectors are averaged, or all if fewer came; n − f if it is not given.
    """

    neighbors: Neighbors = "n-f-2"
    select: int | None = None

    def __post_init__(self) -> None:
        if self.select is not None:
            require(self.select >= 1, "select", self.select, "must be at least 1")

    def check(self, n: int, f: int) -> None:
        _check("Multi-Krum", self.neighbors, n, f)

    def kappa(self, n: int, f: int) -> float:
        """Krum's, if no more than n − f are averaged.

        The q ≤ n − f least scores are on average no more than the mean of honest scores,
        so that Krum's bound holds for ‖x_k − x̄‖² on average over them.
        """
        if self._count(n, f) > n - f:
            return math.inf
        return _kappa(self.neighbors, n, f)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        count = self._count(len(vectors), context.f)
        weights = np.zeros(len(vectors))
        weights[_ranking(self.neighbors, vectors, context)[:count]] = 1 / count
        return weights @ vectors

    def _count(self, n: int, f: int) -> int:
        return n - f if self.select is None else min(self.select, n)


def _check(name: str, neighbors: Neighbors, n: int, f: int) -> None:
    if neighbors == "n-f-2":
        right = f"{name} with n − f − 2 neighbours needs f ≥ 0 and 2f + 2 < {n} vectors"
        require(f >= 0 and 2 * f + 2 < n, "tolerate", f, right)
    else:
        right = f"{name} needs f ≥ 0 and 2f < {n} vectors"
        require(0 <= 2 * f < n, "tolerate", f, right)


def _kappa(neighbors: Neighbors, n: int, f: int) -> float:
    honest = n - 2 * f - (neighbors == "n-f-2")
    return 6 * (n - f) / honest if honest > 0 else math.inf


def _ranking(
    neighbors: Neighbors, vectors: NDArray[np.float64], context: Context
) -> NDArray[np.intp]:
    """The rows by their scores, the least first."""
    n = len(vectors)
    order = context.rng.permutation(n)
    count = n - context.f - (2 if neighbors == "n-f-2" else 1)
    ranked = np.argsort(scores(squared_distances(vectors), count)[order], kind="stable")
    return order[ranked]
