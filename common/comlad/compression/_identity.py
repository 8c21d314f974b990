"""No compression."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws
from comlad.compression._value_types import (
    HALVES,
    ValueType,
    in_type,
    rounding_delta,
    value_bytes,
)

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The vector itself: C(g) = g, δ = 0.

    In two bytes a coordinate, "float16" and "bfloat16", it is rounded at random: unbiased
    with δ = 2^-22 and 2^-16. The float16 has an exponent for the whole vector and spans 38
    powers of two below the largest coordinate. The bfloat16 has the exponents of a
    float32; its δ holds for vectors with no coordinate below 2^-126 but 0.

    Args:
        values: The type in which values travel. "float32" halves the bytes and rounds;
            "float16" and "bfloat16" halve them again.
    """

    values: ValueType = "float64"

    @property
    def agreement(self) -> Literal["none", "repeats", "linear"]:
        if self.values in HALVES:
            return "none"
        return "linear" if self.values == "float64" else "repeats"

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        return Dense(in_type(self.values, vector, draws))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense {self.values}, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return value_bytes(self.values, dimension)

    def delta(self, dimension: int) -> float:
        return rounding_delta(self.values)

    def alpha(self, dimension: int) -> float:
        return 1 - self.delta(dimension)

    def bits(self, dimension: int) -> float:
        return 8.0 * self.payload_bound(dimension)
