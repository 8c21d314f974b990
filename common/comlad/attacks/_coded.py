"""Lies that are made of true gradients."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["PartialCorruption", "WrongTask"]


@dataclass(frozen=True, slots=True)
class WrongTask:
    """The valid coded vector of a task that the device was not given: c_j, j ≠ T_i.

    Nothing but the assignment of tasks gives it away: with as many liars as all send the
    same extreme c_j it counts that many times over.

    The attacker must know: p, and for "farthest" what all devices would send, which in LAD
    it can compute exactly.

    Args:
        choose: "farthest" from the mean of all, or the "next" task after the own.
    """

    choose: Literal["farthest", "next"] = "farthest"

    @property
    def spies(self) -> bool:
        return self.choose == "farthest"

    def __call__(self, view: View) -> NDArray[np.float64]:
        if self.choose == "next":
            return view.coded((view.task + 1) % len(view.permutation))
        squares = view.pool.squares.copy()
        squares[view.task] = -1
        return view.pool.vector(int(squares.argmax()))


@dataclass(frozen=True, slots=True)
class PartialCorruption:
    """One of the d gradients wrong, all others right: as little as a bad sample does.

    The coded vector where one gradient, drawn, is multiplied by a factor before it is
    encoded. With d = 1 that is all of it.

    The attacker must know: its own gradients.

    Args:
        factor: What the gradient is multiplied by.
    """

    factor: float = -2.0

    def __post_init__(self) -> None:
        require(np.isfinite(self.factor), "factor", self.factor, "must be a finite number")

    def __call__(self, view: View) -> NDArray[np.float64]:
        task = np.array([view.task], np.intp)
        weights = np.ones(view.coding.subsets(task, view.permutation).shape[1])
        weights[view.rng.integers(len(weights))] = self.factor
        return view.coded(view.task, weights=weights)
