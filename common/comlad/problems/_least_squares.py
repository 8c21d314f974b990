"""Least squares with fewer samples than unknowns: Polyak-Łojasiewicz, not strongly convex."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems._arrays import check_samples
from comlad.problems._protocol import Data
from comlad.problems._rows import SubsetRows
from comlad.rng import Stream, run_generator

__all__ = ["LeastSquares"]


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """Over-parameterised least squares: all residuals can be 0 together.

    f_k(x) = (N/m) Σ_{D_k} (<x, z_j> − y_j)² / 2 with m < Q samples in all, z_j ~ N(0, 1/Q)^Q,
    so that ‖z_j‖ is about 1, and y_j = <z_j, x_k> for j in D_k where x_k = x* + σ N(0, 1)^Q
    and x* ~ N(0, 1)^Q. The loss is G = F/N, half the mean squared residual.

    The rows z_j are independent, with probability 1, and Q > m: so Zx = y has solutions,
    on which all f_k are least, and min G = 0. With µ = λ_min(ZZᵀ)/m and L = λ_max(ZZᵀ)/m,
    G is L-smooth and, since ∇G = Zᵀ(Zx − y)/m, satisfies the Polyak-Łojasiewicz condition

        ‖∇G(x)‖² / 2 ≥ µ (G(x) − min G),

    but it does not change along the kernel of Z, so that it is not strongly convex (Karimi,
    Nutini & Schmidt, ECML-PKDD 2016, Section 2.3). About, mµ = (1 − √(m/Q))² and
    mL = (1 + √(m/Q))²: with the defaults 0.09 and 2.9.

    Args:
        samples: m, divided evenly over the subsets; at least one for each.
        dimension: Q, which must be more.
        heterogeneity: σ, how far the subsets' own solutions x_k are from x*.
        shared: Whether each device has all m samples, so that all f_k are the same one,
            rather than a part of its own. Of the distinct rows µ and L are as above.
        data_seed: Seed of the data alone; the run's seed unless given.
    """

    samples: int = 200
    dimension: int = 400
    heterogeneity: float = 0.3
    shared: bool = False
    data_seed: int | None = None

    def __post_init__(self) -> None:
        require(self.samples >= 1, "samples", self.samples, "must be at least 1")
        right = f"must be more than samples, {self.samples}, or the least loss is not 0"
        require(self.dimension > self.samples, "dimension", self.dimension, right)
        require(self.dimension < 2**31, "dimension", self.dimension, "must be less than 2^31")
        right = "must be a number from 0 up: it is a distance"
        require(0 <= self.heterogeneity < np.inf, "heterogeneity", self.heterogeneity, right)
        require((self.data_seed or 0) >= 0, "data_seed", self.data_seed, "must be at least 0")

    def load(self, subsets: int, seed: int) -> Data:
        right = f"must be at least {subsets}, one for each device"
        require(self.shared or self.samples >= subsets, "samples", self.samples, right)
        rng = run_generator(seed if self.data_seed is None else self.data_seed, Stream.DATA)
        features = rng.normal(0, self.dimension**-0.5, (self.samples, self.dimension))
        solutions = rng.normal(0, 1, self.dimension) + self.heterogeneity * rng.normal(
            0, 1, (subsets, self.dimension)
        )
        owners = np.arange(self.samples) * subsets // self.samples
        targets = (features * solutions[owners]).sum(axis=1)
        if self.shared:
            features, targets = np.tile(features, (subsets, 1)), np.tile(targets, subsets)
            owners = np.repeat(np.arange(subsets), self.samples)
        sizes = np.bincount(owners, minlength=subsets)
        return Data({"features": features, "targets": targets, "sizes": sizes})

    def objective(self, data: Data) -> "MeanSquares":
        try:
            features, targets, sizes = (data.train[x] for x in ("features", "targets", "sizes"))
        except KeyError as missing:
            raise ConfigError(f"least squares without an array {missing}") from missing
        check_samples(features, targets, sizes)
        return MeanSquares(SubsetRows(features, sizes), targets.astype(np.float64))


class MeanSquares:
    """f_k(x) = (N/m) Σ_{D_k} (<x, z_j> − y_j)² / 2.

    Args:
        rows: The z_j.
        targets: The y_j, shape (m,).
    """

    def __init__(self, rows: SubsetRows, targets: NDArray[np.float64]) -> None:
        self.rows = rows
        self.targets = targets

    @property
    def dimension(self) -> int:
        return int(self.rows.features.shape[1])

    @property
    def sizes(self) -> NDArray[np.intp]:
        return self.rows.sizes

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        return self.rows.gradients(model, subsets, self._residuals)

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        return self.rows.sampled_gradients(model, subsets, samples, self._residuals)

    def with_flipped_labels(self) -> "MeanSquares":
        return MeanSquares(self.rows, -self.targets)

    def loss(self, model: NDArray[np.float64]) -> float:
        residuals = self._residuals(self.rows.features @ model, slice(None))
        return float((residuals**2).mean() / 2)

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        return None

    def _residuals(
        self, products: NDArray[np.float64], members: "slice | NDArray[np.intp]"
    ) -> NDArray[np.float64]:
        products -= self.targets[members]
        return products
