"""Keyed randomness: every draw is a function of the run's seed and of what it is for.

Nothing here has state that survives a call, so that the order in which devices
answer, restart or are simulated can't change a number. The numbers of the
streams and purposes are part of what a seed means and never change.
"""

from enum import IntEnum

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

__all__ = [
    "Purpose",
    "Stream",
    "device_generator",
    "device_key",
    "keyed_numbers",
    "run_generator",
]


class Stream(IntEnum):
    """What the server draws for."""

    DATA = 0
    BYZANTINE = 1
    PLAN = 2
    AGGREGATION = 3
    DEVICE = 4
    DECODING = 5


class Purpose(IntEnum):
    """What a device draws for."""

    COMPRESSION = 0
    ATTACK = 1
    SAMPLING = 2
    GUESS = 3


def run_generator(seed: int, stream: Stream, round: int = 0) -> Generator:
    """The generator of one of the server's streams in one round."""
    return Generator(Philox(SeedSequence(seed, spawn_key=(stream, round))))


def device_key(seed: int, device: int) -> bytes:
    """The 16 secret bytes from which a device draws; the server gives each device its own.

    A device that knew the run's seed would know every other device's draws as well.
    """
    words = SeedSequence(seed, spawn_key=(Stream.DEVICE, device)).generate_state(2, np.uint64)
    return words.astype("<u8").tobytes()


def device_generator(key: bytes, purpose: Purpose, round: int) -> Generator:
    """A device's generator for one purpose in one round: Philox with `key` and that counter."""
    counter = np.array([0, 0, purpose, round], np.uint64)
    return Generator(Philox(_Key(key), counter=counter))  # type: ignore[arg-type]  # numpy's stubs


def keyed_numbers(key: bytes, count: int) -> NDArray[np.uint64]:
    """The first 64-bit numbers of Philox4x64-10 under a key of 16 bytes, counted from 1."""
    return Philox(_Key(key)).random_raw(count)  # type: ignore[arg-type]  # numpy's stubs


class _Key(ISeedSequence):
    """A Philox key as it is. `Philox(key=…)` would ask the system for entropy first, in vain."""

    def __init__(self, key: bytes) -> None:
        self._words = np.frombuffer(key, "<u8")

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> NDArray[np.uint64]:
        return self._words
