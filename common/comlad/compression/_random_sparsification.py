"""Random sparsification, known as Rand-k."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._keep import (
    check_keep,
    check_kept,
    gaps_bound,
    kept_of,
    lowest,
    subset_bits,
)
from comlad.compression._payloads import Masked, Payload, Sparse, require_form
from comlad.compression._protocol import Draws, contraction
from comlad.compression._values import ValueType
from comlad.config import require
from comlad.rng import keyed_numbers

__all__ = ["RandomSparsification"]

# Up to so many coordinates, a number drawn for each is the fastest way to choose some.
_SHORT = 256
# Up to so many indices a plain sort is faster than marking.
_FEW = 512


@dataclass(frozen=True, slots=True)
class RandomSparsification:
    """Q̂ coordinates, drawn uniformly, times Q/Q̂ (LAD, Section V).

    Unbiased, with E‖C(g) − g‖² = (Q/Q̂ − 1) ‖g‖².

    With index = "common" all devices keep the same coordinates in a round, as in RoSDHB
    (Gupta et al., AISTATS 2026, arXiv 2508.17129): no index travels, rules that go by
    coordinates see no zeros that are only missing, and C is one linear map for all. The
    price is that the error of a mean no longer falls with the number of devices, and
    that liars know which coordinates count before they answer.

    Args:
        keep: Q̂, how many coordinates are kept; a fraction of Q if it is not a whole
            number.
        index: How the server learns which. "auto" chooses the shortest of the ways to
            tell it; "gaps" between ascending indices; "common": it told the devices.
        values: The type in which values travel.
        parts: Into how many of the same length a vector is cut; the same coordinates of
            each are kept, Q̂ in all. 2 for the real and the imaginary parts of a code.
            More than 1 under a common mask only.
    """

    keep: int | float
    index: Literal["auto", "gaps", "common"] = "auto"
    values: ValueType = "float32"
    parts: int = 1

    def __post_init__(self) -> None:
        check_keep(self.keep)
        right = 'must be 1, or more if index = "common"'
        require(
            self.parts == 1 or (self.parts > 1 and self.shares_mask), "parts", self.parts, right
        )

    @property
    def shares_mask(self) -> bool:
        return self.index == "common"

    @property
    def agreement(self) -> Literal["none", "repeats", "linear"]:
        if not self.shares_mask:
            return "none"
        return "linear" if self.values == "float64" else "repeats"

    def kept(self, dimension: int) -> int:
        """How many of Q, Q̂."""
        if isinstance(self.keep, int):
            return self.keep
        return self.parts * kept_of(self.keep, dimension // self.parts)

    def check(self, dimension: int) -> None:
        check_kept(self.keep, dimension)
        right = f"must divide {dimension}, the length of the vector, and what is kept of it"
        divides = dimension % self.parts == 0 == self.kept(dimension) % self.parts
        require(divides, "parts", self.parts, right)

    def mask(self, dimension: int, common_key: bytes) -> NDArray[np.int64]:
        """The coordinates that all keep in the round of that key, ascending; not to be written to.

        Each coordinate of a part gets a 64-bit number in turn (`keyed_numbers`); those
        with the lowest are kept.
        """
        return _common_mask(common_key, dimension, self.kept(dimension), self.parts)

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Sparse:
        dimension, kept = len(vector), self.kept(len(vector))
        if self.shares_mask:
            mask = self.mask(dimension, draws.common_key)
            values = vector[mask] * (dimension / kept)
            return Masked(dimension, mask, values.astype(self.values))
        indices = _draw(draws.rng, dimension, kept)
        values = vector[indices] * (dimension / kept)
        return Sparse(dimension, indices, values.astype(self.values))

    def admit(self, payload: Payload, dimension: int) -> None:
        form = "masked" if self.shares_mask else "sparse"
        require_form(payload, f"{form} {self.values}, {self.kept(dimension)} values")

    def payload_bound(self, dimension: int) -> int:
        value_bytes = np.dtype(self.values).itemsize
        return self.index_bound(dimension) + self.kept(dimension) * value_bytes

    def index_bound(self, dimension: int) -> int:
        return 0 if self.shares_mask else gaps_bound(dimension, self.kept(dimension))

    def index_bits(self, dimension: int) -> float:
        return 0.0 if self.shares_mask else subset_bits(dimension, self.kept(dimension))

    def delta(self, dimension: int) -> float:
        return dimension / self.kept(dimension) - 1

    def alpha(self, dimension: int) -> float | None:
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        value_bits = 8 * np.dtype(self.values).itemsize
        return self.index_bits(dimension) + self.kept(dimension) * value_bits


# All devices of a process, and the server in a simulation, ask for the mask of one round.
@lru_cache(maxsize=2)
def _common_mask(key: bytes, dimension: int, kept: int, parts: int) -> NDArray[np.int64]:
    length = dimension // parts
    chosen = lowest(keyed_numbers(key, length), kept // parts)
    mask = (chosen + length * np.arange(parts)[:, None]).reshape(-1)
    mask.flags.writeable = False
    return mask


def _draw(rng: Generator, dimension: int, kept: int) -> NDArray[np.int64]:
    """A uniform choice of `kept` from `dimension` indices, ascending."""
    if dimension <= _SHORT:
        indices = rng.random(dimension).argpartition(kept - 1)[:kept]
        indices.sort()
        return indices
    chosen = rng.choice(dimension, kept, replace=False, shuffle=False)
    return np.sort(chosen) if kept < _FEW else _sorted_by_marking(chosen, dimension)


def _sorted_by_marking(chosen: NDArray[np.int64], dimension: int) -> NDArray[np.int64]:
    """The same indices in order; a tenth of the time of a sort when they are many."""
    mask = np.zeros(dimension, bool)
    mask[chosen] = True
    return np.flatnonzero(mask)
