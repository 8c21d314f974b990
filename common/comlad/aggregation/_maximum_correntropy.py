"""Aggregation by maximum correntropy."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._geometry import products, reachable, squared_from, squared_from_mean
from comlad.aggregation._median import middle
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["MaximumCorrentropy"]

# A step that is shorter than this, in bandwidths, is the last.
_SETTLED = 1e-8


@dataclass(frozen=True, slots=True)
class MaximumCorrentropy:
    """A local maximum of Σ exp(−‖z − x_i‖² / 2σ²) (Luan, Li, Liu and Chen, TNNLS 36(1), 2025).

    "Robust federated learning: maximum correntropy aggregation against Byzantine
    attacks", by the fixed point z ← Σ k_i x_i / Σ k_i, where k_i is the kernel at z, from
    the coordinate-wise median on; until a step is shorter than 1e-8 σ or `iterations`
    times. The paper's choice of σ could not be verified: here it is, unless given, the
    median distance of the vectors from that median.

    Needs n > 2f. A vector whose square is out of the finite numbers has weight 0.

    Args:
        bandwidth: σ, above 0.
        iterations: The most steps that are made.
    """

    bandwidth: float | None = None
    iterations: int = 50

    def __post_init__(self) -> None:
        if self.bandwidth is not None:
            right = "must be a positive number"
            require(0 < self.bandwidth < math.inf, "bandwidth", self.bandwidth, right)
        require(self.iterations >= 1, "iterations", self.iterations, "must be at least 1")

    def check(self, n: int, f: int) -> None:
        right = f"maximum correntropy needs f ≥ 0 and 2f < {n} vectors"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        start = reduce_ranked(vectors, middle)
        squares = squared_from(vectors, start)
        if self.bandwidth is None:
            variance = float(np.median(squares))
        else:
            variance = self.bandwidth * self.bandwidth  # may be infinite; ** would raise
        if variance == 0:  # most vectors are at the start, and no others count
            return start
        gram = products(vectors)
        rows = reachable(gram)
        gram = gram[np.ix_(rows, rows)]
        weights = _kernel(squares[rows], variance)
        for _ in range(self.iterations - 1):
            former, weights = weights, _kernel(squared_from_mean(gram, weights), variance)
            step = weights - former
            if step @ gram @ step <= _SETTLED**2 * variance:
                break
        everywhere = np.zeros(n)
        everywhere[rows] = weights
        return everywhere @ vectors


def _kernel(squares: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    # Relative to the nearest, or all might be too small for a number.
    with np.errstate(over="ignore"):
        kernel = np.exp((squares.min() - squares) / (2 * variance))
    weights: NDArray[np.float64] = kernel / kernel.sum()
    return weights
