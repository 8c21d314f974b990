"""Averages of ranked values: row r holds the (r + 1)-th least of every column."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["kappa_of_nearest", "mean_of_nearest", "mean_of_rows"]


def mean_of_rows(ranked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shape (w,) from (n, w)."""
    # For short columns einsum adds several times as fast as mean.
    mean: NDArray[np.float64] = np.einsum("ij->j", ranked) / len(ranked)
    return mean


def mean_of_nearest(
    ranked: NDArray[np.float64], center: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """The mean of the `count` values of every column that are nearest to its center.

    Of two equally near ones the lesser goes first.
    """
    # They are neighbours in rank: of a value and the one that is `count` ranks above it
    # no more than one is among them, and the farther is not.
    spare = len(ranked) - count
    lesser, greater = ranked[:spare], ranked[count:]
    less = center - lesser <= greater - center
    if count < spare:
        among = np.ones(ranked.shape, dtype=bool)
        among[:spare] &= less
        among[count:] &= ~less
        few: NDArray[np.float64] = np.einsum("ij->j", np.where(among, ranked, 0))
        return few / count
    # If that is at least half, exactly one is, and those that are between in rank always are.
    nearer = np.where(less, lesser, greater)
    total: NDArray[np.float64] = np.einsum("ij->j", ranked[spare:count])
    total += np.einsum("ij->j", nearer)
    total /= count
    return total


def kappa_of_nearest(kappa: float, n: int, f: int) -> float:
    """κ of averaging the n − f values nearest to a center that has this κ itself.

    Let S be n − f values, V the mean of (x − x̄)² over them, and W the n − f nearest to
    the center c. As many are in W only as are in S only, f at most, and they are no
    farther from c. So |aggregate − x̄| ≤ 2/(n − f) · Σ|x − c| over those in S only, of
    which the square is at most 4f/(n − f) · (mean of (x − c)² over S)
    = 4f/(n − f) · (V + (c − x̄)²).
    """
    return 4 * f / (n - f) * (1 + kappa) if math.isfinite(kappa) else math.inf
