"""TernGrad."""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws, contraction
from comlad.compression._values import TernaryValues

__all__ = ["TernGrad"]


@dataclass(frozen=True, slots=True)
class TernGrad:
    """−1, 0 or 1 times the largest magnitude (Wen et al., NeurIPS 2017, arXiv 1705.07878).

    g_q becomes ‖g‖∞ sgn(g_q) with probability |g_q|/‖g‖∞, else 0. Unbiased, with
    E‖C(g) − g‖² = ‖g‖∞ ‖g‖₁ − ‖g‖² ≤ δ‖g‖², δ = (√Q − 1)/2; with equality where one
    magnitude is 1 and all others are 1/(√Q + 1). Without the paper's clipping of
    gradients, which makes it biased, and with one scale for the whole vector.

    Five coordinates take a byte.
    """

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        magnitudes = np.abs(vector)
        scale = float(magnitudes.max())
        if not 0 < scale < inf:
            return Dense(TernaryValues(scale, np.zeros(len(vector), np.int8)))
        kept = draws.rng.random(len(vector)) < magnitudes / scale
        return Dense(TernaryValues(scale, np.sign(vector).astype(np.int8) * kept))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense ternary, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return 8 + -(-dimension // 5)

    def delta(self, dimension: int) -> float:
        return (sqrt(dimension) - 1) / 2

    def alpha(self, dimension: int) -> float | None:
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        return 8.0 * self.payload_bound(dimension)
