"""Centred clipping."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._geometry import squared_from
from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["CenteredClipping"]


@dataclass(frozen=True, slots=True)
class CenteredClipping:
    """The mean of vectors clipped to a radius about the last one (Karimireddy et al., ICML 2021).

    Karimireddy, He and Jaggi, "Learning from History for Byzantine Robust Optimization":
    L times v ← v + (1/n) Σ (x_i − v) · min(1, τ / ‖x_i − v‖), from the aggregate of the
    round before; from 0 in the first.

    The paper's τ is in proportion to the honest vectors' standard deviation, which
    nobody knows, and fixed ones (100 in ByzFL) mean nothing where gradients are of
    another size. Without a radius τ is the median of ‖x_i − v‖, anew in each step. That
    is ours and in no paper: of n > 2f vectors an honest one is at least as far away, and
    in one step liars move v by no more than f/n of that distance.

    Needs n > 2f. No κ: the result depends on where v starts.

    Args:
        radius: τ, above 0; the median distance if it is not given.
        iterations: L.
    """

    radius: float | None = None
    iterations: int = 3

    def __post_init__(self) -> None:
        if self.radius is not None:
            require(self.radius > 0, "radius", self.radius, "must be above 0")
        require(self.iterations >= 1, "iterations", self.iterations, "must be at least 1")

    @property
    def uses_previous(self) -> bool:
        return True

    def check(self, n: int, f: int) -> None:
        right = f"centred clipping needs f ≥ 0 and 2f < {n} vectors"
        require(0 <= 2 * f < n, "tolerate", f, right)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n, dimension = vectors.shape
        center = np.zeros(dimension) if context.previous is None else context.previous
        for _ in range(self.iterations):
            distances = np.sqrt(squared_from(vectors, center))
            radius = np.median(distances) if self.radius is None else self.radius
            shares = np.ones(n)
            far = distances > radius
            shares[far] = radius / distances[far]
            center = (shares / n) @ vectors + (1 - shares.mean()) * center
        return center
