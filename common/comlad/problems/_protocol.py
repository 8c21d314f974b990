"""What every problem offers to the server and to the devices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "Data", "FlipsLabels", "Objective", "Problem", "Samples"]

# Named arrays of float64, float32 or int64: what can be sent to a device.
Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Data:
    """A problem's data, cut into subsets.

    Args:
        train: What the server allocates to the devices.
        held_out: What stays with the server to measure accuracy; may be empty.
    """

    train: Arrays
    held_out: Arrays = field(default_factory=dict)


class Objective(Protocol):
    """The functions f_1..f_N on data that is at hand."""

    @property
    def dimension(self) -> int:
        """Q, the length of the model."""

    def gradients(
        self, model: NDArray[np.float64], subsets: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """The gradients of f_k at the model, a row for each k in `subsets`, shape (M, Q).

        A row's bits depend on its own subset only, never on which others are asked
        for with it: this is what makes a process of many devices, a process of one
        and a simulation agree.
        """

    def loss(self, model: NDArray[np.float64]) -> float:
        """The training loss at the model, in the unit that the problem names."""

    def accuracy(self, model: NDArray[np.float64]) -> float | None:
        """The share of held-out samples the model gets right; None where there is no such thing."""


@runtime_checkable
class Samples(Protocol):
    """An objective whose f_k are sums over samples, of which a few can stand for all."""

    @property
    def sizes(self) -> NDArray[np.intp]:
        """How many samples each subset has, shape (N,)."""

    def sampled_gradients(
        self,
        model: NDArray[np.float64],
        subsets: NDArray[np.intp],
        samples: Sequence[NDArray[np.intp]],
    ) -> NDArray[np.float64]:
        """Estimates of those gradients from a few samples of each subset, shape (P, Q).

        The mean over the samples in place of that over all of the subset: unbiased if they
        are drawn uniformly. As with `gradients` a row's bits depend on its own subset and
        samples only.

        Args:
            model: x, shape (Q,).
            subsets: Of each row the subset k, shape (P,); one may stand there several times.
            samples: Of each row the positions in D_k, 0..|D_k|-1, one at least.
        """


@runtime_checkable
class FlipsLabels(Protocol):
    """An objective that can say what it would be if the labels were wrong."""

    def with_flipped_labels(self) -> Objective:
        """On K−1−y in place of the class y of K, or on −y where y is a number."""


class Problem(Protocol):
    """A configured problem: a frozen dataclass whose fields are its parameters."""

    def load(self, subsets: int, seed: int) -> Data:
        """Make or read the data and cut it into `subsets` parts.

        Args:
            subsets: N.
            seed: The run's seed; the same seed gives the same data.

        Raises:
            ConfigError: The data is not there or cannot be cut so.
        """

    def objective(self, data: Data) -> Objective:
        """The objective over data, which may have come from another host.

        Raises:
            ConfigError: Arrays are missing or do not fit together.
        """
