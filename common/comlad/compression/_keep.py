"""What sparsifiers share: how many coordinates are kept, which, and what naming them costs."""

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray

from comlad.config import require

# Up to so many keys a sort of all is the fastest way.
_SHORT = 300

__all__ = ["check_keep", "check_kept", "kept_of", "lowest", "subset_bits"]


def check_keep(keep: int | float) -> None:
    """Raise ConfigError unless `keep` is a whole number from 1 or a fraction up to 1."""
    if isinstance(keep, int):
        require(keep >= 1, "keep", keep, "must be at least 1 coordinate")
    else:
        right = "must be a fraction between 0 and 1, or a whole number of coordinates"
        require(0 < keep <= 1, "keep", keep, right)


def kept_of(keep: int | float, dimension: int) -> int:
    """How many of Q coordinates are kept."""
    if isinstance(keep, int):
        return keep
    return max(1, round(keep * dimension))


def check_kept(keep: int | float, dimension: int) -> None:
    """Raise ConfigError if there are not so many."""
    right = f"must be at most {dimension}, the length of the vector"
    require(kept_of(keep, dimension) <= dimension, "keep", keep, right)


def lowest(keys: NDArray[np.uint64] | NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Where the `count` lowest keys are, ascending; of equal ones the first. Takes no NaN."""
    if len(keys) <= _SHORT:
        return np.sort(keys.argsort(kind="stable")[:count])
    bound = np.partition(keys, count - 1)[count - 1]
    chosen = keys < bound
    equal = np.flatnonzero(keys == bound)
    chosen[equal[: count - np.count_nonzero(chosen)]] = True
    return np.flatnonzero(chosen)


def subset_bits(dimension: int, kept: int) -> float:
    """log₂ of the number of subsets, the entropy of one that is drawn uniformly."""
    whole, part, rest = (lgamma(count + 1) for count in (dimension, kept, dimension - kept))
    return (whole - part - rest) / log(2)
