"""Gradient norm thresholding."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._distances import norms
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["NormThresholding"]


@dataclass(frozen=True, slots=True)
class NormThresholding:
    """The mean of the ⌈(1 − β)n⌉ vectors with the smallest norms (Ghosh et al., 2019).

    Ghosh, Maity, Kadhe, Mazumdar and Ramchandran, "Communication-Efficient and
    Byzantine-Robust Distributed Learning" (arXiv 1911.09721). The norm is that of the
    decoded vector: one that a device reports of its uncompressed gradient could be a
    lie. Equal norms are told apart by a draw.

    The paper assumes β ≥ f/n. LAD (Com-TGN in Section VII) takes 0.2 although f/N is 0.3
    there. No κ: a liar may go as far as the longest honest vector in any direction.

    Args:
        beta: β, the fraction that is dropped; f/n if it is not given.
    """

    beta: float | None = None

    def __post_init__(self) -> None:
        if self.beta is not None:
            right = "must be at least 0 and less than 1: the fraction that is dropped"
            require(0 <= self.beta < 1, "beta", self.beta, right)

    def count(self, n: int, f: int) -> int:
        """How many of n vectors are kept, if f of them may be bad."""
        if self.beta is None:
            return n - f
        return max(math.ceil((1 - self.beta) * n - 1e-9), 1)  # (1 - 0.7) * 10 is above 3

    def check(self, n: int, f: int) -> None:
        require(n >= 1, "devices", n, "norm thresholding needs at least one vector")
        right = f"norm thresholding of {n} vectors needs 0 ≤ f < {n}"
        require(f >= 0 and self.count(n, f) >= 1, "tolerate", f, right)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        count = self.count(n, context.f)
        shortest = np.argsort(norms(vectors)[order], kind="stable")[:count]
        weights = np.zeros(n)
        weights[order[shortest]] = 1 / count
        return weights @ vectors
