"""What is added to a loss so that models stay small."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["REGULARIZERS", "Regularizer"]

Regularizer = Literal["l2", "non-convex"]


class _Function(Protocol):
    def value(self, model: NDArray[np.float64]) -> float: ...

    def gradient(self, model: NDArray[np.float64]) -> NDArray[np.float64]: ...


class _Squares:
    """‖x‖²/2."""

    def value(self, model: NDArray[np.float64]) -> float:
        return float(model @ model) / 2

    def gradient(self, model: NDArray[np.float64]) -> NDArray[np.float64]:
        return model


class _Saturating:
    """Σ_q x_q² / (1 + x_q²), with curvatures between −1/2 and 2."""

    # With c = 1/√(1 + x²) a term is (xc)² and its derivative 2xc c³, in which no x is
    # so large that its square would overflow.

    def value(self, model: NDArray[np.float64]) -> float:
        sines = model / np.hypot(1, model)
        return float(sines @ sines)

    def gradient(self, model: NDArray[np.float64]) -> NDArray[np.float64]:
        cosines = 1 / np.hypot(1, model)
        return 2 * (model * cosines) * (cosines * cosines * cosines)


REGULARIZERS: dict[Regularizer, _Function] = {"l2": _Squares(), "non-convex": _Saturating()}
