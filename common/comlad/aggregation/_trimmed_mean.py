"""The coordinate-wise trimmed mean."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._averages import mean_of_rows
from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._protocol import Context
from comlad.aggregation._sparse import trimmed_mean_of_sparse
from comlad.config import require

__all__ = ["TrimmedMean"]


@dataclass(frozen=True, slots=True)
class TrimmedMean:
    """The coordinate-wise trimmed mean (Yin et al., ICML 2018, Definition 2).

    In every coordinate the b largest and the b smallest values are dropped and the
    rest averaged. The guarantee needs b ≥ f. The LAD paper's parameter 0.1 is read as
    a fraction dropped at each end, although f/N is larger there: with b = f and Rand-k
    most coordinates are zero in most messages, and only zeros are left.

    Args:
        trim: b, how many values are dropped at each end; a fraction of the vectors
            if it is not a whole number; f if it is not given.
    """

    trim: int | float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.trim, float):
            right = "must be less than 0.5: a fraction dropped at each end"
            require(0 <= self.trim < 0.5, "trim", self.trim, right)
        elif self.trim is not None:
            require(self.trim >= 0, "trim", self.trim, "must be at least 0")

    def count(self, n: int, f: int) -> int:
        """How many of n values are dropped at each end if f may be bad."""
        if self.trim is None:
            return f
        if isinstance(self.trim, int):
            return self.trim
        return int(self.trim * n + 1e-9)  # 0.29 * 100 is 28.999999999999996

    def check(self, n: int, f: int) -> None:
        count = self.count(n, f)
        right = f"drops {count} at each end and leaves none of {n} vectors; must be less"
        key, found = ("tolerate", f) if self.trim is None else ("trim", self.trim)
        require(2 * count < n, key, found, right)

    def kappa(self, n: int, f: int) -> float:
        """6ρ(1 + ρ) with ρ = f/(n − 2f) if b = f (Allouah et al., AISTATS 2023, Table 1)."""
        if self.count(n, f) != f or 2 * f >= n:
            return math.inf
        share = f / (n - 2 * f)
        return 6 * share * (1 + share)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        count = self.count(n, context.f)
        return reduce_ranked(vectors, lambda ranked: mean_of_rows(ranked[count : n - count]))

    def of_sparse(
        self,
        indices: NDArray[np.int64],
        values: NDArray[np.float64],
        n: int,
        dimension: int,
        context: Context,
    ) -> NDArray[np.float64]:
        count = self.count(n, context.f)
        return trimmed_mean_of_sparse(indices, values, n, dimension, count)
