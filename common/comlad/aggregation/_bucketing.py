"""Bucketing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._protocol import Context
from comlad.config import require

__all__ = ["Bucketing"]


@dataclass(frozen=True, slots=True)
class Bucketing:
    """Means of buckets that vectors are put into at random (Karimireddy et al., ICLR 2022).

    "Byzantine-Robust Learning on Heterogeneous Datasets via Bucketing", Algorithm 1: the
    vectors in a drawn order, s at a time; the last bucket averages what it has. Every
    liar may spoil a bucket of its own, so that of ⌈n/s⌉ buckets still f may be bad, and
    those must be fewer than half: s is at most about n/(2f).

    Args:
        size: s, how many vectors a bucket takes.
    """

    size: int = 2

    def __post_init__(self) -> None:
        require(self.size >= 1, "size", self.size, "must be at least 1")

    def check(self, n: int, f: int) -> None:
        buckets, bad = self.gives(n, f)
        right = f"of {buckets} buckets of {n} vectors {bad} may be bad; must be fewer than half"
        require(0 <= 2 * bad < buckets, "size", self.size, right)

    def gives(self, n: int, f: int) -> tuple[int, int]:
        buckets = -(-n // self.size)
        return buckets, min(f, buckets)

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        n, dimension = vectors.shape
        if self.size == 1:
            return vectors  # each still its device's
        order = context.rng.permutation(n)
        starts = range(0, n, self.size)
        means = np.empty((len(starts), dimension))
        for mean, start in zip(means, starts, strict=True):
            first, *others = order[start : start + self.size]
            np.copyto(mean, vectors[first])
            for other in others:
                np.add(mean, vectors[other], out=mean)
            np.divide(mean, 1 + len(others), out=mean)
        return means
