"""Byz-VR-MARINA."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from comlad.estimators._defaults import Defaults
from comlad.estimators._protocol import MODEL, Arrival, Footprint, Memory, Setting, Vector, Work
from comlad.estimators._setting import check_share, known_delta

__all__ = ["ByzVrMarina"]


@dataclass(frozen=True, slots=True)
class ByzVrMarina(Defaults):
    """Differences of gradients on top of the last aggregate, and now and then full ones.

    Gorbunov, Horváth, Richtárik and Gidel, ICLR 2023, arXiv 2206.00529. A coin that all
    share is 1 with probability p. Coin 1, and the first round: every device sends the
    gradient of all its samples, whole. Coin 0: it sends C(s − s') with s' the gradient of
    the same minibatch at the model of the round before, and the server takes g_{t−1} + C(s − s')
    for its estimate, g_{t−1} being the aggregate that the last step was along. A device
    that has missed a step sends nothing new: C(0).

    Args:
        probability: p; if not given min(1/(1 + δ), b/m): full rounds then add as much
            again to what is sent or computed.
    """

    probability: float | None = None

    footprint: ClassVar[Footprint] = Footprint(server=0, device=1)
    compares: ClassVar[bool] = True
    uses_previous: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_share("probability", self.probability)

    @property
    def refresh(self) -> float:
        assert self.probability is not None  # `fitted` has seen to that
        return self.probability

    def fitted(self, setting: Setting) -> Self:
        delta = known_delta(setting, "byz-vr-marina")
        if self.probability is not None:
            return self
        return replace(self, probability=min(1 / (1 + delta), setting.share))

    def whole(self, full: bool, first: bool) -> bool:
        return full

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        if work.full:
            target = work.gradient
        elif work.before is not None:
            target = work.gradient - work.before
        else:
            target = np.zeros_like(work.gradient)
        return target, {MODEL: work.model}

    def receive(self, decoded: Vector, memory: Memory, arrival: Arrival) -> tuple[Vector, Memory]:
        if arrival.full or arrival.previous is None:
            return decoded, memory
        return arrival.previous + decoded, memory
