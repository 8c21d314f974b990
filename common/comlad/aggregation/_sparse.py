"""Trimming columns that are mostly zero, at a cost in proportion to what is not."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["trimmed_mean_of_sparse"]


def trimmed_mean_of_sparse(
    indices: NDArray[np.int64], values: NDArray[np.float64], n: int, dimension: int, trim: int
) -> NDArray[np.float64]:
    """The mean of what is left without the `trim` least and greatest in every column, shape (Q,).

    Args:
        indices: The columns of values one after the other; none more than n times.
        values: What stands there; all else is zero.
        n: The number of values in a column, zeros included; 2 · trim < n.
        dimension: Q.
        trim: b, how many are dropped at each end.
    """
    # The zeros of a column stand between its negative values and its positive ones and
    # add nothing, so that each side can be trimmed by itself, from its end inwards.
    total = np.zeros(dimension)
    for sign in (1.0, -1.0):
        side = values * sign > 0
        total += sign * _left_of_side(indices[side], values[side] * sign, n, dimension, trim)
    return total / (n - 2 * trim)


def _left_of_side(
    columns: NDArray[np.int64], sizes: NDArray[np.float64], n: int, dimension: int, trim: int
) -> NDArray[np.float64]:
    """The sum of what trimming leaves of positive values, in every column."""
    # Where there are no more than b, none is left: so it is nearly everywhere if vectors
    # keep a hundredth of their coordinates, and hardly anything has to be sorted.
    some_left = np.bincount(columns, minlength=dimension) > trim
    chosen = some_left[columns]
    columns, sizes = _by_column_and_size(columns[chosen], sizes[chosen])
    if not len(columns):
        return np.zeros(dimension)
    firsts = np.flatnonzero(np.concatenate(([True], columns[1:] != columns[:-1])))
    lengths = np.diff(firsts, append=len(columns))
    ranks = np.arange(len(columns)) - np.repeat(firsts, lengths)  # 0 is the greatest
    left = (ranks >= trim) & (ranks < n - trim)
    return np.bincount(columns[left], sizes[left], dimension).astype(np.float64, copy=False)


def _by_column_and_size(
    columns: NDArray[np.int64], sizes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sorted by ascending column, and within it by descending size; sizes are positive."""
    with np.errstate(over="ignore", under="ignore"):
        singles = sizes.astype(np.float32)
    if not (singles == sizes).all() or columns.max(initial=0) >= 2**32:
        order = np.lexsort((-sizes, columns))
        return columns[order], sizes[order]
    # As they travel: then a column and a size fit into one integer. The bits of positive
    # floats are in the order of their values. Sorting integers is many times faster.
    bits = singles.view(np.uint32)
    keys = columns.astype(np.uint64) << np.uint64(32) | (~bits).astype(np.uint64)
    keys.sort()
    bits = ~(keys & np.uint64(2**32 - 1)).astype(np.uint32)
    return (keys >> np.uint64(32)).astype(np.int64), bits.view(np.float32).astype(np.float64)
