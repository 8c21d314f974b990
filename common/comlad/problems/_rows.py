"""Samples z as rows, for models x that see them through the products <x, z> alone."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Slopes", "SubsetRows", "products"]

# Columns that are multiplied at a time.
_BLOCK = 8192

# From the products <x, z> of some samples, and where these stand, the derivatives of
# their losses by the product. May write over what it is given.
Slopes = Callable[[NDArray[np.float64], "slice | NDArray[np.intp]"], NDArray[np.float64]]


class SubsetRows:
    """Gradients of f_k(x) = (N/m) Σ_{D_k} l(<x, z>), each sample with an l of its own.

    That of a sample is l'(<x, z>) z, so that all a problem adds are the l'.

    Args:
        features: z of the m samples, in the order of the subsets, shape (m, Q).
        sizes: How many samples each subset has, shape (N,).
    """

    def __init__(self, features: NDArray[np.generic], sizes: NDArray[np.generic]) -> None:
        self.features = np.ascontiguousarray(features, np.float64)
        self.sizes = sizes.astype(np.intp)
        self._starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self._scale = len(sizes) / len(features)

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp], slopes: Slopes
    ) -> NDArray[np.float64]:
        """∇f_k for each k in `subsets`, shape (M, Q)."""
        result = np.empty((len(subsets), len(model)))
        # A product of its own for each subset: one large product of many subsets
        # could be blocked, and so rounded, in another way.
        for row, subset in zip(result, subsets, strict=True):
            members = slice(self._starts[subset], self._starts[subset + 1])
            features = self.features[members]
            np.matmul(slopes(features @ model, members), features, out=row)
        result *= self._scale
        return result

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
        slopes: Slopes,
    ) -> NDArray[np.float64]:
        """(N/m) (|D_k|/b) Σ l'(<x, z>) z over the b samples of each row, shape (P, Q)."""
        if len(samples) == 0:
            return np.empty((0, len(model)))
        counts = np.fromiter(map(len, samples), np.intp, len(samples))
        scales = self._scale * self.sizes[subsets] / counts
        members = np.concatenate(samples)
        members += np.repeat(self._starts[subsets], counts)
        rows = self.features[members]
        weights = slopes(products(rows, model), members)
        weights *= np.repeat(scales, counts)
        rows *= weights[:, None]
        return _sums(rows, counts)


def products(rows: NDArray[np.float64], model: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of each row with the model; its bits do not depend on the other rows."""
    # Neither @ nor einsum: BLAS groups rows, and einsum's buffer of 8192 numbers cuts
    # longer rows in other places when there are several. A block stays in the cache.
    result: NDArray[np.float64] = (rows[:, :_BLOCK] * model[:_BLOCK]).sum(axis=1)
    for start in range(_BLOCK, len(model), _BLOCK):
        block = slice(start, start + _BLOCK)
        result += (rows[:, block] * model[block]).sum(axis=1)
    return result


def _sums(rows: NDArray[np.float64], counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """The sum of the first counts[0] rows, of the next counts[1], and so on."""
    # One after the other, whatever the counts of the others: numpy's sum over several
    # rows, or its reduceat, may add in an order that depends on the shape.
    longest = int(counts.max())
    result: NDArray[np.float64]
    if longest == counts.min():
        runs = rows.reshape(len(counts), longest, -1)
        result = runs[:, 0].copy() if longest > 1 else rows
        for turn in range(1, longest):
            result += runs[:, turn]
        return result
    firsts = np.cumsum(counts) - counts
    result = rows[firsts]
    for turn in range(1, longest):
        going_on = np.flatnonzero(counts > turn)
        result[going_on] += rows[firsts[going_on] + turn]
    return result
