"""How long vectors are, and how far from one another."""

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import products

__all__ = ["norms", "squared_distances"]


def squared_distances(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between all rows, shape (n, n): symmetric, never negative or NaN, zero on the diagonal.

    From one matrix of products, so that rounding adds about 1e-16 of the squared
    lengths. What overflows is infinitely far.
    """
    gram = products(vectors)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = gram.diagonal()
        distances = squares[:, None] + squares - 2 * gram
    distances = np.where(np.isnan(distances), np.inf, np.maximum(distances, 0))
    np.fill_diagonal(distances, 0)
    return distances


def norms(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖x_i‖₂ of all rows, shape (n,); right also where squares are out of the finite numbers."""
    with np.errstate(over="ignore", under="ignore"):
        squares = np.einsum("ij,ij->i", vectors, vectors)
        lengths: NDArray[np.float64] = np.sqrt(squares)
        for row in np.flatnonzero(~((squares > 1e-280) & (squares < np.inf))):
            greatest = np.abs(vectors[row]).max(initial=0)
            if greatest > 0:
                parts = vectors[row] / greatest
                lengths[row] = greatest * np.sqrt(parts @ parts)
    return lengths
