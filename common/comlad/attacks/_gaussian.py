"""Noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["Gaussian"]


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Normal noise in place of the own vector or on top of it (Blanchard et al., NeurIPS 2017).

    N(0, σ²I), or own + N(0, σ²I). Each liar draws its own.

    The attacker must know: nothing if σ is absolute and around zero; else its own vector.

    Args:
        deviation: σ; in units of the own vector's root mean square ‖own‖/√width if `relative`.
        around: What the noise is added to.
        relative: Whether the deviation goes with the size of the own vector.
    """

    deviation: float = 10.0
    around: Literal["zero", "own"] = "zero"
    relative: bool = True

    def __post_init__(self) -> None:
        right = "must be a finite number from 0 up"
        require(0 <= self.deviation < np.inf, "deviation", self.deviation, right)

    def __call__(self, view: View) -> NDArray[np.float64]:
        own = view.honest
        scale = self.deviation
        if self.relative:
            scale *= float(np.sqrt((own**2).mean()))
        noise = scale * view.rng.standard_normal(len(own))
        return noise if self.around == "zero" else own + noise
