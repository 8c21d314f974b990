"""Top-k sparsification."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._indices import IndexCodec, index_bound
from comlad.compression._keep import check_keep, check_kept, kept_of, lowest, subset_bits
from comlad.compression._payloads import Payload, Sparse, require_form
from comlad.compression._protocol import Draws
from comlad.compression._value_types import (
    HALVES,
    ValueType,
    in_type,
    rounding_delta,
    value_bytes,
)

__all__ = ["TopK"]


@dataclass(frozen=True, slots=True)
class TopK:
    """The k coordinates of largest magnitude, as they are (Stich et al., NeurIPS 2018, 1809.07599).

    ‖C(g) − g‖² ≤ (1 − k/Q) ‖g‖², with equality where all magnitudes are the same: α = k/Q.
    Biased: for methods that correct errors over time. Of equal magnitudes the lowest
    index is kept; NaN counts as larger than any number, so that it is not lost.

    Args:
        keep: k, how many coordinates are kept; a fraction of Q if it is not a whole
            number.
        index: How the device tells which: as "gaps" between ascending indices, by a
            "bitmap", in a "rice" code of the gaps, or in whichever is shortest, "auto".
        values: The type in which values travel; "float16" and "bfloat16" as in identity.
    """

    keep: int | float
    index: IndexCodec = "auto"
    values: ValueType = "float32"

    def __post_init__(self) -> None:
        check_keep(self.keep)

    @property
    def agreement(self) -> Literal["none", "repeats"]:
        return "none" if self.values in HALVES else "repeats"

    def kept(self, dimension: int) -> int:
        """How many of Q, k."""
        return kept_of(self.keep, dimension)

    def check(self, dimension: int) -> None:
        check_kept(self.keep, dimension)

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Sparse:
        dimension = len(vector)
        keys = -np.abs(vector)
        keys[np.isnan(keys)] = -np.inf
        indices = lowest(keys, self.kept(dimension))
        values = in_type(self.values, vector[indices], draws)
        return Sparse(dimension, indices, values, self.index)

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"sparse {self.values}, {self.kept(dimension)} values")

    def payload_bound(self, dimension: int) -> int:
        return self.index_bound(dimension) + value_bytes(self.values, self.kept(dimension))

    def index_bound(self, dimension: int) -> int:
        return index_bound(self.index, dimension, self.kept(dimension))

    def index_bits(self, dimension: int) -> float:
        return subset_bits(dimension, self.kept(dimension))

    def delta(self, dimension: int) -> float | None:
        return None

    def alpha(self, dimension: int) -> float:
        return self.kept(dimension) / dimension * (1 - rounding_delta(self.values))

    def bits(self, dimension: int) -> float:
        values = value_bytes(self.values, self.kept(dimension))
        return self.index_bits(dimension) + 8 * values
