"""How Krum and its kin score vectors: by how near the nearest others are."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["scores"]


def scores(distances: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Each vector's sum of squared distances to its `count` nearest others, shape (n,).

    Args:
        distances: Squared, between all vectors, shape (n, n).
        count: Less than n.
    """
    others = distances.copy()
    np.fill_diagonal(others, np.inf)
    # Sorted whole, so that equal distances add up to equal scores whatever their places.
    others.sort(axis=1)
    sums: NDArray[np.float64] = others[:, :count].sum(axis=1)
    return sums
