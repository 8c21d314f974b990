"""Stochastic quantisation to two levels."""

import logging
from dataclasses import dataclass
from math import isfinite, nan
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws, contraction
from comlad.compression._values import TwoLevelValues
from comlad.config import require
from comlad.errors import MessageError

__all__ = ["StochasticQuantization"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StochasticQuantization:
    """Two levels, a bit a coordinate (LAD, Section V).

    g_q becomes b with probability (g_q − a)/(b − a), else a. Between a = min g and
    b = max g it is unbiased with E‖C(g) − g‖² = Σ (b − g_q)(g_q − a) ≤ (Q/2 − 1) ‖g‖²:
    (b − g)(g − a) ≤ ((b − a)/2)² ≤ (a² + b²)/2 for each of the other Q − 2, with
    equality for one −1, one 1 and zeros. Where a = b the vector is sent exactly.

    A range that is fixed is not Definition 2 of the paper: what lies outside is
    clipped, and already g = 0 has the error −Q a b, so that there is no finite δ.

    Args:
        range: "data", or the fixed [a, b].
    """

    range: Literal["data"] | tuple[float, ...] = "data"

    def __post_init__(self) -> None:
        if self.range != "data":
            right = 'must be "data" or two finite numbers, the lower one first'
            ascending = len(self.range) == 2 and self.range[0] < self.range[1]
            require(ascending and all(map(isfinite, self.range)), "range", self.range, right)

    def check(self, dimension: int) -> None:
        """Any vector will do; a fixed range is warned of."""
        if self.range != "data":
            logger.warning(
                "stochastic-quantization with the fixed range %s clips what lies outside and has "
                "no finite δ: it is not a compressor in the sense of LAD's Definition 2",
                list(self.range),
            )

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        nowhere = np.zeros(len(vector), bool)
        low, high = float(vector.min()), float(vector.max())
        if not (isfinite(low) and isfinite(high)):
            return Dense(TwoLevelValues(nan, nan, nowhere))
        if self.range != "data":
            low, high = self.range
            vector = vector.clip(low, high)
        low, high = low + 0.0, high + 0.0  # never −0
        if low == high:
            return Dense(TwoLevelValues(low, high, nowhere))
        unit = 1.0 if isfinite(high - low) else 0.5
        chances = (vector * unit - low * unit) / (high * unit - low * unit)
        return Dense(TwoLevelValues(low, high, draws.rng.random(len(vector)) < chances))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense two-level, {dimension} values")
        values = payload.values
        if self.range == "data" or not isinstance(values, TwoLevelValues):
            return
        if (values.low, values.high) != self.range:
            raise MessageError(
                f"{payload.describe()}: must be from {self.range[0]} to {self.range[1]}, "
                f"not from {values.low} to {values.high}"
            )

    def payload_bound(self, dimension: int) -> int:
        return 2 * 8 + -(-dimension // 8)

    def delta(self, dimension: int) -> float | None:
        return max(0.0, dimension / 2 - 1) if self.range == "data" else None

    def alpha(self, dimension: int) -> float | None:
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        return 2 * 64 + dimension
