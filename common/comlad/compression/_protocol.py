"""What every compressor offers."""

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._payloads import Payload

__all__ = ["Compressor"]


class Compressor(Protocol):
    """A configured compressor: a frozen dataclass whose fields are its parameters."""

    def check(self, dimension: int) -> None:
        """Raise ConfigError if vectors of length Q = `dimension` cannot be compressed so."""

    def compress(self, vector: NDArray[np.float64], rng: Generator) -> Payload:
        """C(vector) as it will travel; `vector` has shape (Q,) and is left as it is."""

    def admit(self, payload: Payload, dimension: int) -> None:
        """Raise MessageError unless an honest device could send this for a vector of length Q.

        The payload is well formed; this is about its kind, its type and its number of values.
        """

    def payload_bound(self, dimension: int) -> int:
        """The bytes that the payload of a vector of length Q can have at most."""
