"""Bulyan."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._averages import mean_of_nearest
from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._distances import squared_distances
from comlad.aggregation._median import middle
from comlad.aggregation._protocol import Context
from comlad.aggregation._scores import scores
from comlad.config import require

__all__ = ["Bulyan"]


@dataclass(frozen=True, slots=True)
class Bulyan:
    """Krum n − 2f times, and a trimmed mean of those (El Mhamdi et al., ICML 2018).

    "The Hidden Vulnerability of Distributed Learning in Byzantium": θ = n − 2f times
    Krum's choice among the vectors that are left moves to the selected ones; then
    in every coordinate the θ − 2f selected values closest to their median are averaged.
    Of r vectors that are left Krum counts the r − f − 2 nearest others, as long as there
    is one; towards the end one. Equal scores are told apart by a draw, values equally
    close to the median by taking the lower.

    Needs n ≥ 4f + 3.
    """

    def check(self, n: int, f: int) -> None:
        right = f"Bulyan needs f ≥ 0 and 4f + 3 ≤ {n} vectors"
        require(f >= 0 and 4 * f + 3 <= n, "tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """(√((n − f)/(n − 3f)) · (√(1 + m) + √m) + √(2f/(n − 3f)))², or 0 for f = 0.

        m is κ of the median of n − 2f vectors, 4(1 + f/(n − 4f))². How they are selected
        does not matter: n − 3f of them, T, are honest, with variance V_T and mean x̄_T. Their
        median c has ‖c − x̄_T‖² ≤ m V_T. The values averaged are, in squares, no farther from
        c than those of T on average, so the aggregate is within √((1 + m)V_T) of c. And of
        the n − f honest, with variance V, a part of n − 3f has V_T ≤ (n − f)/(n − 3f) · V and
        ‖x̄_T − x̄‖² ≤ 2f/(n − 3f) · V.
        """
        if f == 0:
            return 0.0
        if n <= 4 * f:
            return math.inf
        median = 4 * (1 + f / (n - 4 * f)) ** 2
        within = math.sqrt((n - f) / (n - 3 * f)) * (math.sqrt(1 + median) + math.sqrt(median))
        return (within + math.sqrt(2 * f / (n - 3 * f))) ** 2

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        distances = squared_distances(vectors)[np.ix_(order, order)]
        selected = np.sort(order[_select(distances, context.f)])
        kept = n - 4 * context.f
        return reduce_ranked(
            vectors[selected], lambda ranked: mean_of_nearest(ranked, middle(ranked), kept)
        )


def _select(distances: NDArray[np.float64], f: int) -> list[int]:
    """The n − 2f rows that Krum takes one after the other."""
    n = len(distances)
    left = np.arange(n)
    selected = []
    for _ in range(n - 2 * f):
        count = min(max(len(left) - f - 2, 1), len(left) - 1)
        place = np.argmin(scores(distances[np.ix_(left, left)], count))
        selected.append(int(left[place]))
        left = np.delete(left, place)
    return selected
