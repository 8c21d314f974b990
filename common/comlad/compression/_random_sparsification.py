"""Random sparsification, known as Rand-k."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.compression._payloads import Payload, Sparse, ValueType
from comlad.config import require
from comlad.errors import MessageError

__all__ = ["RandomSparsification"]

# Up to so many indices a plain sort is faster than marking.
_FEW = 512


@dataclass(frozen=True, slots=True)
class RandomSparsification:
    """Q̂ coordinates, drawn uniformly, times Q/Q̂ (LAD, Section V).

    Unbiased, with E‖C(g) − g‖² = (Q/Q̂ − 1) ‖g‖².

    Args:
        keep: Q̂, how many coordinates are kept; a fraction of Q if it is not a whole
            number.
        index: How the indices travel. "auto" chooses the shortest of the others;
            "gaps" between ascending indices.
        values: The type in which values travel.
    """

    keep: int | float
    index: Literal["auto", "gaps"] = "auto"
    values: ValueType = "float32"

    def __post_init__(self) -> None:
        if isinstance(self.keep, int):
            require(self.keep >= 1, "keep", self.keep, "must be at least 1 coordinate")
        else:
            right = "must be a fraction between 0 and 1, or a whole number of coordinates"
            require(0 < self.keep <= 1, "keep", self.keep, right)

    def kept(self, dimension: int) -> int:
        """Q̂ for vectors of length Q."""
        if isinstance(self.keep, int):
            return self.keep
        return max(1, round(self.keep * dimension))

    def check(self, dimension: int) -> None:
        right = f"must be at most {dimension}, the dimension of the model"
        require(self.kept(dimension) <= dimension, "keep", self.keep, right)

    def compress(self, vector: NDArray[np.float64], rng: Generator) -> Sparse:
        dimension, kept = len(vector), self.kept(len(vector))
        chosen = rng.choice(dimension, kept, replace=False, shuffle=False)
        indices = np.sort(chosen) if kept < _FEW else _sorted_by_marking(chosen, dimension)
        values = vector[indices] * (dimension / kept)
        return Sparse(dimension, indices, values.astype(self.values))

    def admit(self, payload: Payload, dimension: int) -> None:
        kept = self.kept(dimension)
        if (
            not isinstance(payload, Sparse)
            or payload.values.dtype != self.values
            or len(payload.values) != kept
        ):
            raise MessageError(f"{payload.describe()}: must be sparse {self.values}, {kept} values")

    def payload_bound(self, dimension: int) -> int:
        gap_bytes = -(-max(1, (dimension - 1).bit_length()) // 7)
        return self.kept(dimension) * (gap_bytes + np.dtype(self.values).itemsize)


def _sorted_by_marking(chosen: NDArray[np.int64], dimension: int) -> NDArray[np.int64]:
    """The same indices in order; a tenth of the time of a sort when they are many."""
    mask = np.zeros(dimension, bool)
    mask[chosen] = True
    return np.flatnonzero(mask)
