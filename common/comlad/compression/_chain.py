"""Two compressors, one after the other."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from comlad.compression._payloads import Dense, Masked, Payload, Sparse
from comlad.compression._protocol import (
    Bounded,
    Compressor,
    Draws,
    MaskScope,
    Sparsifier,
    TakesMask,
    Uniform,
    contraction,
    mask_scope,
)
from comlad.compression._random_sparsification import RandomSparsification
from comlad.compression._top_k import TopK
from comlad.compression._value_types import HALVES
from comlad.config import at, mistake
from comlad.errors import ConfigError, MessageError

__all__ = ["Chain", "chained", "links_of"]

_Agreement = Literal["none", "repeats", "linear"]
_BY_AGREEMENT: list[_Agreement] = ["none", "repeats", "linear"]


@dataclass(frozen=True, slots=True)
class Chain:
    """Keep some coordinates, then compress their values: C(g) = C₂(C₁(g)).

    Of two unbiased ones 1 + δ = (1 + δ₁)(1 + δ₂) with δ₂ at the length of what is kept:
    E‖C₂(y) − g‖² = E‖C₂(y) − y‖² + E‖y − g‖² ≤ δ₂(1 + δ₁)‖g‖² + δ₁‖g‖², y = C₁(g). After
    one that keeps values as they are, whose y is orthogonal to y − g as C₂(y) is, α = α₁α₂.

    Args:
        first: The sparsifier. Its `values` do not travel, but what it keeps is rounded to
            them before the second sees it; "float64" leaves it as it is. `chained` takes
            no type of two bytes here: one error more, for nothing that travels.
        second: What is done to the values that it kept; it sees a vector of these only.
    """

    first: Sparsifier
    second: Compressor

    @property
    def mask_scope(self) -> MaskScope:
        return mask_scope(self.first)

    @property
    def agreement(self) -> _Agreement:
        return min(
            (link.agreement if isinstance(link, Uniform) else "none" for link in links_of(self)),
            key=_BY_AGREEMENT.index,
        )

    @property
    def parts(self) -> int:
        return cast("TakesMask", self.first).parts

    def mask(self, dimension: int, key: bytes) -> NDArray[np.int64]:
        return cast("TakesMask", self.first).mask(dimension, key)

    def check(self, dimension: int) -> None:
        with at("link 1"):
            self.first.check(dimension)
        with at("link 2"):
            self.second.check(self.first.kept(dimension))

    def compress(self, vector: NDArray[np.float64], draws: Draws) -> Sparse:
        kept = self.first.compress(vector, draws)
        values = self.second.compress(kept.floats(), draws)
        if not (isinstance(kept, Sparse) and isinstance(values, Dense)):
            raise ConfigError(f"{self.first} and {self.second} gave {kept} and {values}")
        return replace(kept, values=values.values)

    def admit(self, payload: Payload, dimension: int) -> None:
        kept = self.first.kept(dimension)
        form = Sparse if self.mask_scope == "none" else Masked
        if type(payload) is form and len(payload.values) == kept:
            with suppress(MessageError):
                return self.second.admit(Dense(payload.values), kept)
        raise MessageError(
            f"{payload.describe()}: must be {form.__name__.lower()}, "
            f"{kept} values as {self.second} makes them"
        )

    def payload_bound(self, dimension: int) -> int:
        values = self.second.payload_bound(self.first.kept(dimension))
        return self.first.index_bound(dimension) + values

    def delta(self, dimension: int) -> float | None:
        first, second = self._bounds
        if first is None or second is None:
            return None
        ours, theirs = first.delta(dimension), second.delta(self.first.kept(dimension))
        return None if ours is None or theirs is None else (1 + ours) * (1 + theirs) - 1

    def alpha(self, dimension: int) -> float | None:
        first, second = self._bounds
        if first is None or second is None:
            return None
        if first.delta(dimension) is not None:
            return contraction(self.delta(dimension))
        ours, theirs = first.alpha(dimension), second.alpha(self.first.kept(dimension))
        return None if ours is None or theirs is None else ours * theirs

    def bits(self, dimension: int) -> float:
        kept, (_, second) = self.first.kept(dimension), self._bounds
        values = second.bits(kept) if second is not None else 8 * self.second.payload_bound(kept)
        return self.first.index_bits(dimension) + values

    @property
    def _bounds(self) -> tuple[Bounded | None, Bounded | None]:
        first, second = (link if isinstance(link, Bounded) else None for link in links_of(self))
        return first, second


def chained(links: Sequence[Compressor]) -> Compressor:
    """The compressor of a list of one or two.

    Raises:
        ConfigError: They do not go together.
    """
    right = "must be one compressor, or two: what keeps coordinates, then what is done to them"
    if not 1 <= len(links) <= 2:
        raise mistake("[[compressor]]", [_kind_of(link) for link in links], right)
    if len(links) == 1:
        return links[0]
    first, second = links
    if not isinstance(first, Sparsifier):
        right = "must keep some of the coordinates, as random-sparsification and top-k do"
        raise mistake("[[compressor]] link 1 kind", _kind_of(first), right)
    right = "must be what values are compressed with, such as qsgd; coordinates are kept by link 1"
    if isinstance(second, Sparsifier):
        raise mistake("[[compressor]] link 2 kind", _kind_of(second), right)
    if isinstance(first, RandomSparsification | TopK) and first.values in HALVES:
        right = "must be float64 or float32, since link 2 decides how values travel"
        raise mistake("[[compressor]] link 1 values", first.values, right)
    return Chain(first, second)


def links_of(compressor: Compressor) -> tuple[Compressor, ...]:
    """The list of which `chained` makes it."""
    if isinstance(compressor, Chain):
        return compressor.first, compressor.second
    return (compressor,)


def _kind_of(link: Compressor) -> str:
    # Not at the top: the package, which has the table, imports this module.
    from comlad.compression import COMPRESSORS

    return COMPRESSORS.kind_of(link)
