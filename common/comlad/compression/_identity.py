"""No compression."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws
from comlad.compression._values import ValueType

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The vector itself: C(g) = g, δ = 0.

    Args:
        values: The type in which values travel. "float32" halves the bytes and rounds.
    """

    values: ValueType = "float64"

    @property
    def agreement(self) -> Literal["repeats", "linear"]:
        return "linear" if self.values == "float64" else "repeats"

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        return Dense(vector.astype(self.values))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense {self.values}, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return dimension * np.dtype(self.values).itemsize

    def delta(self, dimension: int) -> float:
        return 0.0

    def alpha(self, dimension: int) -> float:
        return 1.0

    def bits(self, dimension: int) -> float:
        return 8.0 * self.payload_bound(dimension)
