"""Payloads: compressed vectors holding exactly what travels, so that the wire loses nothing.

Values are rounded to the type they travel in when a payload is made, not when it is
sent: who never sends it, such as a simulation, has the same numbers.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dense", "Payload", "Sparse", "ValueType", "Values"]

ValueType = Literal["float32", "float64"]
Values = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Every coordinate.

    Args:
        values: float32 or float64, shape (Q,).
    """

    values: Values

    @property
    def dimension(self) -> int:
        return len(self.values)

    def write_to(self, row: NDArray[np.float64]) -> None:
        """Put the vector into `row`, shape (Q,), which is all zeros."""
        row[:] = self.values

    def describe(self) -> str:
        """Its form in a few words."""
        return f"dense {self.values.dtype}, {len(self.values)} values"


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """Some coordinates; all others are zero.

    Args:
        dimension: Q.
        indices: int64, ascending, distinct, in 0..Q-1; shape (k,).
        values: float32 or float64, shape (k,).
    """

    dimension: int
    indices: NDArray[np.int64]
    values: Values

    def write_to(self, row: NDArray[np.float64]) -> None:
        """Put the vector into `row`, shape (Q,), which is all zeros."""
        row[self.indices] = self.values.astype(np.float64)

    def describe(self) -> str:
        """Its form in a few words."""
        return f"sparse {self.values.dtype}, {len(self.values)} values"


Payload = Dense | Sparse
