"""How many of its samples a device looks at in a round."""

from dataclasses import dataclass

import numpy as np

from comlad.config import require
from comlad.errors import ConfigError
from comlad.problems import Objective, Samples

__all__ = ["Sampling"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """The [sampling] table.

    Args:
        batch: b, of each of its subsets a device draws so many samples, anew in every round,
            uniformly and without replacement; all, of a subset that has no more. If not
            given: all.
    """

    batch: int | None = None

    def __post_init__(self) -> None:
        right = "must be at least 1 sample, and less than 2^31"
        require(self.batch is None or 1 <= self.batch < 2**31, "batch", self.batch, right)

    def share(self, objective: Objective) -> float:
        """b/m: which part of all samples is looked at, 1 for all.

        Raises:
            ConfigError: The subsets have no samples to draw from.
        """
        if self.batch is None:
            return 1.0
        if not isinstance(objective, Samples):
            raise ConfigError(
                f"batch = {self.batch}: must be left out, since the subsets of this problem are "
                "no samples of which some could be drawn"
            )
        sizes = objective.sizes
        right = "must be left out where a subset has no samples"
        require(int(sizes.min()) > 0, "batch", self.batch, right)
        return float(np.minimum(sizes, self.batch).sum() / max(sizes.sum(), 1))
