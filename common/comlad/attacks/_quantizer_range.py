"""A few bits that mean a lot."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.compression import (
    Payload,
    QsgdValues,
    SignValues,
    TernaryValues,
    TwoLevelValues,
    Values,
)
from comlad.config import require

__all__ = ["QuantizerRange"]


@dataclass(frozen=True, slots=True)
class QuantizerRange:
    """The honest payload of a quantiser that claims to cover a huge range.

    A quantised vector travels as a small code for each coordinate and the range that the
    codes divide: [a, b] of two levels (LAD, Section V), the norm of QSGD, the scale of signs
    and trits. Here the codes are the honest ones and the range is larger by a factor, so that
    the vector that comes out is; a server that fixed the range refuses it. Where no range
    travels the largest coordinate is made larger by that factor before compression.

    The attacker must know: its own vector.

    Args:
        factor: By how much, at least 1.
    """

    factor: float = 1000.0

    def __post_init__(self) -> None:
        right = "must be a finite number from 1 up"
        require(1 <= self.factor < np.inf, "factor", self.factor, right)

    def __call__(self, view: View) -> NDArray[np.float64] | Payload:
        payload = view.compress(view.honest)
        if (values := self._stretched(payload.values)) is not None:
            return replace(payload, values=values)
        vector = view.honest.copy()
        vector[np.abs(vector).argmax()] *= self.factor
        return vector

    def _stretched(self, values: Values) -> Values | None:
        match values:
            case TwoLevelValues(low, high):
                return replace(values, low=self.factor * low, high=self.factor * high)
            case QsgdValues(norm):
                return replace(values, norm=self.factor * norm)
            case TernaryValues(scale) | SignValues(scale):
                return replace(values, scale=self.factor * scale)
            case _:
                return None
