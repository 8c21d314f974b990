"""The scaled sign."""

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws
from comlad.compression._values import SignValues

__all__ = ["ScaledSign"]


@dataclass(frozen=True, slots=True)
class ScaledSign:
    """The mean magnitude with each sign (Karimireddy et al., ICML 2019, arXiv 1901.09847).

    C(g) = ‖g‖₁/Q · sgn(g), where sgn(0) = 1 so that a bit is enough. Since
    ⟨sgn(g), g⟩ = ‖g‖₁ and ‖sgn(g)‖² = Q whichever sign a zero has,
    ‖C(g) − g‖² = ‖g‖² − ‖g‖₁²/Q always: α = ‖g‖₁²/(Q‖g‖²) for that g, at least 1/Q,
    which one non-zero coordinate attains. Biased: for methods that correct errors over
    time.
    """

    @property
    def agreement(self) -> Literal["repeats"]:
        return "repeats"

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        magnitudes = np.abs(vector)
        largest = float(magnitudes.max())
        if not 0 < largest < inf:
            return Dense(SignValues(largest, np.zeros(len(vector), bool)))
        scale = largest * float((magnitudes / largest).mean())  # whose sum stays a number
        # Of the least number there is, the mean can be nothing at all.
        return Dense(SignValues(scale, (vector < 0) & (scale > 0)))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense sign, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return 8 + -(-dimension // 8)

    def delta(self, dimension: int) -> float | None:
        return None

    def alpha(self, dimension: int) -> float:
        return 1 / dimension

    def bits(self, dimension: int) -> float:
        return 64 + dimension
