"""Adaptive robust clipping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._clipping import clip
from comlad.aggregation._distances import norms
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["AdaptiveRobustClipping"]


@dataclass(frozen=True, slots=True)
class AdaptiveRobustClipping:
    """The k longest vectors are shortened to the next longest's norm (Allouah et al., ICLR 2025).

    k = ⌊2f(n − f)/n⌋; the paper is Allouah, Guerraoui, Gupta, Jellouli, Rizk and Stephan,
    "Adaptive Gradient Clipping for Robust Federated Learning" (arXiv 2405.14432, "ARC").
    Needs n > 2f.
    """

    def check(self, n: int, f: int) -> None:
        right = f"adaptive robust clipping of {n} vectors needs f ≥ 0 and 2f < {n}"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def gives(self, n: int, f: int) -> tuple[int, int]:
        return n, f

    def kappa_before(self, kappa: float, n: int, f: int) -> float:
        """κ + k/(n − f − k), which is at most κ + 2f/(n − 2f).

        Let V be the mean of ‖x_i − x̄‖² over n − f vectors, of which c ≤ k are shortened,
        V' the same of what becomes of them, with mean x̄', and D the sum of the squares of
        what is taken off their lengths. Clipping is a projection onto a ball: it takes no
        two vectors farther apart, and where it leaves one of them as it is, the square of
        their distance falls by at least the square of what it takes off the other's length.
        So V − V' ≥ (n − f − c)D/(n − f)², while by Cauchy–Schwarz
        ‖x̄ − x̄'‖² ≤ cD/(n − f)² ≤ c/(n − f − c) · (V − V').
        For any a > 0 the squared error is at most (1 + a)κV' + (1 + 1/a)‖x̄ − x̄'‖², and
        a = c/(κ(n − f − c)) makes that (κ + c/(n − f − c))V.
        """
        clipped = _clipped(n, f)
        return kappa + clipped / (n - f - clipped)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n, lengths = len(vectors), norms(vectors)
        limit = np.sort(lengths)[n - _clipped(n, context.f) - 1]
        return clip(vectors, lengths, float(limit))


def _clipped(n: int, f: int) -> int:
    """How many vectors are longer than the limit at most, k."""
    # In whole numbers: the product of floats may fall just short of one.
    return 2 * f * (n - f) // n
