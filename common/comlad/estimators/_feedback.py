"""Error feedback of the kind of EF21: both ends hold the same g_i, and what it lacks is sent.

Richtárik, Sokolov and Fatkhullin, NeurIPS 2021, arXiv 2106.05203: c_i = C(τ_i − g_i), and
g_i ← g_i + c_i at both ends. What τ_i is tells one method from another. A device adds
what was decoded, never what it meant.
"""

from typing import ClassVar, Literal, Self

from comlad.config import require
from comlad.estimators._defaults import Defaults
from comlad.estimators._protocol import Arrival, Footprint, Memory, Setting, Vector
from comlad.estimators._setting import require_contractive

__all__ = ["ESTIMATE", "Feedback", "Mirrored", "Momentum", "Start"]

ESTIMATE = "estimate"  # g_i

# Whether all begins with zeros, or with one vector that is sent whole.
Start = Literal["cold", "warm"]


class Mirrored(Defaults):
    """What methods have in common whose server holds a g_i that each device mirrors."""

    __slots__ = ()

    footprint: ClassVar[Footprint] = Footprint(server=1, device=1)
    mirrored: ClassVar[tuple[str, ...]] = (ESTIMATE,)

    def settle(self, offered: Vector, decoded: Vector, memory: Memory) -> Memory:
        return {**memory, ESTIMATE: _sum(decoded, memory)}

    def receive(self, decoded: Vector, memory: Memory, arrival: Arrival) -> tuple[Vector, Memory]:
        estimate = _sum(decoded, memory)
        return estimate, {ESTIMATE: estimate}

    def restart(self, held: Memory, model: Vector) -> Memory:
        return {ESTIMATE: held[ESTIMATE]}


class Feedback(Mirrored):
    """Those that track a τ_i; each is a frozen dataclass that says which."""

    __slots__ = ()

    start: Start

    def fitted(self, setting: Setting) -> Self:
        require_contractive(setting)
        return self

    def whole(self, full: bool, first: bool) -> bool:
        return first and self.start == "warm"

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        return target - memory.get(ESTIMATE, 0.0), memory


class Momentum(Feedback):
    """Those whose τ_i is a running average, or one of another; η is the weight of what is new."""

    __slots__ = ()

    momentum: float

    def __post_init__(self) -> None:
        right = "must be above 0 and at most 1: it is the weight of what is new"
        require(0 < self.momentum <= 1, "momentum", self.momentum, right)

    def _averaged(self, new: Vector, memory: Memory, name: str) -> Vector:
        """The running average of that name, with a new vector in it."""
        if self.start == "warm" and name not in memory:
            return new
        return (1 - self.momentum) * memory.get(name, 0.0) + self.momentum * new


def _sum(decoded: Vector, memory: Memory) -> Vector:
    """The one addition that both ends do, so that their bits agree."""
    return memory.get(ESTIMATE, 0.0) + decoded
