"""What every rule offers. Rows are finite vectors in the order of the devices' ids."""

from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Aggregator", "PreAggregator"]


class Aggregator(Protocol):
    """A configured rule: a frozen dataclass whose fields are its parameters."""

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if the rule means nothing for n vectors of which f may be bad."""

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        """The aggregate, shape (Q,).

        Args:
            vectors: Shape (n, Q); left as it is.
            f: How many of them may be bad.
            rng: The run's draws for this round, for rules that need any.
        """


class PreAggregator(Protocol):
    """What is done to the vectors before a rule sees them; configured like a rule."""

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if it means nothing for n vectors of which f may be bad."""

    def gives(self, n: int, f: int) -> tuple[int, int]:
        """How many vectors come out of n, and how many of them may be bad if f of those may."""

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        """The vectors that the rule will see, shape (n', Q)."""
