"""The same numbers whatever the data says."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["Constant", "NonFinite", "Zero"]


@dataclass(frozen=True, slots=True)
class Zero:
    """Zeros: all that a device does who does not care.

    The attacker must know: nothing.
    """

    def __call__(self, view: View) -> NDArray[np.float64]:
        return np.zeros_like(view.honest)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same number in every coordinate (DRACO's released code, Chen et al., ICML 2018).

    The attacker must know: nothing.

    Args:
        value: The number.
    """

    value: float = -100.0

    def __post_init__(self) -> None:
        require(np.isfinite(self.value), "value", self.value, "must be a finite number")

    def __call__(self, view: View) -> NDArray[np.float64]:
        return np.full_like(view.honest, self.value)


@dataclass(frozen=True, slots=True)
class NonFinite:
    """What is no finite number, in every coordinate.

    Poison for any sum that it gets into. A server that checks what it is sent refuses it.

    The attacker must know: nothing.

    Args:
        value: Which.
    """

    value: Literal["nan", "inf", "-inf"] = "nan"

    def __call__(self, view: View) -> NDArray[np.float64]:
        return np.full_like(view.honest, float(self.value))
