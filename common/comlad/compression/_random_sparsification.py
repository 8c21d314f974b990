"""Random sparsification, known as Rand-k."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._indices import IndexCodec, index_bound
from comlad.compression._keep import check_keep, check_kept, kept_of, subset_bits
from comlad.compression._masks import keyed_mask
from comlad.compression._payloads import Masked, Payload, Sparse, require_form
from comlad.compression._protocol import Draws, MaskScope, contraction
from comlad.compression._value_types import (
    HALVES,
    ValueType,
    in_type,
    rounding_delta,
    value_bytes,
)
from comlad.config import require

__all__ = ["RandomSparsification"]

_SCOPES: dict[str, MaskScope] = {"seeded": "device", "common": "round"}

# Up to so many coordinates, a number drawn for each is the fastest way to choose some.
_SHORT = 256
# Up to so many indices a plain sort is faster than marking.
_FEW = 512


@dataclass(frozen=True, slots=True)
class RandomSparsification:
    """Q̂ coordinates, drawn uniformly, times Q/Q̂ (LAD, Section V).

    Unbiased, with E‖C(g) − g‖² = (Q/Q̂ − 1) ‖g‖². With scaled = false they are sent as they
    are: biased, with E‖C(g) − g‖² = (1 − Q̂/Q) ‖g‖², as error feedback needs it.

    With index = "seeded" the server sends each device in each round 16 bytes that say
    which: no index travels, and a liar cannot pick the coordinates that it spoils.

    With index = "common" all devices keep the same coordinates in a round, as in RoSDHB
    (Gupta et al., AISTATS 2026, arXiv 2508.17129): no index travels, rules that go by
    coordinates see no zeros that are only missing, and C is one linear map for all. The
    price is that the error of a mean no longer falls with the number of devices, and
    that liars know which coordinates count before they answer.

    Args:
        keep: Q̂, how many coordinates are kept; a fraction of Q if it is not a whole
            number.
        index: How the server learns which. The device tells it: as "gaps" between
            ascending indices, by a "bitmap", in a "rice" code of the gaps, or in whichever
            is shortest, "auto". Or the server chooses: "seeded", for each device and
            round; "common", for all devices of a round.
        values: The type in which values travel; "float16" and "bfloat16" as in identity.
        parts: Into how many of the same length a vector is cut; the same coordinates of
            each are kept, Q̂ in all. 2 for the real and the imaginary parts of a code.
            More than 1 under a common mask only.
        scaled: Whether what is kept is multiplied by Q/Q̂.
    """

    keep: int | float
    index: Literal["auto", "gaps", "bitmap", "rice", "seeded", "common"] = "auto"
    values: ValueType = "float32"
    parts: int = 1
    scaled: bool = True

    def __post_init__(self) -> None:
        check_keep(self.keep)
        right = 'must be 1, or more if index = "common"'
        require(
            self.parts == 1 or (self.parts > 1 and self.index == "common"),
            "parts",
            self.parts,
            right,
        )

    @property
    def mask_scope(self) -> MaskScope:
        return _SCOPES.get(self.index, "none")

    @property
    def _codec(self) -> IndexCodec | None:
        """How the device tells which; None if the server chose them."""
        match self.index:
            case "seeded" | "common":
                return None
            case codec:
                return codec

    @property
    def agreement(self) -> Literal["none", "repeats", "linear"]:
        if self.index != "common" or self.values in HALVES:
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

    def mask(self, dimension: int, key: bytes) -> NDArray[np.int64]:
        """The coordinates that belong to a key, ascending; not to be written to."""
        return keyed_mask(key, dimension, self.kept(dimension), self.parts)

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Sparse:
        dimension, kept = len(vector), self.kept(len(vector))
        scale = dimension / kept if self.scaled else 1.0
        if (codec := self._codec) is None:
            mask = self.mask(dimension, draws.mask_key)
            values = in_type(self.values, vector[mask] * scale, draws)
            return Masked(dimension, mask, values)
        indices = _draw(draws.rng, dimension, kept)
        values = in_type(self.values, vector[indices] * scale, draws)
        return Sparse(dimension, indices, values, codec)

    def admit(self, payload: Payload, dimension: int) -> None:
        form = "sparse" if self.mask_scope == "none" else "masked"
        require_form(payload, f"{form} {self.values}, {self.kept(dimension)} values")

    def payload_bound(self, dimension: int) -> int:
        return self.index_bound(dimension) + value_bytes(self.values, self.kept(dimension))

    def index_bound(self, dimension: int) -> int:
        if (codec := self._codec) is None:
            return 0
        return index_bound(codec, dimension, self.kept(dimension))

    def index_bits(self, dimension: int) -> float:
        told = self.mask_scope != "none"
        return 0.0 if told else subset_bits(dimension, self.kept(dimension))

    def delta(self, dimension: int) -> float | None:
        if not self.scaled:
            return None
        return dimension / self.kept(dimension) * (1 + rounding_delta(self.values)) - 1

    def alpha(self, dimension: int) -> float | None:
        if not self.scaled:
            return self.kept(dimension) / dimension * (1 - rounding_delta(self.values))
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        values = value_bytes(self.values, self.kept(dimension))
        return self.index_bits(dimension) + 8 * values


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
