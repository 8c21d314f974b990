"""Natural compression."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Payload, require_form
from comlad.compression._protocol import Draws, contraction
from comlad.compression._values import NaturalValues

__all__ = ["Natural"]

# The bits of sign and exponent, and the least and the greatest exponent of a power of two.
_FORMATS: dict[str, tuple[int, int, int]] = {
    "float32": (9, -126, 127),
    "float64": (12, -1022, 1023),
}


@dataclass(frozen=True, slots=True)
class Natural:
    """Signed powers of two (Horváth et al., MSML 2022, arXiv 1905.10988).

    A g_q with 2^e ≤ |g_q| < 2^(e+1) becomes sgn(g_q) 2^e with probability 2 − |g_q|/2^e,
    else sgn(g_q) 2^(e+1). Unbiased, δ = 1/8, attained at |g_q| = 4/3 · 2^e.

    The exponents are those of a float. A magnitude below the least power becomes 0 or
    that power, at random so that it is unbiased still, with an error that is not small
    beside itself: δ holds for vectors with no such coordinate but 0. One above the
    greatest power becomes infinite, which the server refuses.

    Args:
        values: Whose exponents: "float32", 2^−126 to 2^127 in 9 bits a coordinate, or
            "float64", 2^−1022 to 2^1023 in 12.
    """

    values: Literal["float32", "float64"] = "float32"

    def check(self, dimension: int) -> None:
        """Any vector will do."""

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Dense:
        _, least, greatest = _FORMATS[self.values]
        magnitudes = np.abs(vector)
        large = ~(magnitudes <= 2.0**greatest)  # not a number, too
        magnitudes[large] = 0
        uniforms = draws.rng.random(len(vector))
        mantissas, exponents = np.frexp(magnitudes)  # in [1/2, 1), of the power above
        up = uniforms < 2 * mantissas - 1
        powers = np.ldexp(1.0, exponents - 1 + up)
        small = magnitudes < 2.0**least
        powers[small] = (uniforms[small] < np.ldexp(magnitudes[small], -least)) * 2.0**least
        powers[large] = np.inf
        signed = np.copysign(powers, vector) + 0.0  # never −0
        return Dense(NaturalValues(signed.astype(self.values)))

    def admit(self, payload: Payload, dimension: int) -> None:
        require_form(payload, f"dense natural {self.values}, {dimension} values")

    def payload_bound(self, dimension: int) -> int:
        return -(-dimension * self._width // 8)

    def delta(self, dimension: int) -> float:
        return 1 / 8

    def alpha(self, dimension: int) -> float | None:
        return contraction(self.delta(dimension))

    def bits(self, dimension: int) -> float:
        return dimension * self._width

    @property
    def _width(self) -> int:
        return _FORMATS[self.values][0]
