"""QSGD."""

from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws, contraction
from comlad.compression._values import MOST_LEVELS, QsgdValues
from comlad.config import require

__all__ = ["Qsgd"]


@dataclass(frozen=True, slots=True)
class Qsgd:
    """Multiples of ‖g‖/s (Alistarh et al., NeurIPS 2017, arXiv 1610.02132).

    C(g)_q = ‖g‖ sgn(g_q) ℓ_q/s, where ℓ_q is r_q = s|g_q|/‖g‖ rounded down or up at
    random so that it is r_q in the mean. Unbiased, with E‖C(g) − g‖² = ‖g‖²/s² Σ φ(r_q),
    φ(r) = (r − ⌊r⌋)(1 − r + ⌊r⌋), Σ r_q² = s². The paper bounds this by δ = min(Q/s², √Q/s);
    φ(r) ≤ 1/4 and, as long as r ≤ 1, φ(r) = r − r² give less:

    - δ = √Q/s − 1 if s ≤ √Q/2 or s = 1, attained where all magnitudes are the same;
    - δ = Q/(4s²) else, attained where each r_q is a whole number and a half, for which
      4s² must be a sum of Q odd squares.

    Args:
        levels: s, at most 65 535. A coordinate takes 1 + ⌈log₂(s + 1)⌉ bits.
    """

    levels: int

    def __post_init__(self) -> None:
        right = f"must be from 1 to {MOST_LEVELS}"
        require(1 <= self.levels <= MOST_LEVELS, "levels", self.levels, right)

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        magnitudes = np.abs(vector)
        largest = float(magnitudes.max())
        if not 0 < largest < inf:
            nothing = np.zeros(len(vector), np.int32)
            return Dense(QsgdValues(largest, self.levels, nothing))
        magnitudes /= largest  # so that no square leaves the numbers
        root = sqrt((magnitudes * magnitudes).sum())
        exact = magnitudes / root * self.levels
        multiples = np.floor(exact)
        multiples += draws.rng.random(len(vector)) < exact - multiples
        multiples = np.copysign(multiples, vector).astype(np.int32)
        return Dense(QsgdValues(largest * root, self.levels, multiples))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense qsgd of {self.levels} levels, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return 8 + -(-dimension * self._width // 8)

    def delta(self, dimension: int) -> float:
        s = self.levels
        if dimension == 1:
            return 0.0
        if s == 1 or 2 * s <= sqrt(dimension):
            return sqrt(dimension) / s - 1
        return dimension / (4 * s**2)

    def alpha(self, dimension: int) -> float | None:
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        return 64 + dimension * self._width

    @property
    def _width(self) -> int:
        return 1 + self.levels.bit_length()  # ⌈log₂(s + 1)⌉ bits hold 0..s
