"""Minimum-diameter averaging."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._cliques import Conflicts
from comlad.aggregation._distances import squared_distances
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["MDA"]

# A search has up to 1.47^f branches; for 50, on the hardest graphs found, 30 000, in 0.6 s.
_MOST = 50


@dataclass(frozen=True, slots=True)
class MDA:
    """The mean of the n − f vectors of smallest diameter (El Mhamdi et al., PODC 2020).

    Minimum-diameter averaging, of "Genuinely Distributed Byzantine Machine Learning":
    the diameter is the greatest distance between any two. Of several subsets of the same
    diameter, to 12 digits, it is the first in an order of the vectors that is drawn. There
    are (n over f) subsets, but those of diameter r are what is left of the graph of
    distances above r without f vertices that cover its edges, and a cover so small is
    quickly found or ruled out; r is found by bisection.

    Needs n > 2f, and f ≤ 50 if it is to be exact.

    Args:
        exact: Whether it must be the smallest diameter. Otherwise the subset is the
            ball, about any vector, of its n − f nearest that has the smallest radius,
            whose diameter is at most twice the smallest.
    """

    exact: bool = True

    def check(self, n: int, f: int) -> None:
        require(0 <= 2 * f < n, "tolerate", f, f"MDA needs f ≥ 0 and 2f < {n} vectors")
        right = f"an exact MDA can do f ≤ {_MOST}; exact = false comes within a factor of 2"
        require(not self.exact or f <= _MOST, "tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """The lesser of 8f²/(n − f) and ρ(1 + √(n − f))², where ρ = f/(n − 2f).

        For balls 18f²/(n − f) and ρ(2 + √(n − f))².

        Let V be the mean of ‖x_i − x̄‖² over the n − f honest, so that their diameter D has
        D² ≤ 2(n − f)V, and S be the chosen.

        (1) S and the honest differ by at most f vectors each, and a vector of S is at most
        diam(S) + D from an honest one, by way of one in both. With diam(S) ≤ D, for a ball
        2D: (n − f)‖x̄_S − x̄‖ ≤ f · 2D, for a ball f · 3D.

        (2) As for SMEA, ‖x̄_S − x̄‖ ≤ √ρ (√V_S + √V), where V_S, the mean of ‖x_i − x̄_S‖² over S,
        is at most diam(S)²/2 ≤ (n − f)V. For a ball √V_S is at most its radius, and so than
        that about the honest x_i nearest to x̄: √V + √((n − f)V).
        """
        if n <= 2 * f:
            return math.inf
        share, size = f / (n - 2 * f), n - f
        if self.exact:
            return min(8 * f**2 / size, share * (1 + math.sqrt(size)) ** 2)
        return min(18 * f**2 / size, share * (2 + math.sqrt(size)) ** 2)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        steps = _steps(squared_distances(vectors)[np.ix_(order, order)])
        size = n - context.f
        ball = _smallest_ball(steps, size)
        chosen = _least_diameter(steps, size, ball) if self.exact else ball
        weights = np.zeros(n)
        weights[order[chosen]] = 1 / size
        return weights @ vectors


def _steps(distances: NDArray[np.float64]) -> NDArray[np.intp]:
    """The distances as whole numbers: their ranks, the same if equal but for rounding."""
    values = np.unique(distances)
    new = np.append(True, values[1:] > values[:-1] * (1 + 1e-12))
    ranks: NDArray[np.intp] = (np.cumsum(new) - 1)[np.searchsorted(values, distances)]
    return ranks


def _smallest_ball(steps: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    """A row and its `size` − 1 nearest, the farthest of which is as near as can be."""
    nearest = np.argsort(steps, axis=1, kind="stable")[:, :size]
    radii = np.take_along_axis(steps, nearest[:, -1:], axis=1)
    ball: NDArray[np.intp] = nearest[np.argmin(radii)]
    return ball


def _least_diameter(steps: NDArray[np.intp], size: int, ball: NDArray[np.intp]) -> list[int]:
    """The first subset of that size, in lexicographic order, with the smallest diameter."""
    budget = len(steps) - size
    # Each member of the subset has the rest of it within the diameter.
    low = int(np.partition(steps, size - 1, axis=1)[:, size - 1].min())
    high = int(steps[np.ix_(ball, ball)].max())
    while low < high:
        middle = (low + high) // 2
        if Conflicts(steps > middle).cover(budget) is None:
            low = middle + 1
        else:
            high = middle
    clique = Conflicts(steps > low).first_clique(size)
    assert clique is not None
    return clique
