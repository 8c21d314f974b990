"""Bits of the numbers themselves."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["BitFlip"]

_SIGN = 63


@dataclass(frozen=True, slots=True)
class BitFlip:
    """The own vector with a bit flipped in its float64 words (as in Xie et al., arXiv 1802.10116).

    With the sign bit and a rate of 1 it is −own, which Gorbunov et al. (Byz-VR-MARINA, ICLR
    2023) call bit flipping. Any of the 64 bits is what broken memory does; one of the
    exponent makes a number huge or tiny, now and then infinite or not a number at all,
    and a vector with one of those is refused.

    The attacker must know: its own vector.

    Args:
        bit: "sign", or "any": for each coordinate one of the 64, drawn.
        rate: The probability that a coordinate is hit.
    """

    bit: Literal["sign", "any"] = "sign"
    rate: float = 1.0

    def __post_init__(self) -> None:
        require(0 < self.rate <= 1, "rate", self.rate, "must be above 0 and at most 1")

    def __call__(self, view: View) -> NDArray[np.float64]:
        width = len(view.honest)
        hit = view.rng.random(width) < self.rate
        bits = np.full(width, _SIGN) if self.bit == "sign" else view.rng.integers(64, size=width)
        masks = np.left_shift(np.uint64(1), bits.astype(np.uint64)) * hit
        flipped: NDArray[np.uint64] = view.honest.view(np.uint64) ^ masks
        return flipped.view(np.float64)
