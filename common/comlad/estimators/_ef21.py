"""EF21 and EF21 with momentum, under robust rules."""

from dataclasses import dataclass
from typing import ClassVar

from comlad.estimators._feedback import ESTIMATE, Feedback, Momentum, Start
from comlad.estimators._protocol import Footprint, Memory, Vector, Work

__all__ = ["Ef21", "Ef21Sgdm"]

_MOMENTUM = "momentum"  # v_i


@dataclass(frozen=True, slots=True)
class Ef21(Feedback):
    """The gradient itself is tracked: c = C(s − g_i) and g_i ← g_i + c at both ends (EF21).

    Byz-EF21 of Rammal et al., AISTATS 2024, arXiv 2310.09804, under a robust rule over
    g_1..g_n. Theirs are full gradients; with a minibatch it is Byz-EF21-SGD, whose error
    does not fall below the gradient noise.

    Args:
        start: "cold": all begins with zeros. "warm": the first vector is sent whole.
    """

    start: Start = "cold"


@dataclass(frozen=True, slots=True)
class Ef21Sgdm(Momentum):
    """A momentum of gradients is tracked (Byz-EF21-SGDM).

    Liu, Li, Yi and Johansson, IEEE TNNLS 2026, arXiv 2409.08640, which puts a robust rule
    over EF21-SGDM of Fatkhullin, Tyurin and Richtárik, NeurIPS 2023, arXiv 2305.15155:

        v_i ← (1 − η) v_i + η s,  c_i = C(v_i − g_i),  g_i ← g_i + c_i at both ends.

    Args:
        momentum: η, the weight of the new gradient; with 1 it is ef21.
        start: "cold": all begins with zeros. "warm": v_i and g_i begin with the first
            gradient, which is sent whole.
    """

    momentum: float = 0.1
    start: Start = "cold"

    footprint: ClassVar[Footprint] = Footprint(server=1, device=2)

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        v = self._averaged(work.gradient, memory, _MOMENTUM)
        return v, {**memory, _MOMENTUM: v}

    def restart(self, held: Memory, model: Vector) -> Memory:
        return {ESTIMATE: held[ESTIMATE], _MOMENTUM: held[ESTIMATE]}
