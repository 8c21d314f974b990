"""What every gradient code offers."""

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Coding"]


class Coding(Protocol):
    """A configured code: a frozen dataclass whose fields are its parameters.

    N devices, N subsets; tasks are rows of an N×N task matrix. Tasks, subsets and
    permutations count from 0.
    """

    def check(self, devices: int) -> None:
        """Raise ConfigError if the code does not exist for that many devices."""

    def draw(self, devices: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """A round's tasks T, device i's at T[i], and permutation p; both of shape (N,)."""

    def subsets(self, tasks: NDArray[np.intp], permutation: NDArray[np.intp]) -> NDArray[np.intp]:
        """The subsets that the tasks mean, a row of d distinct ones each, shape (M, d)."""

    def encode(self, gradients: NDArray[np.float64], rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The coded vectors, shape (M, Q).

        Args:
            gradients: Gradients of some subsets, shape (P, Q).
            rows: Which rows of `gradients` belong to each task, in the order that
                `subsets` gave them; shape (M, d).
        """
