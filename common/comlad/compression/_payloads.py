"""Payloads: compressed vectors holding exactly what travels, so that the wire loses nothing.

Values are rounded or quantised when a payload is made, not when it is sent: who never
sends it, such as a simulation, has the same numbers.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comlad.compression._indices import IndexCodec
from comlad.compression._values import Values, describe_values, floats_of
from comlad.errors import MessageError

__all__ = ["Dense", "Masked", "Payload", "Sparse", "require_form"]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Every coordinate.

    Args:
        values: float32 or float64, shape (Q,), or quantised, Q of them.
    """

    values: Values

    @property
    def dimension(self) -> int:
        return len(self.values)

    def floats(self) -> NDArray[np.float64]:
        """The values themselves, shape (Q,); may be the payload's own."""
        return floats_of(self.values)

    def write_to(self, row: NDArray[np.float64]) -> None:
        """Put the vector into `row`, shape (Q,), which is all zeros."""
        row[:] = self.floats()

    def describe(self) -> str:
        """Its form in a few words, by which payloads of different forms differ."""
        return f"dense {describe_values(self.values)}, {len(self.values)} values"


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """Some coordinates; all others are zero.

    Args:
        dimension: Q.
        indices: int64, ascending, distinct, in 0..Q-1; shape (k,). int32 where it is kept.
        values: float32 or float64, shape (k,), or quantised, k of them.
        index: How the indices travel.
    """

    dimension: int
    indices: NDArray[np.int64]
    values: Values
    index: IndexCodec = "auto"

    def floats(self) -> NDArray[np.float64]:
        """The values themselves, shape (k,); may be the payload's own."""
        return floats_of(self.values)

    def write_to(self, row: NDArray[np.float64]) -> None:
        """Put the vector into `row`, shape (Q,), which is all zeros."""
        row[self.indices] = self.floats()

    def compact(self) -> "Sparse":
        """The same in less memory, to be kept while others come."""
        return replace(self, indices=self.indices.astype(np.int32))

    def describe(self) -> str:
        """Its form in a few words, by which payloads of different forms differ."""
        form = type(self).__name__.lower()
        return f"{form} {describe_values(self.values)}, {len(self.values)} values"


@dataclass(frozen=True, slots=True, eq=False)
class Masked(Sparse):
    """The same where both ends know the indices: they do not travel."""


Payload = Dense | Sparse | Masked


def require_form(payload: Payload, right: str) -> None:
    """Raise MessageError unless the payload describes itself with these words."""
    if (found := payload.describe()) != right:
        raise MessageError(f"{found}: must be {right}")
