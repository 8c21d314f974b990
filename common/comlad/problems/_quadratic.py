"""A quadratic of any size, made from a seed alone."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems._protocol import Data
from comlad.rng import Stream, run_generator

__all__ = ["Quadratic"]

# Coordinates that are worked on at a time: temporaries of this length stay in the cache.
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Quadratic:
    """A synthetic quadratic whose minimum is known, for models of any size.

    f_k(x) = ½ Σ_q a_q (x_q − c_kq)² for k = 0..N−1 with curvatures a_q that fall
    geometrically from 1 to 1/condition, and centres c_kq = c_q + σ √2 cos(θ_k + φ_q)
    where θ_k = 2πk/N, c_q ~ N(0, 1) and φ_q is uniform on a circle. For N ≥ 3 the
    centres have mean c_q and mean squared deviation σ² in every coordinate, so that
    the loss, the sum over the subsets, is

        F(x) = N/2 · (Σ_q a_q (x_q − c_q)² + σ² Σ_q a_q),

    least at x = c. Devices are sent 24 bytes, from which they make what they need.

    Args:
        dimension: Q.
        heterogeneity: σ, how far the centres are from their mean.
        condition: The largest curvature in units of the smallest.
        data_seed: Seed of the data alone; the run's seed unless given.
    """

    dimension: int = 100
    heterogeneity: float = 0.3
    condition: float = 1.0
    data_seed: int | None = None

    def __post_init__(self) -> None:
        require(self.dimension >= 1, "dimension", self.dimension, "must be at least 1")
        require(self.dimension < 2**31, "dimension", self.dimension, "must be less than 2^31")
        right = "must be a number from 0 up: it is a distance"
        require(0 <= self.heterogeneity < np.inf, "heterogeneity", self.heterogeneity, right)
        right = "must be a number from 1 up"
        require(1 <= self.condition < np.inf, "condition", self.condition, right)
        require((self.data_seed or 0) >= 0, "data_seed", self.data_seed, "must be at least 0")

    def load(self, subsets: int, seed: int) -> Data:
        right = "must be at least 3, or the centres have another mean than c"
        require(subsets >= 3, "devices.count", subsets, right)
        # A draw, not the seed: who knows the run's seed knows every device's secrets.
        rng = run_generator(seed if self.data_seed is None else self.data_seed, Stream.DATA)
        key = rng.integers(2**63, size=2)
        return Data({"key": key, "subsets": np.array([subsets])})

    def objective(self, data: Data) -> "Bowls":
        try:
            key, subsets = data.train["key"], data.train["subsets"]
        except KeyError as missing:
            raise ConfigError(f"quadratic without an array {missing}") from missing
        whole = key.dtype.kind == subsets.dtype.kind == "i"
        sizes = key.shape == (2,) and subsets.shape == (1,)
        if not (whole and sizes and key.min() >= 0 and subsets[0] >= 3):
            raise ConfigError(
                f"key {key} and subsets {subsets}: must be two whole numbers from 0 "
                "and one from 3 up"
            )
        return Bowls(self, (int(key[0]), int(key[1])), int(subsets[0]))


class Bowls:
    """f_k(x) = ½ Σ_q a_q (x_q − c_kq)².

    Holds c and, where they are not all 1, the curvatures. Who asks for gradients has
    two more arrays of that size from then on.
    """

    def __init__(self, problem: Quadratic, key: tuple[int, int], subsets: int) -> None:
        self._key = key
        self._subsets = subsets
        self._heterogeneity = problem.heterogeneity
        self._mean = self._generator(0).standard_normal(problem.dimension)
        self._curvatures = None
        if problem.condition > 1:
            exponents = np.linspace(0, -1, problem.dimension)
            self._curvatures = np.power(problem.condition, exponents, out=exponents)
        self._waves: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @property
    def dimension(self) -> int:
        return len(self._mean)

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        if self._waves is None:
            self._waves = self._make_waves()
        cosines, sines = self._waves
        result = np.empty((len(subsets), len(model)))
        for row, subset in zip(result, subsets.tolist(), strict=True):
            angle = 2 * math.pi * subset / self._subsets
            across, along = math.cos(angle), math.sin(angle)
            for block in self._blocks():
                # cos(θ + φ) = cos θ cos φ − sin θ sin φ: no cosine for each subset.
                part = row[block]
                np.subtract(model[block], self._mean[block], out=part)
                part -= across * cosines[block]
                part += along * sines[block]
                if self._curvatures is not None:
                    part *= self._curvatures[block]
        return result

    def loss(self, model: NDArray[np.float64]) -> float:
        variance = self._heterogeneity**2
        total = 0.0
        for block in self._blocks():
            squares = model[block] - self._mean[block]
            squares *= squares
            squares += variance
            if self._curvatures is not None:
                squares *= self._curvatures[block]
            total += float(squares.sum())
        return self._subsets / 2 * total

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        return None

    def _make_waves(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """σ √2 cos φ_q and σ √2 sin φ_q."""
        phases = self._generator(1).random(self.dimension)
        phases *= 2 * math.pi
        sines = np.sin(phases)
        cosines = np.cos(phases, out=phases)
        cosines *= math.sqrt(2) * self._heterogeneity
        sines *= math.sqrt(2) * self._heterogeneity
        return cosines, sines

    def _generator(self, number: int) -> Generator:
        return Generator(Philox(SeedSequence(self._key, spawn_key=(number,))))

    def _blocks(self) -> list[slice]:
        return [slice(start, start + _BLOCK) for start in range(0, self.dimension, _BLOCK)]
