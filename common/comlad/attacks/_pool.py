"""What all devices would send: the knowledge of an omniscient attacker."""

from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from comlad.coding import Coding
from comlad.problems import Objective

__all__ = ["Pool"]

T = TypeVar("T")

# How many numbers are centred at a time.
_BLOCK = 2**18


class Pool:
    """The coded vectors c_j of all tasks j = 0..N−1 in a round, before compression.

    To be had from what every device is sent: N gradients and sums of d of them. Since T
    is a permutation, the honest devices' vectors are the pool without those of the liars'
    tasks; which those are is the only thing that a liar cannot tell without asking the
    others. Attacks take the whole pool for the honest vectors, so that all liars say the
    same without a word between them.

    Computed when first asked for, once for all liars of a process. No array in it can be
    written to.

    Args:
        compute: Gives the vectors, float64, shape (N, width), a row for each task.
    """

    def __init__(self, compute: Callable[[], NDArray[np.float64]]) -> None:
        self._compute = compute
        self._known: dict[Hashable, Any] = {}

    @classmethod
    def of(
        cls,
        objective: Objective,
        coding: Coding,
        model: NDArray[np.float64],
        permutation: NDArray[np.intp],
    ) -> "Pool":
        """The pool at a model x under a permutation p."""

        def compute() -> NDArray[np.float64]:
            count = len(permutation)
            gradients = objective.gradients(model, np.arange(count))
            tasks = np.arange(count)
            return coding.encode(gradients, coding.subsets(tasks, permutation), tasks, count)

        return cls(compute)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, called for the first liar of the process that asks under this key.

        To be a function of what all liars are told; the key names all else that it depends on.
        """
        if key not in self._known:
            self._known[key] = make()
        result: T = self._known[key]
        return result

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """c_j, shape (N, width)."""
        return _fixed(self._compute())

    def vector(self, task: int) -> NDArray[np.float64]:
        """c_j of the task j, shape (width,)."""
        vector: NDArray[np.float64] = self.vectors[task]
        return vector

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """M = Σ_j c_j / N, shape (width,)."""
        return _fixed(self.vectors.mean(axis=0))

    @cached_property
    def deviation(self) -> NDArray[np.float64]:
        """σ, the standard deviation in each coordinate with N − 1 in the denominator, (width,)."""
        squares = np.empty_like(self.mean)
        for columns, centred in self._centred():
            squares[columns] = (centred**2).sum(axis=0)
        return _fixed(np.sqrt(squares / max(len(self.vectors) - 1, 1)))

    @cached_property
    def gram(self) -> NDArray[np.float64]:
        """⟨c_i − M, c_j − M⟩, shape (N, N)."""
        count = len(self.vectors)
        gram = np.zeros((count, count))
        for _, centred in self._centred():
            gram += centred @ centred.T
        return _fixed(gram)

    @cached_property
    def squares(self) -> NDArray[np.float64]:
        """‖c_j − M‖², shape (N,)."""
        squares = np.zeros(len(self.vectors))
        for _, centred in self._centred():
            squares += (centred**2).sum(axis=1)
        return _fixed(squares)

    @cached_property
    def norms(self) -> NDArray[np.float64]:
        """‖c_j‖, shape (N,)."""
        return _fixed(np.array([np.sqrt(vector @ vector) for vector in self.vectors]))

    def along(self, direction: NDArray[np.float64]) -> NDArray[np.float64]:
        """⟨c_j − M, direction⟩, shape (N,)."""
        products = np.zeros(len(self.vectors))
        for columns, centred in self._centred():
            products += centred @ direction[columns]
        return products

    def combine(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ_j weights_j (c_j − M), shape (width,)."""
        result = np.empty_like(self.mean)
        for columns, centred in self._centred():
            result[columns] = weights @ centred
        return result

    def _centred(self) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """The matrix of c_j − M, as many columns at a time as stay within a few megabytes."""
        count, width = self.vectors.shape
        step = max(1, _BLOCK // count)
        for start in range(0, width, step):
            columns = slice(start, start + step)
            yield columns, self.vectors[:, columns] - self.mean[columns]


def _fixed(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """The array, which nobody can write to through it."""
    array = array.view()
    array.flags.writeable = False
    return array
