"""A rule with what is done before it."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from comlad.aggregation._protocol import Aggregator, PreAggregator

__all__ = ["Aggregation"]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A robust rule after any number of pre-aggregations, in their order."""

    rule: Aggregator
    before: tuple[PreAggregator, ...] = ()

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if any link means nothing for n vectors of which f may be bad."""
        for link in self.before:
            link.check(n, f)
            n, f = link.gives(n, f)
        self.rule.check(n, f)

    def __call__(self, vectors: NDArray[np.float64], f: int, rng: Generator) -> NDArray[np.float64]:
        for link in self.before:
            n, bad = link.gives(len(vectors), f)
            vectors = link(vectors, f, rng)
            assert len(vectors) == n
            f = bad
        return self.rule(vectors, f, rng)
