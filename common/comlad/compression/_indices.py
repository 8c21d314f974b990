"""How the indices of a sparse vector travel, and what that costs at most.

The codes themselves are the wire's; proto/comlad/v1/vector.proto says how each is laid out.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

__all__ = ["IndexCodec", "index_bound", "rice_width"]

# "auto" stands for whichever of the others is shortest for the vector at hand.
IndexCodec = Literal["auto", "gaps", "bitmap", "rice"]


def index_bound(codec: IndexCodec, dimension: int, kept: int) -> int:
    """The bytes that `kept` of Q indices take at most.

    With "auto" a device may use any code that this leaves room for.
    """
    if codec == "auto":
        return max(_BOUNDS["gaps"](dimension, kept), _BOUNDS["rice"](dimension, kept))
    return _BOUNDS[codec](dimension, kept)


@lru_cache(maxsize=256)  # asked several times for every vector, mostly the same
def rice_width(dimension: int, kept: int) -> int:
    """The bits of each gap that are sent as they are, with `kept` of Q indices.

    The gaps of a random subset, each less 1, are nearly geometric with mean Q/k − 1. For
    these the best w is the greatest with 2^w ln(Q/(Q − k)) ≤ 2 ln((1 + √5)/2) (Kiely, IPN
    Progress Report 42-159, 2004). In whole numbers, so that all agree: 1/ln(Q/(Q − k)) is
    nearly Q/k − 1/2, and the right-hand side 26/27.
    """
    return max(0, (13 * (2 * dimension - kept) // (27 * max(kept, 1))).bit_length() - 1)


def _gaps_bound(dimension: int, kept: int) -> int:
    """All gaps add up to Q − 1 at most: no more than (Q − 1)/128^j of them take over j bytes."""
    size, rare = kept, (dimension - 1) // 128
    while rare:
        size += min(kept, rare)
        rare //= 128
    return size


def _bitmap_bound(dimension: int, kept: int) -> int:
    return -(-dimension // 8)


def _rice_bound(dimension: int, kept: int) -> int:
    """All gaps, each less 1, add up to Q − k at most."""
    width = rice_width(dimension, kept)
    return -(-(kept * (1 + width) + (dimension - kept >> width)) // 8)


_BOUNDS: dict[str, Callable[[int, int], int]] = {
    "gaps": _gaps_bound,
    "bitmap": _bitmap_bound,
    "rice": _rice_bound,
}
