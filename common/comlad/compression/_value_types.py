"""The types in which the values of a vector travel that are not quantised."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._halves import to_bfloat16, to_float16
from comlad.compression._protocol import Draws
from comlad.compression._values import Values

__all__ = ["HALVES", "ValueType", "in_type", "rounding_delta", "value_bytes"]

# Rounded to the nearest, or at random to one in two bytes.
ValueType = Literal["float64", "float32", "float16", "bfloat16"]
HALVES: tuple[ValueType, ...] = ("float16", "bfloat16")

_WIDTHS: dict[ValueType, int] = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
_EXPONENT_BYTES = 2


def in_type(values: ValueType, vector: NDArray[np.float64], draws: Draws) -> Values:
    """The vector, shape (k,), as values of that type."""
    match values:
        case "float16":
            return to_float16(vector, draws.rng)
        case "bfloat16":
            return to_bfloat16(vector, draws.rng)
        case _:
            return vector.astype(values)


def value_bytes(values: ValueType, count: int) -> int:
    """The bytes that so many values take; in float16, with their exponent."""
    return count * _WIDTHS[values] + (_EXPONENT_BYTES if values == "float16" else 0)


def rounding_delta(values: ValueType) -> float:
    """δ of the rounding, if it is at random; 0 where it is left out of account.

    That of bfloat16 holds for vectors with no value below 2^-126 but 0.
    """
    return {"float16": 2.0**-22, "bfloat16": 2.0**-16}.get(values, 0.0)
