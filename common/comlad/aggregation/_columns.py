"""What all coordinate-wise rules begin with: each column's values, from least to greatest.

Columns are worked on block by block, so that a block stays in the cache, and those of
large matrices on all cores. Blocks do not depend on the number of cores, nor columns on
one another: the result is the same to the last bit.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["reduce_ranked"]

# Numbers in a block.
_BLOCK = 2**17
# From so many numbers on, a thread is worth its start.
_LARGE = 2**22
# Up to so many vectors, exchanges between whole rows beat sorting each column.
_FEW = 12


def reduce_ranked(
    vectors: NDArray[np.float64], reduce: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """What `reduce` makes of the ranked values of all columns, shape (Q,).

    Args:
        vectors: Shape (n, Q).
        reduce: From shape (n, w), where row r holds the (r + 1)-th least value of each of
            some w columns, to shape (w,); of each column by itself. It runs in several
            threads at once.
    """
    n, dimension = vectors.shape
    width = max(_BLOCK // n, 1)
    starts = range(0, dimension, width)
    few = n <= _FEW and len(starts) > 1
    large = vectors.size >= _LARGE and not few
    workers = min(_cores(), len(starts)) if large else 1
    result = np.empty(dimension)
    # By this thread: a new one would get each page of it from the kernel first.
    spaces = np.empty((workers, min(width, dimension), n))
    errors = np.geterr()  # which another thread does not inherit

    def work(first: int) -> None:
        with np.errstate(**errors):
            for start in starts[first::workers]:
                block = vectors[:, start : start + width]
                ranked = _by_exchanges(block) if few else _by_sorting(block, spaces[first])
                result[start : start + width] = reduce(ranked)

    if workers == 1:
        work(0)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, range(workers)))
    return result


def _cores() -> int:
    """Those that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _by_sorting(block: NDArray[np.float64], space: NDArray[np.float64]) -> NDArray[np.float64]:
    # Transposed, because a sort along the contiguous axis is several times faster. For 100
    # vectors two thirds of the time are the sort and nearly all else this copy. Not faster
    # with numpy: partition (8 times as long), exchanges (4 times), copying blocks before
    # transposing them, sorting halves, and sorting as float32 what is float32, which gains
    # in the sort no more than looking and converting cost.
    columns = space[: block.shape[1]]
    np.copyto(columns, block.T)
    columns.sort(axis=1)
    return columns.T


def _by_exchanges(block: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, spare = list(block.copy()), np.empty_like(block[0])
    for low, high in _exchanges(len(rows)):
        np.minimum(rows[low], rows[high], out=spare)
        np.maximum(rows[low], rows[high], out=rows[high])
        rows[low], spare = spare, rows[low]
    return np.stack(rows)


@cache
def _exchanges(n: int) -> tuple[tuple[int, int], ...]:
    """Batcher's odd-even merge sort (AFIPS 1968): pairs that are put in order one by one."""
    pairs = []
    size = 1  # of the sorted runs that are merged in pairs
    while size < n:
        step = size
        while step:
            for low in range(step % size, n - step):
                same_run = low // (2 * size) == (low + step) // (2 * size)
                if same_run and (low - step % size) // step % 2 == 0:
                    pairs.append((low, low + step))
            step //= 2
        size *= 2
    return tuple(pairs)
