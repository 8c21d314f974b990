"""Copying one honest vector over and over."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from comlad.attacks._pool import Pool
from comlad.attacks._protocol import View
from comlad.config import require
from comlad.estimators import Memory

__all__ = ["Mimic"]


@dataclass(frozen=True, slots=True)
class Mimic:
    """The honest vector farthest out along the direction in which they differ most.

    Karimireddy, He and Jaggi, "Byzantine-Robust Learning on Heterogeneous Datasets via
    Bucketing", ICLR 2022, Section 3.2: nothing that it sends is a lie, but one opinion is
    heard many times. In the t-th round of the warm-up (t = 0, 1, …) µ ← (t µ + M)/(t + 1),
    then z ← t z + v/‖v‖ with v = Σ_j (c_j − µ)⟨c_j − µ, z⟩, normalised: a power iteration for
    the leading direction of the covariance. It starts from the vector farthest from the
    mean rather than at random, so that all liars agree.

    The paper copies argmax ⟨z, c_j⟩ and, after the warm-up, always the same device. LAD
    deals the tasks anew in every round and tells nobody who has which: what can be
    copied in every round is the task argmax_j ⟨z, c_j⟩ of that round.

    The attacker must know: what honest devices send, exact in LAD up to which tasks are theirs.

    Args:
        warmup: The number of rounds in which z is learned.
    """

    warmup: int = 100

    spies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(self.warmup >= 1, "warmup", self.warmup, "must be at least 1 round")

    def __call__(self, view: View) -> NDArray[np.float64]:
        z = self.remember(view)["direction"]
        pool = view.pool
        task = pool.once((self, "task", id(z)), lambda: int(pool.along(z).argmax()))
        return pool.vector(task)

    def remember(self, view: View) -> Memory:
        # By identity: the memories of all liars of a process are one object.
        key = (self, "memory", id(view.memory.get("direction")))
        return view.pool.once(key, lambda: self._learned(view.pool, view.memory))

    def _learned(self, pool: Pool, memory: Memory) -> Memory:
        rounds = int(memory["rounds"][0]) if memory else 0
        if rounds >= self.warmup:
            return memory
        if rounds == 0:
            mean, z = pool.mean, pool.vector(int(pool.squares.argmax())) - pool.mean
        else:
            mean, z = (rounds * memory["mean"] + pool.mean) / (rounds + 1), memory["direction"]
        z = rounds * z + _unit(_power_step(pool, mean, z))
        return {"direction": _unit(z), "mean": mean, "rounds": np.array([rounds + 1.0])}


def _power_step(
    pool: Pool, mean: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Σ_j (c_j − mean)⟨c_j − mean, z⟩."""
    # c_j − mean = (c_j − M) + shift, and the sum of c_j − M is zero.
    shift = pool.mean - mean
    step: NDArray[np.float64] = pool.combine(pool.along(z))
    step += len(pool.vectors) * (shift @ z) * shift
    return step


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = np.sqrt(vector @ vector)
    return vector / norm if norm > 0 else vector
