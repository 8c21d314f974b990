"""Inner products and distances that stay right beside huge liars and far from zero.

A rule whose result is Σ w_i x_i finds its weights from the n×n matrix of products;
only the products themselves and the sum at the end read all n×Q numbers.
"""

import numpy as np
from numpy.typing import NDArray

from comlad.errors import ConfigError

__all__ = ["central", "products", "reachable", "squared_from", "squared_from_mean"]

# Numbers in a block of all rows, and rows and columns in one of few, so that what is made
# of them stays in the cache.
_BLOCK = 2**19
_ROWS, _COLUMNS = 16, 2**14
# Squared distances so small beside the squared lengths lose digits to rounding.
_ALIKE = 1e-4
# Squares up to here can be added and multiplied by small numbers without an overflow.
_REACH = 1e300


def products(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """⟨x_i − c, x_j − c⟩ for all rows i and j, shape (n, n): symmetric; not finite on overflow.

    c is 0, or the row in the middle if the vectors are much nearer to one another than
    to 0. Among vectors that are equal to it all products are then exactly zero.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        gram: NDArray[np.float64] = vectors @ vectors.T
        # Not about the mean, which one huge liar moves so far that honest differences
        # are rounded away.
        row, square = central(gram)
        if square > _ALIKE * gram[row, row]:
            return gram
        return _products_about(vectors[row], vectors)


def central(gram: NDArray[np.float64]) -> tuple[int, float]:
    """The row that has more than half of all, itself included, nearest, and their radius².

    If more than half are honest, so is one of those.
    """
    half = len(gram) // 2
    squares = gram.diagonal() - 2 * gram + gram.diagonal()[:, None]
    squares[np.isnan(squares)] = np.inf
    radii = np.partition(squares, half, axis=1)[:, half]
    row = int(np.argmin(radii))
    return row, max(float(radii[row]), 0)


def reachable(gram: NDArray[np.float64]) -> NDArray[np.intp]:
    """The rows whose squares are within reach; what is farther away can only be a lie.

    Raises:
        ConfigError: They are not more than half.
    """
    rows = np.flatnonzero(gram.diagonal() < _REACH)
    if 2 * len(rows) <= len(gram):
        raise ConfigError("the squares of most vectors are out of the finite numbers")
    return rows


def squared_from(vectors: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖x_i − point‖² for all rows i, shape (n,); infinite on overflow."""
    n, dimension = vectors.shape
    squares = np.zeros(n)
    space = np.empty((_ROWS, min(_COLUMNS, dimension)))
    with np.errstate(over="ignore"):
        for column in range(0, dimension, _COLUMNS):
            part = point[column : column + _COLUMNS]
            for row in range(0, n, _ROWS):
                block = vectors[row : row + _ROWS, column : column + _COLUMNS]
                differences = np.subtract(block, part, out=space[: len(block), : len(part)])
                for i, difference in enumerate(differences, row):
                    squares[i] += difference @ difference
    return squares


def squared_from_mean(
    gram: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """‖x_i − Σ w_j x_j‖² for all i, from their `products`; the weights add up to 1."""
    to_mean = gram @ weights
    squares: NDArray[np.float64] = gram.diagonal() - 2 * to_mean + weights @ to_mean
    return np.maximum(squares, 0)


def _products_about(
    point: NDArray[np.float64], vectors: NDArray[np.float64]
) -> NDArray[np.float64]:
    n, dimension = vectors.shape
    width = max(_BLOCK // n, 1)
    gram = np.zeros((n, n))
    space = np.empty((n, min(width, dimension)))
    for start in range(0, dimension, width):
        part = point[start : start + width]
        differences = np.subtract(
            vectors[:, start : start + width], part, out=space[:, : len(part)]
        )
        gram += differences @ differences.T
    return gram
