"""The convergence bounds of LAD and Com-LAD (LAD, Section VI).

Everything is in the paper's normalisation, in which the loss is the sum F of the N
subsets' losses: (32) bounds ‖∇F‖². Dividing by N² gives that of the mean loss, in which
(35) and (36) are written.

The paper's constants do not all follow from its own lemmas; where they do not, both
readings are here, and the docstring says which is which.
"""

import math
from dataclasses import dataclass

from comlad.config import require
from comlad.theory._identities import load_imbalance

__all__ = ["Bounds", "Regime", "baseline_error", "load_that_helps"]


@dataclass(frozen=True, slots=True)
class Regime:
    """The numbers that the bounds depend on.

    Args:
        devices: N, devices and subsets.
        honest: H.
        load: d.
        kappa: κ of the rule (Definition 1).
        beta: β, the bound on heterogeneity (Assumption 2).
        delta: δ of the compressor (Definition 2); 0 for LAD.
        smoothness: L (Assumption 1), above 0; only the step and (32) depend on it.
    """

    devices: int
    honest: int
    load: int
    kappa: float
    beta: float = 1.0
    delta: float = 0.0
    smoothness: float = 1.0

    def __post_init__(self) -> None:
        n = self.devices
        require(n >= 2, "devices", n, "must be at least 2")
        right = f"must be more than half of {n} devices, and at most all"
        require(n < 2 * self.honest <= 2 * n, "honest", self.honest, right)
        require(1 <= self.load <= n, "load", self.load, f"must be from 1 to {n}")
        for name in ("kappa", "beta", "delta"):
            value = getattr(self, name)
            require(0 <= value < math.inf, name, value, "must be a number from 0 up")
        right = "must be a positive number"
        require(0 < self.smoothness < math.inf, "smoothness", self.smoothness, right)


@dataclass(frozen=True, slots=True)
class Bounds:
    """κ1..κ4 of Com-LAD, and what Theorem 1 makes of them; with δ = 0, ξ1..ξ4 and Theorem 2.

    Args:
        regime: The numbers.
        as_printed: Take ξ3 and ξ4 as (30) and (31) print them where δ = 0: with an 8
            where κ3 and κ4 of (24) and (25), of which Theorem 2 says it takes them, have
            a 4. Nothing else changes.
    """

    regime: Regime
    as_printed: bool = False

    @property
    def constants(self) -> tuple[float, float, float, float]:
        """κ1, κ2, κ3, κ4 of (21), (22), (24) and (25)."""
        regime = self.regime
        n, h, d = regime.devices, regime.honest, regime.load
        imbalance = load_imbalance(n, h, d)
        squared = regime.beta**2
        compression = (1 / h + 1) * 4 * regime.delta / d
        first = n * squared * compression + 4 * squared * (n - d) * n / (d * h * (n - 1))
        second = (compression + 4 * imbalance) / n
        factor = 8 if self.as_printed and regime.delta == 0 else 4
        honest_part = 4 * regime.delta / (h * d) + factor * imbalance
        third = honest_part * n * squared
        fourth = 2 / n**2 + honest_part / n
        return first, second, third, fourth

    @property
    def margin(self) -> float:
        """1/N − √(κ κ2), what Theorem 1 needs to be positive."""
        return 1 / self.regime.devices - math.sqrt(self.regime.kappa * self.constants[1])

    @property
    def feasible(self) -> bool:
        """Whether the theorem says anything at all here: √(κ κ2) < 1/N."""
        return self.margin > 0

    @property
    def largest_step(self) -> float:
        """The γ below which Theorem 1 holds; 0 where no step is small enough."""
        if not self.feasible:
            return 0.0
        _, second, _, fourth = self.constants
        return self.margin / (self.regime.smoothness * (self.regime.kappa * second + fourth))

    def error(self, step: float) -> float:
        """The error term of Com-LAD, (32), or of LAD, (34), at the learning rate γ = `step`.

        Infinite where the theorem does not hold: no bound is proven there, which is
        not to say that training fails.
        """
        require(0 < step < math.inf, "step", step, "must be a positive number")
        if not step < self.largest_step:
            return math.inf
        regime = self.regime
        first, second, third, fourth = self.constants
        at_rest = self.order() / 2
        moving = step * regime.smoothness * (regime.kappa * first + third)
        denominator = self.margin - step * regime.smoothness * (regime.kappa * second + fourth)
        return (at_rest + moving) / denominator

    def order(self) -> float:
        """What is plotted in Figs. 2 and 3: κ1 √κ / √κ2, (33) with the constant 1.

        It is twice the numerator of (32) as γ → 0, without the denominator 1/N − √(κ κ2),
        so that it stays finite where the theorem does not hold. 0 at d = N without
        compression, where κ1 and κ2 are.
        """
        first, second, *_ = self.constants
        return first * math.sqrt(self.regime.kappa / second) if second else 0.0

    def simplified(self) -> float:
        """The error of LAD for large N, (35): β² √(κ (N − d) N / (d H (N − H))).

        The root covers the whole fraction: with the root over κ alone, as the formula can
        be read, the paper's own threshold for d would not follow. In the normalisation
        of the mean loss; infinite if nobody lies, where (35) divides by zero.
        """
        regime = self.regime
        n, h, d = regime.devices, regime.honest, regime.load
        require(regime.delta == 0, "delta", regime.delta, "must be 0: (35) is without compression")
        if n == h:
            return math.inf
        return regime.beta**2 * math.sqrt(regime.kappa * (n - d) * n / (d * h * (n - h)))


def baseline_error(regime: Regime) -> float:
    """The error β² κ of robust aggregation without redundancy, (36); mean loss."""
    return regime.beta**2 * regime.kappa


def load_that_helps(regime: Regime) -> float:
    """The d from which (35) is below (36): N² / (κ H (N − H) + N)."""
    n, h = regime.devices, regime.honest
    return n**2 / (regime.kappa * h * (n - h) + n)
