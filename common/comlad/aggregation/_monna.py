"""MoNNA's aggregation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import squared_from
from comlad.aggregation._protocol import Context
from comlad.config import mistake, require

__all__ = ["MoNNA"]


@dataclass(frozen=True, slots=True)
class MoNNA:
    """The mean of the n − f vectors nearest to a trusted one (Farhadkhani et al., ICML 2023).

    The trusted one itself included ("Robust Collaborative Learning with Linear Gradient
    Overhead", where each node trusts itself). Vectors that are equally far are told apart
    by a draw.

    Needs n > 2f, and the trusted device's vector: a round without it is skipped. No κ
    holds whichever vectors are honest. With those among which x_t, the trusted one, is:
    ‖aggregate − x̄‖² ≤ 4f · V, V being the mean of ‖x_i − x̄‖². For the aggregate's sum and
    the honest one differ by k ≤ f vectors each, those of the aggregate no farther from
    x_t than the honest x_j: (n − f)‖aggregate − x̄‖ ≤ 2 Σ‖x_j − x_t‖ over these k, and that
    is at most 2√(k Σ‖x_j − x_t‖²) over all honest j, where
    Σ‖x_j − x_t‖² = (n − f)(V + ‖x_t − x̄‖²) ≤ (n − f)²V.

    Args:
        trusted: The id of a device that is sure to be honest.
    """

    trusted: int

    def __post_init__(self) -> None:
        require(self.trusted >= 0, "trusted", self.trusted, "must be the id of a device")

    def check(self, n: int, f: int) -> None:
        require(0 <= 2 * f < n, "tolerate", f, f"MoNNA needs f ≥ 0 and 2f < {n} vectors")

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n = len(vectors)
        order = context.rng.permutation(n)
        trusted = vectors[self._row(context.devices)]
        count = n - context.f
        nearest = np.argsort(squared_from(vectors, trusted)[order], kind="stable")[:count]
        weights = np.zeros(n)
        weights[order[nearest]] = 1 / count
        return weights @ vectors

    def _row(self, devices: tuple[int, ...] | None) -> int:
        if devices is None:
            right = "MoNNA needs each device's own vector; nothing before it may mix them up"
            raise mistake("trusted", self.trusted, right)
        require(self.trusted in devices, "trusted", self.trusted, "that device sent no vector")
        return devices.index(self.trusted)
