"""The mean around the median."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._averages import kappa_of_nearest, mean_of_nearest
from comlad.aggregation._columns import reduce_ranked
from comlad.aggregation._median import Median, middle
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["MeanAroundMedian"]


@dataclass(frozen=True, slots=True)
class MeanAroundMedian:
    """The mean of the values nearest to the median (Xie et al., arXiv 1802.10116, "meamed").

    In every coordinate the mean of the n − f values nearest to the median. Of two that
    are equally near and cannot both be among them the lesser is, whoever sent it; in
    ByzFL it depends on the order of the vectors and on the processor. Needs n > 2f.
    """

    def check(self, n: int, f: int) -> None:
        right = f"the mean around the median of {n} vectors needs f ≥ 0 and 2f < {n}"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def kappa(self, n: int, f: int) -> float:
        """4f/(n − f) · (1 + κ of the median)."""
        return kappa_of_nearest(Median().kappa(n, f), n, f)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        count = len(vectors) - context.f
        return reduce_ranked(vectors, lambda ranked: mean_of_nearest(ranked, middle(ranked), count))
