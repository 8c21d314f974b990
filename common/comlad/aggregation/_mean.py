"""Plain averaging."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["Mean"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of all vectors: no defence at all ("vanilla averaging", LAD, Section VII)."""

    def check(self, n: int, f: int) -> None:
        require(n >= 1, "devices", n, "the mean needs at least one vector")

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = vectors.mean(axis=0)
        return mean

    def of_sparse(
        self,
        indices: NDArray[np.int64],
        values: NDArray[np.float64],
        n: int,
        dimension: int,
        context: Context,
    ) -> NDArray[np.float64]:
        return np.bincount(indices, values, dimension) / n
