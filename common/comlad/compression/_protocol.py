"""What every compressor offers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._payloads import Payload

__all__ = [
    "Bounded",
    "Compressor",
    "Draws",
    "MaskScope",
    "Sparsifier",
    "TakesMask",
    "Uniform",
    "contraction",
    "mask_scope",
]

# Masks that the server chooses: none, one for each device and round, one for all of a round.
MaskScope = Literal["none", "device", "round"]


@dataclass(frozen=True, eq=False)
class Draws:
    """The randomness of one compression.

    Args:
        generator: Makes the device's own draws. Asked once, and only where something is
            drawn: making a generator takes longer than compressing a short vector.
        mask_key: 16 bytes that the server sent to say which coordinates to keep; empty
            unless the compressor takes a mask.
    """

    generator: Callable[[], Generator]
    mask_key: bytes = b""

    @cached_property
    def rng(self) -> Generator:
        """The device's own draws."""
        return self.generator()


class Compressor(Protocol):
    """A configured compressor: a frozen dataclass whose fields are its parameters."""

    def check(self, dimension: int) -> None:
        """Raise ConfigError if vectors of length Q = `dimension` cannot be compressed so."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Payload:
        """C(vector) as it will travel; `vector` has shape (Q,) and is left as it is."""

    def admit(self, payload: Payload, dimension: int) -> None:
        """Raise MessageError unless an honest device could send this for a vector of length Q.

        The payload is well formed; this is about its kind, its type and its number of values.
        """

    def payload_bound(self, dimension: int) -> int:
        """The bytes that the payload of a vector of length Q can have at most."""


@runtime_checkable
class Bounded(Protocol):
    """A compressor with a known error, for vectors of length Q = `dimension`.

    What is given is the best that is known to hold for all g. Rounding of values to
    float32 or float64 is left out of account.
    """

    def delta(self, dimension: int) -> float | None:
        """δ of E‖C(g) − g‖² ≤ δ‖g‖², if E C(g) = g; else None."""

    def alpha(self, dimension: int) -> float | None:
        """α of E‖C(g) − g‖² ≤ (1 − α)‖g‖²; None if none above 0 is known."""

    def bits(self, dimension: int) -> float:
        """The bits that C(g) needs: values as they travel, indices at their entropy."""


@runtime_checkable
class TakesMask(Protocol):
    """A compressor that can let the server choose, by a key, which coordinates are kept."""

    @property
    def mask_scope(self) -> MaskScope:
        """Whose vectors a key is for."""

    @property
    def parts(self) -> int:
        """Into how many of the same length a vector is cut; of each the same are kept."""

    def mask(self, dimension: int, key: bytes) -> NDArray[np.int64]:
        """The coordinates that are kept, ascending, as server and devices know them."""


@runtime_checkable
class Sparsifier(Compressor, Protocol):
    """A compressor that keeps some coordinates, and may be the first of a chain."""

    def kept(self, dimension: int) -> int:
        """How many."""

    def index_bits(self, dimension: int) -> float:
        """The entropy of which ones, in bits; 0 if the server knows."""

    def index_bound(self, dimension: int) -> int:
        """The bytes in which it is told which ones, at most."""


@runtime_checkable
class Uniform(Protocol):
    """A compressor that treats all devices' vectors alike in a round."""

    @property
    def agreement(self) -> Literal["none", "repeats", "linear"]:
        """How far: "linear" if C is one linear map, in float64, for all devices of a round.

        "repeats" if it gives the same payload for the same vector, whoever sends it.
        """


def contraction(delta: float | None) -> float | None:
    """α of an unbiased compressor with that δ."""
    return 1 - delta if delta is not None and delta < 1 else None


def mask_scope(compressor: Compressor) -> MaskScope:
    """Whether the server chooses what is kept, and for whom at a time."""
    # Asked in every round, for which isinstance with a protocol takes too long.
    scope: MaskScope = getattr(compressor, "mask_scope", "none")
    return scope
