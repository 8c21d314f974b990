"""Values in two bytes each, rounded at random so that they are right in the mean.

Of the two neighbours of a value in the type that travels, the upper one is taken with
the probability of the value's place between them; what the type can hold stays as it
is, except that zero has no sign. A number is drawn for every value. All of it is exact, but
that a probability is a multiple of 2^-53, as fine as the draws are.
"""

from dataclasses import dataclass
from math import frexp, isfinite, ldexp

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["FLOAT16_EXPONENTS", "Bfloat16Values", "Float16Values", "to_bfloat16", "to_float16"]

# Of the two types: the significant bits, and the exponent of the least number.
_FLOAT16, _BFLOAT16 = (11, -24), (8, -133)
# The exponents of a float16 vector. With the least there is no value that a float64 could
# not hold; with the greatest, none that is finite here and not there.
FLOAT16_EXPONENTS = range(-1050, 1009)


@dataclass(frozen=True, slots=True, eq=False)
class Float16Values:
    """Each value is h · 2^exponent: a float16 whose range goes with the vector.

    Args:
        exponent: From -1050 to 1008, such that the greatest |h| is from 2^14 to 2^15; at
            either end it may be less or more. 0 if all h are.
        halves: h, float16, none of them −0; shape (k,).
    """

    exponent: int
    halves: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.halves)

    def floats(self) -> NDArray[np.float64]:
        return self.halves.astype(np.float64) * ldexp(1, self.exponent)

    def describe(self) -> str:
        return "float16"


@dataclass(frozen=True, slots=True, eq=False)
class Bfloat16Values:
    """Each value is the upper half of a float32.

    Args:
        bits: Those halves, uint16, none of them −0; shape (k,).
    """

    bits: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.bits)

    def floats(self) -> NDArray[np.float64]:
        bits = self.bits.astype(np.uint32) << np.uint32(16)
        return bits.view(np.float32).astype(np.float64)

    def describe(self) -> str:
        return "bfloat16"


def to_float16(vector: NDArray[np.float64], rng: Generator) -> Float16Values:
    """The vector, shape (k,), in float16.

    E‖C(g) − g‖² ≤ 2^-22 ‖g‖² for fewer than 2^45 values: the spacing is 2^-10 of the power of
    two below a value, or at most 2^-38 of the largest one. Not finite if the vector is
    not; from 65 504 · 2^1008, a part in 2048 below the greatest float64, perhaps not.
    """
    largest = float(np.abs(vector).max())
    if not isfinite(largest):
        return Float16Values(0, np.full(len(vector), np.nan, np.float16))
    _, above = frexp(largest)
    exponent = min(max(above - 15, FLOAT16_EXPONENTS[0]), FLOAT16_EXPONENTS[-1]) if largest else 0
    significant, least = _FLOAT16
    multiples, exponents = _rounded(vector, rng, significant, least + exponent)
    exponents -= exponent
    halves = np.ldexp(multiples, exponents, out=multiples)
    return Float16Values(exponent, halves.astype(np.float16))


def to_bfloat16(vector: NDArray[np.float64], rng: Generator) -> Bfloat16Values:
    """The vector, shape (k,), in bfloat16.

    E‖C(g) − g‖² ≤ 2^-16 ‖g‖² if no value but 0 is below 2^-126: the spacing is 2^-7 of
    the power of two below a value, but at least 2^-133. What is above the greatest, just
    less than 2^128, may become infinite and from there on does.
    """
    multiples, exponents = _rounded(vector, rng, *_BFLOAT16)
    floats = np.ldexp(multiples, exponents, out=multiples).astype(np.float32)
    return Bfloat16Values((floats.view(np.uint32) >> np.uint32(16)).astype(np.uint16))


def _rounded(
    vector: NDArray[np.float64], rng: Generator, significant: int, least: int
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Whole numbers m and exponents e such that m · 2^e is the vector in the mean.

    2^e is the spacing of numbers with so many significant bits, and no less than 2^least.
    """
    # In place: memory for one more array of this length costs as much as all of the rest.
    places, exponents = np.frexp(vector)
    exponents -= significant
    np.maximum(exponents, least, out=exponents)
    np.ldexp(vector, -exponents, out=places)
    multiples = np.floor(places)
    places -= multiples
    multiples += rng.random(len(vector)) < places  # which makes 0 of −0, too
    return multiples, exponents
