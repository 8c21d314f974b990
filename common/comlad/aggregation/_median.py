"""The coordinate-wise median."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._protocol import Context
from comlad.aggregation._sparse import trimmed_mean_of_sparse
from comlad.config import require

__all__ = ["Median", "middle"]


@dataclass(frozen=True, slots=True)
class Median:
    """The coordinate-wise median (Yin et al., ICML 2018, Definition 1).

    In every coordinate the value in the middle; for an even number of vectors the mean
    of the two in the middle. Needs n > 2f. Beware of messages that are mostly zero, as
    with Rand-k and few coordinates kept: so is their median.
    """

    def check(self, n: int, f: int) -> None:
        right = f"the median of {n} vectors needs f ≥ 0 and 2f < {n}"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """4(1 + ρ)² with ρ = f/(n − 2f) (Allouah et al., AISTATS 2023, Table 1)."""
        return 4 * (1 + f / (n - 2 * f)) ** 2 if 2 * f < n else math.inf

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        return reduce_ranked(vectors, middle)

    def of_sparse(
        self,
        indices: NDArray[np.int64],
        values: NDArray[np.float64],
        n: int,
        dimension: int,
        context: Context,
    ) -> NDArray[np.float64]:
        # Trimming all but the one or two in the middle.
        return trimmed_mean_of_sparse(indices, values, n, dimension, (n - 1) // 2)


def middle(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
    """The medians of columns of ranked values, shape (w,) from (n, w)."""
    low: NDArray[np.float64] = ranked[(len(ranked) - 1) // 2]
    high: NDArray[np.float64] = ranked[len(ranked) // 2]
    return low if len(ranked) % 2 else 0.5 * low + 0.5 * high  # their sum could overflow
