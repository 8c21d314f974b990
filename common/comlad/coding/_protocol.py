"""What every gradient code offers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Coding", "Decoded", "Decodes", "Received"]


class Coding(Protocol):
    """A configured code: a frozen dataclass whose fields are its parameters.

    N devices, N subsets; tasks are rows of an N×N task matrix. Tasks, subsets and
    permutations count from 0.
    """

    def check(self, devices: int) -> None:
        """Raise ConfigError if the code does not exist for that many devices."""

    def width(self, dimension: int) -> int:
        """The length of a coded vector where a gradient's is Q = `dimension`."""

    def draw(self, devices: int, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """A round's tasks T, device i's at T[i], and permutation p; both of shape (N,)."""

    def subsets(self, tasks: NDArray[np.intp], permutation: NDArray[np.intp]) -> NDArray[np.intp]:
        """The subsets that the tasks mean, a row of d distinct ones each, shape (M, d)."""

    def encode(
        self,
        gradients: NDArray[np.float64],
        rows: NDArray[np.intp],
        tasks: NDArray[np.intp],
        devices: int,
    ) -> NDArray[np.float64]:
        """The coded vectors, shape (M, width).

        A row's bits depend on its own task and gradients only.

        Args:
            gradients: Gradients of some subsets, shape (P, Q).
            rows: Which rows of `gradients` belong to each task, in the order that
                `subsets` gave them; shape (M, d).
            tasks: Shape (M,).
            devices: N.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """What a server decodes.

    Args:
        vectors: What arrived, a row for each device, shape (n, width); not finite is not
            honest.
        devices: Their ids, ascending.
        tasks: Their tasks, shape (n,).
        count: N; the other N − n devices sent nothing that counts.
        rng: The run's draws for this round.
        memory: What the code kept of the round before; empty at first.
    """

    vectors: NDArray[np.float64]
    devices: tuple[int, ...]
    tasks: NDArray[np.intp]
    count: int
    rng: Generator
    memory: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What came of decoding.

    Args:
        mean: ∇F/N, the mean of all N gradients, shape (Q,); None if decoding failed.
        suspects: The ids of devices whose vector is not what their task asks for.
        memory: For the next round.
    """

    mean: NDArray[np.float64] | None
    suspects: tuple[int, ...]
    memory: Mapping[str, NDArray[np.generic]]


@runtime_checkable
class Decodes(Protocol):
    """A code from which the server takes the mean of all gradients itself, liars or not."""

    @property
    def on_failure(self) -> Literal["aggregate", "skip"]:
        """What becomes of a round that cannot be decoded: left to the rule, or skipped."""

    @property
    def needs_exact(self) -> bool:
        """Whether vectors must arrive as coded, or all through one same linear map.

        Otherwise it is enough that the same vector always arrives as the same.
        """

    def corrects(self, devices: int) -> int:
        """How many liars it takes, if nobody is absent."""

    def decode(self, received: Received) -> Decoded:
        """The mean of all gradients, or that there is no telling."""

    def estimates(self, received: Received) -> NDArray[np.float64]:
        """From each vector alone an unbiased estimate of that mean, shape (n, Q)."""
