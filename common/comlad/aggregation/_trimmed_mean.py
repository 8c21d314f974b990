"""The coordinate-wise trimmed mean."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.config import require

__all__ = ["TrimmedMean"]

# Columns that are worked on at a time, so that a block of them stays in the cache.
_SORT_BLOCK = 1024
_SELECT_BLOCK = 4096
# Up to so many vectors, selecting by comparing whole rows beats sorting each column.
_FEW = 16


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
        """B for n vectors of which f may be bad."""
        if self.trim is None:
            return f
        if isinstance(self.trim, int):
            return self.trim
        return int(self.trim * n + 1e-9)  # 0.29 * 100 is 28.999999999999996

    def check(self, n: int, f: int) -> None:
        count = self.count(n, f)
        right = f"drops {count} at each end and leaves none of {n} vectors; must be less"
        require(2 * count < n, "trim", self.trim, right)

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        n, dimension = vectors.shape
        count = self.count(n, f)
        few = n <= _FEW and dimension >= _SELECT_BLOCK
        block, average = (_SELECT_BLOCK, _by_selection) if few else (_SORT_BLOCK, _by_sorting)
        result = np.empty(dimension)
        for start in range(0, dimension, block):
            columns = slice(start, start + block)
            average(vectors[:, columns], count, result[columns])
        return result


def _by_sorting(vectors: NDArray[np.float64], count: int, result: NDArray[np.float64]) -> None:
    # Transposed, because a sort along the contiguous axis is several times faster.
    columns = np.ascontiguousarray(vectors.T)
    columns.sort(axis=1)
    np.mean(columns[:, count : len(vectors) - count], axis=1, out=result)


def _by_selection(vectors: NDArray[np.float64], count: int, result: NDArray[np.float64]) -> None:
    """Move the largest up and the smallest down, `count` times, in all columns at once."""
    n = len(vectors)
    rows, spare = list(vectors.copy()), np.empty_like(vectors[0])
    for end in range(count):
        up = [(i, i + 1) for i in range(end, n - 1 - end)]
        down = [(i - 1, i) for i in range(n - 2 - end, end, -1)]
        for low, high in up + down:
            np.minimum(rows[low], rows[high], out=spare)
            np.maximum(rows[low], rows[high], out=rows[high])
            rows[low], spare = spare, rows[low]
    result[:] = rows[count]
    for row in rows[count + 1 : n - count]:
        result += row
    result /= n - 2 * count
