"""Masks that a key decides, so that no index has to travel."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from comlad.rng import keyed_numbers

__all__ = ["keyed_mask"]


# All devices of a process, and the server in a simulation, ask for a common mask of one round.
@lru_cache(maxsize=2)
def keyed_mask(key: bytes, dimension: int, kept: int, parts: int) -> NDArray[np.int64]:
    """The `kept` of Q coordinates that belong to 16 bytes, ascending; not to be written to.

    proto/comlad/v1/training.proto says at Round.common_key how they are drawn: uniformly,
    in time and memory that go with how many are drawn.
    """
    length = dimension // parts
    chosen = _chosen(key, length, kept // parts)
    mask = (chosen + length * np.arange(parts)[:, None]).reshape(-1)
    mask.flags.writeable = False
    return mask


def _chosen(key: bytes, length: int, kept: int) -> NDArray[np.int64]:
    if kept <= length // 2:
        return _first_named(key, length, kept)
    left_out = _first_named(key, length, length - kept)
    chosen = np.ones(length, bool)
    chosen[left_out] = False
    return np.flatnonzero(chosen)


def _first_named(key: bytes, length: int, count: int) -> NDArray[np.int64]:
    """The first `count` coordinates, at most half of all, that the key names; ascending."""
    if not count:
        return np.zeros(0, np.int64)
    # So many numbers name that many, on average; and a few more.
    numbers = int(-length * np.log1p(-count / length) + 4 * np.sqrt(count)) + 16
    while True:
        # A coordinate and the place where it is named in one integer: sorting these is fast.
        keys = _coordinates(keyed_numbers(key, numbers), length) << np.uint64(32)
        keys |= np.arange(numbers, dtype=np.uint64)
        keys.sort()
        named = keys >> np.uint64(32)
        first = np.ones(numbers, bool)
        np.not_equal(named[1:], named[:-1], out=first[1:])
        keys, named = keys[first], named[first]
        if len(named) >= count:
            break
        numbers *= 2
    if len(named) > count:
        places = keys & np.uint64(2**32 - 1)
        named = named[places <= np.partition(places, count - 1)[count - 1]]
    return named.astype(np.int64)


def _coordinates(numbers: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """floor(m L / 2^64) of each number m, for L below 2^31."""
    half, factor = np.uint64(32), np.uint64(length)
    low = (numbers & np.uint64(2**32 - 1)) * factor >> half
    return ((numbers >> half) * factor + low) >> half
