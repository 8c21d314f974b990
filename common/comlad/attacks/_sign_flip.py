"""Sign flipping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["SignFlip"]


@dataclass(frozen=True, slots=True)
class SignFlip:
    """The own vector times a factor, negative as a rule, before compression (LAD, Section VII).

    The attacker must know: its own honest vector.

    Args:
        factor: What the vector is multiplied by.
    """

    factor: float = -2.0

    def __post_init__(self) -> None:
        require(np.isfinite(self.factor), "factor", self.factor, "must be a finite number")

    def __call__(self, view: View) -> NDArray[np.float64]:
        return self.factor * view.honest
