"""Byz-DIANA."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from comlad.estimators._defaults import Defaults
from comlad.estimators._protocol import Arrival, Footprint, Memory, Setting, Vector
from comlad.estimators._setting import check_share, known_delta

__all__ = ["Diana"]

_SHIFT = "shift"  # h_i, at both ends


@dataclass(frozen=True, slots=True)
class Diana(Defaults):
    """The difference to a shift that both ends learn is compressed (DIANA).

    Mishchenko, Gorbunov, Takáč and Richtárik, arXiv 1901.09269; under a robust rule the
    BR-DIANA that Byz-VR-MARINA is compared with (arXiv 2206.00529):

        Δ_i = C(s − h_i),  ĝ_i = h_i + Δ_i is aggregated,  h_i ← h_i + α Δ_i at both ends.

    All begins with zeros.

    Args:
        rate: α; if not given 1/(1 + δ).
    """

    rate: float | None = None

    footprint: ClassVar[Footprint] = Footprint(server=1, device=1)
    mirrored: ClassVar[tuple[str, ...]] = (_SHIFT,)

    def __post_init__(self) -> None:
        check_share("rate", self.rate)

    def fitted(self, setting: Setting) -> Self:
        delta = known_delta(setting, "diana")
        return self if self.rate is not None else replace(self, rate=1 / (1 + delta))

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        return target - memory.get(_SHIFT, 0.0), memory

    def settle(self, offered: Vector, decoded: Vector, memory: Memory) -> Memory:
        return {_SHIFT: self._moved(decoded, memory)}

    def receive(self, decoded: Vector, memory: Memory, arrival: Arrival) -> tuple[Vector, Memory]:
        return memory.get(_SHIFT, 0.0) + decoded, {_SHIFT: self._moved(decoded, memory)}

    def restart(self, held: Memory, model: Vector) -> Memory:
        return {_SHIFT: held[_SHIFT]}

    def _moved(self, decoded: Vector, memory: Memory) -> Vector:
        assert self.rate is not None  # `fitted` has seen to that
        return memory.get(_SHIFT, 0.0) + self.rate * decoded
