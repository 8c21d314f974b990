"""The linear regression on which the LAD paper is evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems._protocol import Data
from comlad.problems._rows import products

__all__ = ["LinearRegression"]


@dataclass(frozen=True, slots=True)
class LinearRegression:
    """Least squares with one sample per subset (LAD, Section VII, eq. 37).

    f_k(x) = (<x, z_k> − y_k)² / 2 with z_k ~ N(0, 100)^Q, y_k ~ N(<z_k, x_k>, 1) and
    x_k ~ N(0, 1 + k σ_H)^Q for k = 1..N. The second arguments are variances. The loss
    is F(x), the sum over the subsets.

    Args:
        dimension: Q. With `arrays`, whatever those have.
        heterogeneity: σ_H, how much the subsets differ.
        data_seed: Seed of the data alone; the run's seed unless given.
        arrays: Path of an .npz file with `features` (N, Q) and `targets` (N,), instead
            of data drawn at random.
    """

    dimension: int = 100
    heterogeneity: float = 0.3
    data_seed: int | None = None
    arrays: str | None = None

    def __post_init__(self) -> None:
        require(self.dimension >= 1, "dimension", self.dimension, "must be at least 1")
        require(self.dimension < 2**31, "dimension", self.dimension, "must be less than 2^31")
        require(
            0 <= self.heterogeneity < np.inf,
            "heterogeneity",
            self.heterogeneity,
            "must be a number from 0 up: it scales a variance",
        )
        require((self.data_seed or 0) >= 0, "data_seed", self.data_seed, "must be at least 0")

    def relative_to(self, directory: PurePath) -> "LinearRegression":
        """The same problem with paths that are meant from `directory`."""
        return replace(self, arrays=self.arrays and str(directory / self.arrays))

    def load(self, subsets: int, seed: int) -> Data:
        if self.arrays is not None:
            return Data(_read_arrays(self.arrays, subsets))
        rng = np.random.default_rng(seed if self.data_seed is None else self.data_seed)
        features = rng.normal(0, 10, (subsets, self.dimension))
        deviations = np.sqrt(1 + self.heterogeneity * np.arange(1, subsets + 1))
        models = rng.normal(0, 1, (subsets, self.dimension)) * deviations[:, None]
        targets = (features * models).sum(1) + rng.normal(0, 1, subsets)
        return Data({"features": features, "targets": targets})

    def objective(self, data: Data) -> "SquaredResiduals":
        try:
            features, targets = data.train["features"], data.train["targets"]
        except KeyError as missing:
            raise ConfigError(f"linear regression without an array {missing}") from missing
        if features.ndim != 2 or targets.shape != features.shape[:1] or not features.size:
            raise ConfigError(
                f"features {features.shape} and targets {targets.shape}: must be (N, Q) and (N,)"
            )
        return SquaredResiduals(features.astype(np.float64), targets.astype(np.float64))


class SquaredResiduals:
    """f_k(x) = (<x, features_k> − targets_k)² / 2, one row for each subset."""

    def __init__(self, features: NDArray[np.float64], targets: NDArray[np.float64]) -> None:
        self.features = np.ascontiguousarray(features)
        self.targets = targets

    @property
    def dimension(self) -> int:
        return int(self.features.shape[1])

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        rows = self.features[subsets]
        residuals = products(rows, model) - self.targets[subsets]
        rows *= residuals[:, None]
        return rows

    @property
    def sizes(self) -> NDArray[np.intp]:
        return np.ones(len(self.targets), np.intp)

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        return self.gradients(model, subsets)  # of one sample, however often it is drawn

    def with_flipped_labels(self) -> "SquaredResiduals":
        return SquaredResiduals(self.features, -self.targets)

    def loss(self, model: NDArray[np.float64]) -> float:
        residuals = products(self.features, model) - self.targets
        return float((residuals**2).sum() / 2)

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        return None


def _read_arrays(path: str, subsets: int) -> dict[str, NDArray[np.float64]]:
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("features", "targets")}
    except Exception as error:  # zipfile, zlib and numpy each fail in ways of their own
        raise ConfigError(
            f"arrays = {path!r}: must be an .npz file with features and targets ({error})"
        ) from error
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
            raise ConfigError(f"arrays = {path!r}: {name} must hold finite numbers")
        require(
            array.shape[:1] == (subsets,),
            "arrays",
            path,
            f"{name} has shape {array.shape}: must have a row for each of {subsets} devices",
        )
    return {name: array.astype(np.float64) for name, array in arrays.items()}
