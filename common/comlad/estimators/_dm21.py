"""Byz-DM21 and Byz-VR-DM21."""

from dataclasses import dataclass
from typing import ClassVar

from comlad.estimators._feedback import ESTIMATE, Momentum, Start
from comlad.estimators._protocol import MODEL, Footprint, Memory, Vector, Work

__all__ = ["ByzDm21", "ByzVrDm21"]

_FIRST, _SECOND = "momentum", "second_momentum"  # v_i, u_i


@dataclass(frozen=True, slots=True)
class ByzDm21(Momentum):
    """A momentum of a momentum of gradients is tracked (Byz-DM21).

    Li, Liu and Yi, AISTATS 2026, arXiv 2603.15144, which puts a robust rule over the double
    momentum of EF21-SGD2M (Fatkhullin et al., NeurIPS 2023, arXiv 2305.15155):

        v_i ← (1 − η) v_i + η s,  u_i ← (1 − η) u_i + η v_i,
        c_i = C(u_i − g_i),  g_i ← g_i + c_i at both ends.

    The paper's text was not at hand: the recursion is that of its abstract, of EF21-SGD2M
    and of an independent implementation; the authors' released code has the variant with
    variance reduction only.

    Args:
        momentum: η, the weight of what is new in both momenta.
        start: "cold": all begins with zeros. "warm": v_i, u_i and g_i begin with the first
            gradient, which is sent whole.
    """

    momentum: float = 0.1
    start: Start = "cold"

    footprint: ClassVar[Footprint] = Footprint(server=1, device=3)

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        v = self._averaged(work.gradient, memory, _FIRST)
        u = self._averaged(v, memory, _SECOND)
        return u, {**memory, _FIRST: v, _SECOND: u}

    def restart(self, held: Memory, model: Vector) -> Memory:
        return dict.fromkeys((ESTIMATE, _FIRST, _SECOND), held[ESTIMATE])


@dataclass(frozen=True, slots=True)
class ByzVrDm21(Momentum):
    """Byz-DM21 with local variance reduction (Byz-VR-DM21).

    Li, Liu and Yi, AISTATS 2026, arXiv 2603.15144. The first momentum is that of STORM
    (Cutkosky and Orabona, NeurIPS 2019, arXiv 1905.10018): with s' the gradient of the same
    minibatch at the model of the round before,

        v_i ← s + (1 − η)(v_i − s'),  u_i ← (1 − η) u_i + η v_i,
        c_i = C(u_i − g_i),  g_i ← g_i + c_i at both ends.

    Two gradients a round. A device that has missed rounds takes s' at the last model that
    it answered, where its v_i belongs. A cold start begins with v_i = η s, as in the
    authors' released code.

    Args:
        momentum: η, the weight of what is new in both momenta.
        start: "cold": all begins with zeros. "warm": v_i, u_i and g_i begin with the first
            gradient, which is sent whole.
    """

    momentum: float = 0.1
    start: Start = "cold"

    footprint: ClassVar[Footprint] = Footprint(server=1, device=4)
    compares: ClassVar[bool] = True

    def track(self, work: Work, memory: Memory) -> tuple[Vector, Memory]:
        if work.before is None:
            v = self._averaged(work.gradient, memory, _FIRST)
        else:
            v = work.gradient + (1 - self.momentum) * (memory[_FIRST] - work.before)
        u = self._averaged(v, memory, _SECOND)
        return u, {**memory, _FIRST: v, _SECOND: u, MODEL: work.model}

    def restart(self, held: Memory, model: Vector) -> Memory:
        return dict.fromkeys((ESTIMATE, _FIRST, _SECOND), held[ESTIMATE]) | {MODEL: model}
