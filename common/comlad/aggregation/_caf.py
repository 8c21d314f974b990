"""The covariance-bound-agnostic filter."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import products, reachable
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["CAF"]


@dataclass(frozen=True, slots=True)
class CAF:
    """The covariance-bound-agnostic filter (Allouah, Guerraoui and Stephan, ICML 2025).

    "Towards Trustworthy Federated Learning with Untrusted Participants". From weights
    c_i = 1 on, while Σ c_i > n − 2f: with the weighted mean µ, the largest eigenvalue λ of
    the weighted covariance and its eigenvector v, each c_i is multiplied by
    1 − τ_i / max τ, where τ_i = ⟨v, x_i − µ⟩² and the maximum is over those whose weight is
    not zero. The aggregate is the µ that had the least λ. The eigenpair is exact, from
    the n×n matrix of products, where ByzFL makes one step of the power method from a
    random vector.

    Needs n > 2f. A vector whose square is out of the finite numbers starts with weight 0.
    """

    def check(self, n: int, f: int) -> None:
        require(0 <= 2 * f < n, "tolerate", f, f"CAF needs f ≥ 0 and 2f < {n} vectors")

    def kappa(self, n: int, f: int) -> float:
        """2f/(n − 3f) · (1 + √(2(1 + ρ)))², where ρ = f/(n − 2f); infinite for n ≤ 3f.

        Let λ_H be the honest vectors' largest eigenvalue, at most their variance. A step
        takes weight from each in proportion to c_i τ_i. If every step took more from the
        others than from the honest, less than 2f would go in all and the steps never end.
        At the first that does not, the honest part of Σ c_i τ_i = λ Σ c_i is at least half of
        it. It is at most (n − f)λ_H + (Σ of the others' c_i) · λ, as the mean of a part that
        has the share p is off µ along v by no more than √(λ(1 − p)/p). As so far no
        less was taken from the others, λ ≤ 2(n − f)λ_H/(n − 2f) follows, and the least λ is
        no greater. Its weights add up to more than n − 2f, the honest ones to n − 3f: what
        they have in common with equal weights of the honest is a part s > (n − 3f)/(n − f)
        of either, and ‖µ − x̄‖ ≤ √((1 − s)/s) (√λ + √λ_H).
        """
        if n <= 3 * f:
            return math.inf
        return 2 * f / (n - 3 * f) * (1 + math.sqrt(2 * (n - f) / (n - 2 * f))) ** 2

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        gram = products(vectors)
        rows = reachable(gram)
        gram = gram[np.ix_(rows, rows)]
        weights = best = np.ones(len(rows))
        least = math.inf
        while weights.sum() > n - 2 * context.f:
            top, shares = _spread(gram, weights)
            if top < least:
                least, best = top, weights
            if not shares.any():  # all that are left agree
                break
            weights = weights * (1 - shares)
        everywhere = np.zeros(n)
        everywhere[rows] = best / best.sum()
        return everywhere @ vectors


def _spread(
    gram: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """λ, and each vector's τ_i / max τ; 0 for vectors of weight 0."""
    parts = weights / weights.sum()
    to_mean = gram @ parts
    centered = gram - to_mean[:, None] - to_mean + parts @ to_mean
    # The covariance Σ p_i y_i y_iᵀ has the eigenvalues of the n×n matrix √p_i ⟨y_i, y_j⟩ √p_j,
    # and v = Σ √p_i u_i y_i / √λ if u is the eigenvector there.
    roots = np.sqrt(parts)
    values, bases = np.linalg.eigh(roots[:, None] * centered * roots)
    along = np.where(weights > 0, np.abs(centered @ (roots * bases[:, -1])), 0)
    if (farthest := along.max()) > 0:
        along /= farthest  # before the square, which might overflow
    return float(values[-1]), along**2
