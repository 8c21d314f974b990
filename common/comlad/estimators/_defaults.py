"""What an estimator is that remembers nothing and sends what it has; others differ from that."""

from typing import ClassVar, Self

from comlad.estimators._protocol import Arrival, Footprint, Memory, Setting, Vector, Work

__all__ = ["Defaults"]


class Defaults:
    """An `Estimator` without memory, for any compressor."""

    __slots__ = ()

    footprint: ClassVar[Footprint] = Footprint()
    mirrored: ClassVar[tuple[str, ...]] = ()
    compares: ClassVar[bool] = False
    uses_previous: ClassVar[bool] = False

    @property
    def refresh(self) -> float:
        return 0.0

    def fitted(self, setting: Setting) -> Self:
        return self

    def whole(self, full: bool, first: bool) -> bool:
        return False

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        return work.gradient, memory

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        return target, memory

    def settle(self, offered: Vector, decoded: Vector, memory: Memory) -> Memory:
        return memory

    def receive(self, decoded: Vector, memory: Memory, arrival: Arrival) -> tuple[Vector, Memory]:
        return decoded, memory

    def restart(self, held: Memory, model: Vector) -> Memory:
        return {}
