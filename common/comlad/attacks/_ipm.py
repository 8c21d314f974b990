"""Against the mean of the honest vectors."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["FallOfEmpires", "InnerProductManipulation"]


@dataclass(frozen=True, slots=True)
class InnerProductManipulation:
    """A negative multiple of the honest mean: −ε M (IPM).

    Xie, Koyejo and Gupta, "Fall of Empires", UAI 2019: ⟨M, aggregate⟩ becomes negative. A
    small ε stays close to the honest vectors and so inside a robust rule's choice; a
    large one turns the mean around, as soon as ε f > n − f.

    The attacker must know: the mean of what honest devices send, exact in LAD up to
    which tasks are theirs.

    Args:
        epsilon: ε.
    """

    epsilon: float = 0.1

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(np.isfinite(self.epsilon), "epsilon", self.epsilon, "must be a finite number")

    def __call__(self, view: View) -> NDArray[np.float64]:
        return -self.epsilon * view.pool.mean


@dataclass(frozen=True, slots=True)
class FallOfEmpires:
    """The honest mean, overshot backwards: (1 − τ) M (FOE).

    IPM of Xie, Koyejo and Gupta (UAI 2019) with ε = τ − 1, as later papers write it;
    opt-ipm finds the worst ε for a rule.

    The attacker must know: the mean of what honest devices send, exact in LAD up to
    which tasks are theirs.

    Args:
        tau: τ.
    """

    tau: float = 1.1

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(np.isfinite(self.tau), "tau", self.tau, "must be a finite number")

    def __call__(self, view: View) -> NDArray[np.float64]:
        return (1 - self.tau) * view.pool.mean
