"""The mean around the trimmed mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._averages import kappa_of_nearest, mean_of_nearest, mean_of_rows
from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._protocol import Context
from comlad.aggregation._trimmed_mean import TrimmedMean

__all__ = ["Phocas"]


@dataclass(frozen=True, slots=True)
class Phocas:
    """The mean of the values nearest to the trimmed mean (Xie et al., arXiv 1805.09682).

    In every coordinate the mean of the n − b values nearest to the mean that is left
    without the b largest and the b smallest. Of two that are equally near and cannot
    both be among them the lesser is, whoever sent it. The guarantee needs b ≥ f.

    Args:
        trim: b, as for the trimmed mean: a fraction of the vectors if it is not a whole
            number; f if it is not given.
    """

    trim: int | float | None = None

    def __post_init__(self) -> None:
        TrimmedMean(self.trim)  # refuses what cannot be

    def check(self, n: int, f: int) -> None:
        TrimmedMean(self.trim).check(n, f)

    def kappa(self, n: int, f: int) -> float:
        """4f/(n − f) · (1 + κ of the trimmed mean), if b = f."""
        return kappa_of_nearest(TrimmedMean(self.trim).kappa(n, f), n, f)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        count = TrimmedMean(self.trim).count(n, context.f)

        def around(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
            center = mean_of_rows(ranked[count : n - count])
            return mean_of_nearest(ranked, center, n - count)

        return reduce_ranked(vectors, around)
