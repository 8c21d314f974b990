"""A rule with what is done before it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.aggregation._protocol import (
    Aggregator,
    Context,
    MixesRobustly,
    PreAggregator,
    Robust,
    TrustsOne,
)
from comlad.config import at, mistake, require

__all__ = ["Aggregation"]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """A robust rule after any number of pre-aggregations, in their order."""

    rule: Aggregator
    before: tuple[PreAggregator, ...] = ()

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> "Aggregation":
        """The [aggregator] table of an experiment: the rule's, and `before`, a list of tables.

        Raises:
            ConfigError: One of them is no rule; says which key.
        """
        # Not at the top: the package, which has the tables, imports this module.
        from comlad.aggregation import AGGREGATORS, PREAGGREGATORS

        rest = {"kind": "mean", **table}
        links = rest.pop("before", [])
        right = 'must be a list of tables, such as [{ kind = "nnm" }]'
        if not (isinstance(links, list) and all(isinstance(link, Mapping) for link in links)):
            raise mistake("before", links, right)
        with at("before"):
            before = tuple(PREAGGREGATORS.read(link) for link in links)
        return cls(AGGREGATORS.read(rest), before)

    def to_table(self) -> dict[str, Any]:
        """The table that `from_table` reads back, defaults written out."""
        from comlad.aggregation import AGGREGATORS, PREAGGREGATORS

        before = [PREAGGREGATORS.write(link) for link in self.before]
        return {**AGGREGATORS.write(self.rule), "before": before}

    def check(self, n: int, f: int) -> None:
        """Raise ConfigError if any link means nothing for n vectors of which f may be bad."""
        for link in self.before:
            link.check(n, f)
            n, f = link.gives(n, f)
        self.rule.check(n, f)

    def check_run(self, devices: int, f: int) -> None:
        """Raise ConfigError unless this can do for a run of devices 0, 1, …, up to f of them bad.

        That is, also in rounds in which some of the bad ones are refused, and with every
        device whose vector it needs.
        """
        self.check(devices, f)
        for refused in range(1, f + 1):
            with at(f"in a round with {refused} of {devices} devices refused:"):
                self.check(devices - refused, f - refused)
        if isinstance(self.rule, TrustsOne):
            right = f"must be one of 0 to {devices - 1}"
            require(self.rule.trusted < devices, "trusted", self.rule.trusted, right)
            n, left = devices, f
            for link in self.before:
                n, left = link.gives(n, left)
            right = "nothing before the rule may mix that device's vector with others"
            require(n == devices, "trusted", self.rule.trusted, right)

    @property
    def uses_previous(self) -> bool:
        """Whether any link is told what came of the round before."""
        # Asked in every round, for which isinstance with a protocol takes too long.
        return any(getattr(link, "uses_previous", False) for link in (self.rule, *self.before))

    def kappa(self, n: int, f: int) -> float:
        """A proven κ of the whole chain; infinite where there is none."""
        steps = []
        for link in self.before:
            steps.append((link, n, f))
            n, f = link.gives(n, f)
        kappa = self.rule.kappa(n, f) if isinstance(self.rule, Robust) else math.inf
        for link, n_before, f_before in reversed(steps):
            if not isinstance(link, MixesRobustly):
                return math.inf
            kappa = link.kappa_before(kappa, n_before, f_before)
        return kappa

    def __call__(self, vectors: NDArray[np.float64], context: Context) -> NDArray[np.float64]:
        """The aggregate of those vectors that are finite; any other is one bad vector less.

        Raises:
            ConfigError: Too few are left.
        """
        vectors, context = _finite_rows(vectors, context)
        self.check(len(vectors), context.f)
        for link in self.before:
            n, bad = link.gives(len(vectors), context.f)
            mixed = link(vectors, context)
            assert len(mixed) == n
            devices = context.devices if n == len(vectors) else None
            vectors, context = mixed, replace(context, f=bad, devices=devices)
        return self.rule(vectors, context)


def _finite_rows(
    vectors: NDArray[np.float64], context: Context
) -> tuple[NDArray[np.float64], Context]:
    # The sum of a row finds out about most rows, in one pass and without a copy.
    with np.errstate(over="ignore", invalid="ignore"):
        good = np.isfinite(vectors.sum(axis=1))
    for row in np.flatnonzero(~good):
        good[row] = np.isfinite(vectors[row]).all()
    if good.all():
        return vectors, context
    devices = context.devices
    if devices is not None:
        devices = tuple(device for device, kept in zip(devices, good, strict=True) if kept)
    f = max(context.f - int(np.count_nonzero(~good)), 0)
    return vectors[good], replace(context, f=f, devices=devices)
