"""What every attack is given and gives."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.coding import Coding
from comlad.problems import Objective

__all__ = ["Attack", "View"]


@dataclass(frozen=True, slots=True)
class View:
    """What a Byzantine device has in a round: everything it was really sent.

    In LAD every device holds all subsets and receives x and p, so that an attacker
    can compute any honest vector by calling `objective` and `coding` itself.

    Args:
        honest: The vector it would send if it were honest, before compression, (Q,).
        round: t.
        device: Its id.
        task: T_i, its own row of the task matrix.
        model: x, shape (Q,).
        permutation: p, shape (N,).
        objective: The functions f_1..f_N.
        coding: The code in use.
        rng: The device's own draws for attacks in this round.
    """

    honest: NDArray[np.float64]
    round: int
    device: int
    task: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp]
    objective: Objective
    coding: Coding
    rng: Generator


class Attack(Protocol):
    """A configured attack: a frozen dataclass whose fields are its parameters."""

    def __call__(self, view: View) -> NDArray[np.float64]:
        """The vector, shape (Q,), that is compressed and sent as the honest one would be.

        Nothing in `view` may be changed.
        """
