"""Byz-DASHA-PAGE."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from comlad.estimators._feedback import ESTIMATE, Mirrored
from comlad.estimators._protocol import MODEL, Footprint, Memory, Setting, Vector, Work
from comlad.estimators._setting import check_share, known_delta

__all__ = ["ByzDashaPage"]

_GRADIENT = "gradient"  # h_i
_AIM = "aim"  # what was last offered for it: h_i itself, unless the device lied


@dataclass(frozen=True, slots=True)
class ByzDashaPage(Mirrored):
    """A PAGE gradient is tracked with momentum, and never sent whole.

    Rammal, Gruntkowska, Fedin, Gorbunov and Richtárik, AISTATS 2024, arXiv 2310.09804, over
    DASHA of Tyurin and Richtárik, ICLR 2023, arXiv 2202.01268. A coin that all share is 1
    with probability p. Coin 1, and the first round: h_i' is the gradient of all samples.
    Coin 0: h_i' = h_i + s − s', s' being the gradient of the same minibatch at the model of
    the round before. Then

        m_i = C(h_i' − h_i − a (g_i − h_i)),  g_i ← g_i + m_i at both ends,  h_i ← h_i'.

    All begins with zeros. A device whose first answer that counts is in a later round, not a
    full one, begins with a minibatch.

    Args:
        probability: p; if not given b/(m + b).
        momentum: a; if not given 1/(2δ + 1).
    """

    probability: float | None = None
    momentum: float | None = None

    footprint: ClassVar[Footprint] = Footprint(server=1, device=4)
    compares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_share("probability", self.probability)
        check_share("momentum", self.momentum)

    @property
    def refresh(self) -> float:
        assert self.probability is not None  # `fitted` has seen to that
        return self.probability

    def fitted(self, setting: Setting) -> Self:
        delta = known_delta(setting, "byz-dasha-page")
        share = setting.share
        return replace(
            self,
            probability=share / (1 + share) if self.probability is None else self.probability,
            momentum=1 / (2 * delta + 1) if self.momentum is None else self.momentum,
        )

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        gradient = work.gradient
        if not work.full and work.before is not None:
            gradient = memory[_GRADIENT] + gradient - work.before
        return gradient, {**memory, _GRADIENT: gradient, MODEL: work.model}

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        assert self.momentum is not None  # `fitted` has seen to that
        last = memory.get(_AIM, 0.0)
        offered = target - last - self.momentum * (memory.get(ESTIMATE, 0.0) - last)
        return offered, {**memory, _AIM: target}

    def restart(self, held: Memory, model: Vector) -> Memory:
        estimate = held[ESTIMATE]
        return dict.fromkeys((ESTIMATE, _GRADIENT, _AIM), estimate) | {MODEL: model}
