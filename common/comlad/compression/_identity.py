"""No compression."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, ValueType
from comlad.errors import MessageError

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """The vector itself: C(g) = g, δ = 0.

    Args:
        values: The type in which values travel. "float32" halves the bytes and rounds.
    """

    values: ValueType = "float64"

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], rng: Generator) -> Dense:
        return Dense(vector.astype(self.values))

    def admit(self, payload: Payload, dimension: int) -> None:
        if not isinstance(payload, Dense) or payload.values.dtype != self.values:
            raise MessageError(f"{payload.describe()}: must be dense {self.values}")

    def payload_bound(self, dimension: int) -> int:
        return dimension * np.dtype(self.values).itemsize
