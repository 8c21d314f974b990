"""What every rule offers. Rows are finite vectors in the order of the devices' ids."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = [
    "Aggregator",
    "Context",
    "MixesRobustly",
    "PreAggregator",
    "Robust",
    "TakesSparse",
    "TrustsOne",
    "UsesPrevious",
]


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What a rule is told beside the vectors.

    Args:
        f: How many of the vectors may be bad.
        rng: The run's draws for this round, for rules that need any.
        devices: The id of each row's device; None where a row is no longer one device's.
        previous: What came of the round before, shape (Q,); None in the first, and unless a
            rule, or what is before it, says so: see UsesPrevious.
    """

    f: int
    rng: Generator
    devices: tuple[int, ...] | None = None
    previous: NDArray[np.float64] | None = None


class Aggregator(Protocol):
    """A configured rule: a frozen dataclass whose fields are its parameters."""

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if the rule means nothing for n vectors of which f may be bad."""

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        """The aggregate, shape (Q,), of `vectors`, shape (n, Q), which are left as they are."""


class PreAggregator(Protocol):
    """What is done to the vectors before a rule sees them; configured like a rule."""

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if it means nothing for n vectors of which f may be bad."""

    def gives(self, n: int, f: int) -> tuple[int, int]:
        """How many vectors come out of n, and how many of them may be bad if f of those may.

        If as many come out, each is still its device's.
        """

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        """The vectors that the rule will see, shape (n', Q)."""


@runtime_checkable
class Robust(Protocol):
    """A rule that is (f, κ)-robust (Allouah et al., AISTATS 2023, Definition 2).

    For any n − f of the vectors, ‖aggregate − mean‖² ≤ κ · (mean of ‖vector − mean‖²),
    mean and sum over those.
    """

    def kappa(self, n: int, f: int) -> float:
        """A proven κ; infinite where there is none."""


@runtime_checkable
class MixesRobustly(Protocol):
    """A pre-aggregation with a proven κ of any robust rule after it."""

    def kappa_before(self, kappa: float, n: int, f: int) -> float:
        """κ of the two together, where the rule's own, for what it is given, is `kappa`."""


@runtime_checkable
class TrustsOne(Protocol):
    """A rule that goes by one device's vector."""

    @property
    def trusted(self) -> int:
        """The id of that device."""


@runtime_checkable
class UsesPrevious(Protocol):
    """A rule, or what is done before it, that is told what came of the round before."""

    @property
    def uses_previous(self) -> bool:
        """Whether it is; who has no such attribute is told None: that saves a copy of the model."""


@runtime_checkable
class TakesSparse(Protocol):
    """A coordinate-wise rule that can do without zeros.

    What it makes of a coordinate depends on no other, so that it may be asked for some at a
    time.
    """

    def of_sparse(
        self,
        indices: NDArray[np.int64],
        values: NDArray[np.float64],
        n: int,
        dimension: int,
        context: Context,
    ) -> NDArray[np.float64]:
        """The aggregate, shape (Q,), of n vectors that are zero but for some coordinates.

        Args:
            indices: The coordinates of all vectors one after the other.
            values: What stands there.
            n: The number of vectors.
            dimension: Q.
            context: As ever; `previous`, too, of these coordinates only.
        """
