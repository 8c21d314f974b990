"""What every attack is given and gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.attacks._pool import Pool
from comlad.coding import Coding
from comlad.compression import Compressor, Payload
from comlad.estimators import Memory
from comlad.problems import Objective, Samples

__all__ = ["Attack", "ChecksDevices", "Poisons", "Remembers", "Spies", "View"]


@dataclass(frozen=True, eq=False)
class View:
    """What a Byzantine device has in a round: everything it was really sent.

    In LAD every device holds all subsets and receives x and p, so that it can compute
    any honest vector itself: `pool` has them all, `coded` gives single ones.

    Where devices draw samples, or an estimator remembers, what others send depends on more
    than that. The pool of an attack that `Spies` then has what all N honest devices want
    the server to hold, if the process was given everybody's draws. Otherwise it has
    coded gradients of all samples: what they are on average, without a memory.

    Args:
        honest: The vector it would send if it were honest, before compression, (width,);
            under an estimator with memory what that tracks, such as a momentum.
        round: t.
        device: Its id.
        task: T_i, its own row of the task matrix.
        model: x, shape (Q,).
        permutation: p, shape (N,). Where a device is told its own subsets only, one that
            agrees with these; the rest is its guess, and so is what `pool` says of others.
        objective: The functions f_1..f_N.
        coding: The code in use.
        compressor: The compression in use.
        compress: Compresses a vector with the very draws that the device's honest
            message would be compressed with; every call starts from the same ones.
        generator: Makes the device's own draws for attacks in this round; use `rng`.
        pool: What all N devices would send, computed when first asked for.
        memory: What `remember` gave in the last round that this device heard; empty at first.
        samples: Of each of its own subsets the positions of the samples that it has drawn;
            None: all of them.
    """

    honest: NDArray[np.float64]
    round: int
    device: int
    task: int
    model: NDArray[np.float64]
    permutation: NDArray[np.intp]
    objective: Objective
    coding: Coding
    compressor: Compressor
    compress: Callable[[NDArray[np.float64]], Payload]
    generator: Callable[[], Generator]
    pool: Pool
    memory: Memory = field(default_factory=dict)
    samples: Sequence[NDArray[np.intp]] | None = None

    @cached_property
    def rng(self) -> Generator:
        """The device's own draws for attacks in this round."""
        return self.generator()

    def coded(
        self,
        task: int,
        model: NDArray[np.float64] | None = None,
        objective: Objective | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """The coded vector of a task under this round's p, shape (width,); costs d gradients.

        For its own task of the samples that it has drawn, for others of all.

        Args:
            task: The row of the task matrix.
            model: Where the gradients are taken; x if not given.
            objective: What they are gradients of; the true functions if not given.
            weights: What each of the d gradients is multiplied by first, shape (d,).
        """
        tasks = np.array([task], np.intp)
        (subsets,) = self.coding.subsets(tasks, self.permutation)
        objective = self.objective if objective is None else objective
        model = self.model if model is None else model
        if self.samples is not None and task == self.task:
            gradients = cast("Samples", objective).sampled_gradients(model, subsets, self.samples)
        else:
            gradients = objective.gradients(model, subsets)
        if weights is not None:
            gradients = gradients * weights[:, None]
        rows = np.arange(len(subsets))[None]
        coded: NDArray[np.float64]
        (coded,) = self.coding.encode(gradients, rows, tasks, len(self.permutation))
        return coded


class Attack(Protocol):
    """A configured attack: a frozen dataclass whose fields are its parameters."""

    def __call__(self, view: View) -> NDArray[np.float64] | Payload | None:
        """What the device sends; nothing in `view` may be changed.

        A vector, shape (width,), goes the way of `view.honest`: under an estimator that
        tracks something it is what the server is to hold, and what brings it nearer to
        that is compressed. A payload travels as it is. None: nothing is sent, and the
        server waits for the device until its deadline.
        """


@runtime_checkable
class ChecksDevices(Protocol):
    """An attack that is not there for every number of devices."""

    def check(self, devices: int) -> None:
        """Raise ConfigError if it means nothing among that many."""


@runtime_checkable
class Remembers(Protocol):
    """An attack with a memory of earlier rounds."""

    def remember(self, view: View) -> Memory:
        """What `view.memory` will be in the next round.

        Asked in every round that the device hears, also in one in which it does not lie,
        and without knowing whether it did. `view.memory` is what was given last time.
        """


@runtime_checkable
class Spies(Protocol):
    """An attack that may go by what others send."""

    @property
    def spies(self) -> bool:
        """Whether it does: the process then follows along what all of them remember."""


@runtime_checkable
class Poisons(Protocol):
    """An attack that is honest work on other data: all that the device does is done on them."""

    def poisoned(self, objective: Objective) -> Objective:
        """The functions whose gradients a lying device takes."""
