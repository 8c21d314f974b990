"""As far from the mean as can go unnoticed by whoever looks at distances."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._pool import Pool
from comlad.attacks._protocol import View
from comlad.config import require

__all__ = ["MinMax", "MinSum"]

Direction = Literal["std", "unit", "sign"]

# Where the search of the paper's released code ends.
_THRESHOLD = 1e-5


@dataclass(frozen=True, slots=True)
class MinMax:
    """No farther from any honest vector than two honest ones are from each other.

    Shejwalkar and Houmansadr, "Manipulating the Byzantine", NDSS 2021, Section IV:
    m = M + γ p with the largest γ for which max_i ‖m − c_i‖ ≤ max_{i,j} ‖c_i − c_j‖.

    The attacker must know: what honest devices send, exact in LAD up to which tasks are theirs.

    Args:
        direction: p: "std" for −σ, "unit" for −M/‖M‖, "sign" for −sign(M).
        start: γ in the first step of the paper's Algorithm 1, which goes up and down by
            halves of it, so that γ comes out below twice as much (10 in the released
            code). If not given γ is the largest there is, from the quadratic inequality
            that it solves for each i.
    """

    direction: Direction = "std"
    start: float | None = None

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_start(self.start)

    def __call__(self, view: View) -> NDArray[np.float64]:
        return view.pool.once(self, lambda: self._vector(view.pool))

    def _vector(self, pool: Pool) -> NDArray[np.float64]:
        p = _direction(pool, self.direction)
        # With a_i = c_i − M: ‖m − c_i‖² = ‖a_i‖² − 2γ⟨a_i, p⟩ + γ²‖p‖².
        squares, along, length = pool.gram.diagonal(), pool.along(p), float(p @ p)
        most = (squares[:, None] + squares - 2 * pool.gram).max()
        if not length > 0:
            return pool.mean
        if self.start is None:
            roots = along + np.sqrt(along**2 + length * np.maximum(most - squares, 0))
            gamma = float(roots.min()) / length
        else:
            gamma = _search(
                lambda g: bool((squares - 2 * g * along + g * g * length).max() <= most), self.start
            )
        return pool.mean + gamma * p


@dataclass(frozen=True, slots=True)
class MinSum:
    """No farther from all honest vectors together than one of them is from the others.

    Shejwalkar and Houmansadr, "Manipulating the Byzantine", NDSS 2021, Section IV:
    m = M + γ p with the largest γ for which Σ_i ‖m − c_i‖² ≤ max_i Σ_j ‖c_i − c_j‖².

    The attacker must know: what honest devices send, exact in LAD up to which tasks are theirs.

    Args:
        direction: p: "std" for −σ, "unit" for −M/‖M‖, "sign" for −sign(M).
        start: As of min-max; if not given γ = max_i ‖c_i − M‖/‖p‖, the largest there is.
    """

    direction: Direction = "std"
    start: float | None = None

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_start(self.start)

    def __call__(self, view: View) -> NDArray[np.float64]:
        return view.pool.once(self, lambda: self._vector(view.pool))

    def _vector(self, pool: Pool) -> NDArray[np.float64]:
        p = _direction(pool, self.direction)
        # Both sides are the spread Σ_i ‖c_i − M‖² and N times this:
        most, length = pool.squares.max(), float(p @ p)
        if not length > 0:
            return pool.mean
        if self.start is None:
            gamma = float(np.sqrt(most / length))
        else:
            gamma = _search(lambda g: bool(g * g * length <= most), self.start)
        return pool.mean + gamma * p


def _check_start(start: float | None) -> None:
    if start is not None:
        require(0 < start < np.inf, "start", start, "must be a positive number")


def _direction(pool: Pool, direction: Direction) -> NDArray[np.float64]:
    if direction == "std":
        return -pool.deviation
    if direction == "sign":
        return -np.sign(pool.mean)
    norm = np.sqrt(pool.mean @ pool.mean)
    return -pool.mean / norm if norm > 0 else pool.mean


def _search(unnoticed: Callable[[float], bool], start: float) -> float:
    """Algorithm 1 of the paper: the last γ that was seen to go unnoticed; 0 if none was.

    A γ whose square leaves the finite numbers is noticed. It must be written γ * γ: of a
    float ** raises.
    """
    gamma = step = start
    best = 0.0
    while step > _THRESHOLD:  # as long as |best − γ| is, but for rounding, which need not end
        step /= 2
        with np.errstate(over="ignore", invalid="ignore"):
            passes = unnoticed(gamma)
        if passes:
            best = gamma
            gamma += step
        else:
            gamma -= step
    return best
