"""The cyclic gradient code of LAD."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.config import require

__all__ = ["Cyclic"]

# How many numbers are gathered at a time.
_GATHERED = 2**18


@dataclass(frozen=True, slots=True)
class Cyclic:
    """Each device averages d gradients of neighbouring subsets (LAD, Section IV, eq. 5).

    Row i of the task matrix Ŝ has ones at i, i+1, …, i+d−1 modulo N. In every round
    the tasks T and the permutation p are drawn anew, independently, and device i
    sends g_i = Σ_{k: ŝ(T_i, k) = 1} ∇f_{p_k}(x) / d.

    Args:
        load: d, the gradients a device computes in a round. With 1 nothing is
            computed twice: the setting of the methods LAD is compared with.
        tasks: "redrawn" in every round; or "fixed", T_i = i and p_k = k in all of them:
            every device has data of its own, as in federated learning.
    """

    load: int = 1
    tasks: Literal["redrawn", "fixed"] = "redrawn"

    def __post_init__(self) -> None:
        require(self.load >= 1, "load", self.load, "must be at least 1")

    def check(self, devices: int) -> None:
        right = f"must be at most {devices}, the number of devices and of subsets"
        require(self.load <= devices, "load", self.load, right)

    def width(self, dimension: int) -> int:
        return dimension

    def draw(self, devices: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if self.tasks == "fixed":
            return np.arange(devices), np.arange(devices)
        return rng.permutation(devices), rng.permutation(devices)

    def subsets(self, tasks: NDArray[np.intp], permutation: NDArray[np.intp]) -> NDArray[np.intp]:
        columns = (tasks[:, None] + np.arange(self.load)) % len(permutation)
        # In the subsets' own order: with d = N every device then adds the same
        # numbers in the same order, and honest vectors agree to the last bit.
        return np.sort(permutation[columns], axis=1)

    def encode(
        self,
        gradients: NDArray[np.float64],
        rows: NDArray[np.intp],
        tasks: NDArray[np.intp],
        devices: int,
    ) -> NDArray[np.float64]:
        coded = np.empty((len(rows), gradients.shape[1]))
        long = self.load * gradients.shape[1]
        if long > _GATHERED:
            for row, (first, *others) in zip(coded, rows, strict=True):
                row[:] = gradients[first]
                for other in others:
                    np.add(row, gradients[other], out=row)
        else:  # as many rows at a time as stay within a few megabytes
            count = _GATHERED // long
            for start in range(0, len(rows), count):
                some = slice(start, start + count)
                gradients[rows[some]].sum(axis=1, out=coded[some])
        coded /= self.load
        return coded
