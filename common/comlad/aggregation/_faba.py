"""FABA: fast aggregation against Byzantine attacks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import products, reachable, squared_from_mean
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["FABA"]


@dataclass(frozen=True, slots=True)
class FABA:
    """The mean after leaving out, f times, the vector farthest from it (Xia et al., IJCAI 2019).

    Each time the mean is that of the vectors that are left ("FABA: An Algorithm for Fast
    Aggregation against Byzantine Attacks in Distributed Neural Networks"). Vectors that
    are equally far are told apart by a draw.

    Needs n > 2f.
    """

    def check(self, n: int, f: int) -> None:
        require(0 <= 2 * f < n, "tolerate", f, f"FABA needs f ≥ 0 and 2f < {n} vectors")

    def kappa(self, n: int, f: int) -> float:
        """(f(1 + 2ρ) + √f)² / (n − f), where ρ = f/(n − 2f).

        Let V be the mean of ‖x_i − x̄‖² over the n − f honest. Unless exactly the others
        go, an honest x_h goes at some time, for the first time from among the honest and
        b ≤ f others with mean µ, none of which is farther from µ than D = ‖x_h − µ‖. So
        ‖µ − x̄‖ ≤ b/(n − f) · D and D ≤ ‖x_h − x̄‖ + ‖µ − x̄‖; with ‖x_h − x̄‖² ≤ (n − f)V that
        is D ≤ (1 + ρ)√((n − f)V) and ‖µ − x̄‖ ≤ ρ√((n − f)V). In the end k ≤ f others, no
        farther than D from µ, are there in place of k honest x_j, and
        (n − f)‖aggregate − x̄‖ ≤ kD + k‖µ − x̄‖ + Σ‖x_j − x̄‖, the sum at most √(k(n − f)V).
        """
        if n <= 2 * f:
            return math.inf
        return (f * (1 + 2 * f / (n - 2 * f)) + math.sqrt(f)) ** 2 / (n - f)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        # Of the drawn order; farther than all others from any mean are those beyond reach.
        gram = products(vectors)[np.ix_(order, order)]
        near = reachable(gram)
        gram, order = gram[np.ix_(near, near)], order[near]
        left = np.ones(len(near), dtype=bool)
        for _ in range(context.f - (n - len(near))):
            # Afresh from the products each time: what the last one left out had added to
            # the mean cannot be subtracted again without its rounding errors.
            squares = squared_from_mean(gram, left / np.count_nonzero(left))
            left[np.argmax(np.where(left, squares, -1))] = False
        weights = np.zeros(n)
        weights[order[left]] = 1 / np.count_nonzero(left)
        return weights @ vectors
