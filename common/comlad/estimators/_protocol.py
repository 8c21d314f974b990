"""What every gradient estimator offers."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimator", "Memory"]

# What one end of the line remembers of one device between rounds: named float64 vectors.
Memory = Mapping[str, NDArray[np.float64]]


class Estimator(Protocol):
    """A configured estimator: a frozen dataclass whose fields are its parameters.

    Memory goes in and comes out; both ends start from an empty one.
    """

    def send(
        self, vector: NDArray[np.float64], memory: Memory
    ) -> tuple[NDArray[np.float64], Memory]:
        """What the device compresses in place of its coded vector, (Q,), and its new memory."""

    def receive(
        self, vector: NDArray[np.float64], memory: Memory
    ) -> tuple[NDArray[np.float64], Memory]:
        """The server's estimate for the device from what was decoded, (Q,), and its new memory."""
