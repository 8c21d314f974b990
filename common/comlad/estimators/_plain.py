"""No estimator at all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.estimators._protocol import Memory

__all__ = ["Plain"]


@dataclass(frozen=True, slots=True)
class Plain:
    """The coded vector as it is, without memory (LAD, Algorithms 1 and 2)."""

    def send(
        self, vector: NDArray[np.float64], memory: Memory
    ) -> tuple[NDArray[np.float64], Memory]:
        return vector, memory

    def receive(
        self, vector: NDArray[np.float64], memory: Memory
    ) -> tuple[NDArray[np.float64], Memory]:
        return vector, memory
