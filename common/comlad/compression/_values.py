"""Blocks of values as they travel: plain floats, or codes of a few bits each.

A block that is not plain holds exactly what is sent. What its values are follows from that
alone, by one operation on each, so that every machine gets the same floats.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.compression._halves import Bfloat16Values, Float16Values

__all__ = [
    "MOST_LEVELS",
    "Bfloat16Values",
    "Float16Values",
    "Floats",
    "NaturalValues",
    "QsgdValues",
    "Quantized",
    "SignValues",
    "TernaryValues",
    "TwoLevelValues",
    "Values",
    "describe_values",
    "floats_of",
]

Floats = NDArray[np.float32] | NDArray[np.float64]

# Of QSGD: more would take longer codes than half a float32.
MOST_LEVELS = 2**16 - 1


@dataclass(frozen=True, slots=True, eq=False)
class TwoLevelValues:
    """Each value is one of two; a bit each.

    Args:
        low: The lower one.
        high: The upper one, at least `low`.
        upper: Where it is the upper one, bool, shape (k,); nowhere if both are the same.
    """

    low: float
    high: float
    upper: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.upper)

    def floats(self) -> NDArray[np.float64]:
        return np.where(self.upper, self.high, self.low)

    def describe(self) -> str:
        return "two-level"


@dataclass(frozen=True, slots=True, eq=False)
class QsgdValues:
    """Each value is norm · ℓ/s with a whole ℓ from −s to s.

    Args:
        norm: At least 0.
        levels: s, from 1 to MOST_LEVELS.
        multiples: ℓ, int32, shape (k,); all 0 if the norm is.
    """

    norm: float
    levels: int
    multiples: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.multiples)

    def floats(self) -> NDArray[np.float64]:
        return self.norm * (self.multiples / self.levels)  # norm · ℓ could leave the numbers

    def describe(self) -> str:
        return f"qsgd of {self.levels} levels"


@dataclass(frozen=True, slots=True, eq=False)
class TernaryValues:
    """Each value is −scale, 0 or scale; a trit each.

    Args:
        scale: At least 0.
        trits: −1, 0 or 1, int8, shape (k,); all 0 if the scale is.
    """

    scale: float
    trits: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.trits)

    def floats(self) -> NDArray[np.float64]:
        return self.scale * self.trits.astype(np.float64)

    def describe(self) -> str:
        return "ternary"


@dataclass(frozen=True, slots=True, eq=False)
class NaturalValues:
    """Each value is 0 or a power of two with a sign: a float without its mantissa.

    Args:
        powers: The values, float32 or float64 for as wide a range of exponents, none of
            them subnormal or −0; shape (k,).
    """

    powers: Floats

    def __len__(self) -> int:
        return len(self.powers)

    def floats(self) -> NDArray[np.float64]:
        return self.powers.astype(np.float64)

    def describe(self) -> str:
        return f"natural {self.powers.dtype}"


@dataclass(frozen=True, slots=True, eq=False)
class SignValues:
    """Each value is −scale or scale; a bit each.

    Args:
        scale: At least 0.
        negative: Where it is −scale, bool, shape (k,); nowhere if the scale is 0.
    """

    scale: float
    negative: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.negative)

    def floats(self) -> NDArray[np.float64]:
        return np.where(self.negative, -self.scale, self.scale)

    def describe(self) -> str:
        return "sign"


Quantized = (
    Float16Values
    | Bfloat16Values
    | TwoLevelValues
    | QsgdValues
    | TernaryValues
    | NaturalValues
    | SignValues
)
Values = Floats | Quantized


def floats_of(values: Values) -> NDArray[np.float64]:
    """The values themselves, shape (k,)."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float64, copy=False)
    return values.floats()


def describe_values(values: Values) -> str:
    """How they travel, in a few words."""
    if isinstance(values, np.ndarray):
        return f"float{8 * values.itemsize}"
    return values.describe()
