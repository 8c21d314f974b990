"""A little is enough."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["ALittleIsEnough", "hidden_deviations"]


@dataclass(frozen=True, slots=True)
class ALittleIsEnough:
    """Off the mean by so many standard deviations as some honest ones are (ALIE).

    M − z σ coordinate by coordinate (Baruch, Baruch and Goldberg, NeurIPS 2019, arXiv
    1902.06156), with M and σ of the honest vectors. With the n devices of which f
    lie, s = ⌊n/2 + 1⌋ − f honest ones make a majority with the liars, and
    z = Φ⁻¹((n − f − s)/(n − f)) has that many farther out. z is 0, and M itself is sent, for
    example at n = 10, f = 2.

    The attacker must know: mean and standard deviation of what honest devices send, exact
    in LAD up to which tasks are theirs; and how many lie.

    Args:
        f: How many lie. From [devices] in an experiment file, if not given.
        z: By the formula if not given.
        direction: "minus" for M − z σ, "plus" for M + z σ.
    """

    f: int | None = None
    z: float | None = None
    direction: Literal["minus", "plus"] = "minus"

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.z is None:
            require(self.f is not None, "f", self.f, "must be how many lie, or else z given")
        else:
            require(np.isfinite(self.z), "z", self.z, "must be a finite number")
        require((self.f or 0) >= 0, "f", self.f, "must be at least 0")

    def check(self, devices: int) -> None:
        if self.z is None:
            hidden_deviations(devices, self.f or 0)

    def __call__(self, view: View) -> NDArray[np.float64]:
        z = self.z
        if z is None:
            assert self.f is not None
            z = hidden_deviations(len(view.permutation), self.f)
        signed = -z if self.direction == "minus" else z
        return view.pool.mean + signed * view.pool.deviation


def hidden_deviations(n: int, f: int) -> float:
    """The z of ALIE for n devices of which f lie.

    Raises:
        ConfigError: There is none: the liars are the majority, or too few devices.
    """
    from statistics import NormalDist  # 1 MB that honest devices need not carry

    supporters = n // 2 + 1 - f
    right = f"must be at most half of {n} devices, of which there must be 3"
    require(n >= 3 and supporters >= 1, "f", f, right)
    return NormalDist().inv_cdf((n - f - supporters) / (n - f))
