"""The first error feedback."""

from dataclasses import dataclass
from typing import ClassVar, Self

from comlad.estimators._defaults import Defaults
from comlad.estimators._protocol import Footprint, Memory, Setting, Vector
from comlad.estimators._setting import require_contractive

__all__ = ["Ef14"]

_ERROR = "error"  # e_i


@dataclass(frozen=True, slots=True)
class Ef14(Defaults):
    """What compression left out is added to the next vector (EF14).

    Seide et al., Interspeech 2014; Karimireddy et al., ICML 2019, arXiv 1901.09847:
    p = s + e, C(p) is sent, e ← p − C(p). They compress γ s + e; under a constant step γ and
    a compressor with C(γ v) = γ C(v) that is the same, e being counted in units of γ.
    The messages themselves are aggregated: a rule sees compressed vectors.
    """

    footprint: ClassVar[Footprint] = Footprint(server=0, device=1)

    def fitted(self, setting: Setting) -> Self:
        require_contractive(setting)
        return self

    def offer(self, target: Vector, memory: Memory) -> tuple[Vector, Memory]:
        return target + memory.get(_ERROR, 0.0), memory

    def settle(self, offered: Vector, decoded: Vector, memory: Memory) -> Memory:
        return {_ERROR: offered - decoded}
