"""The kept indices of a sparse vector as bytes, in one of several codes.

proto/comlad/v1/vector.proto says how each is laid out. Each set of indices has one form
in each code; whatever else comes is refused, in memory that goes with what came.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.compression import IndexCodec, rice_width
from comlad.errors import MessageError
from comlad.v1 import vector_pb2 as pb
from comlad.wire._fields import field_head
from comlad.wire._packing import pack_flags
from comlad.wire._rice import decode_rice, encode_rice, size_of_rice
from comlad.wire._varints import count_varints, decode_varints, encode_varints, size_of_varints

__all__ = ["RawIndices", "count_indices", "decode_indices", "encode_indices", "raw_indices"]

# The code, how many there are if it says so, and the bytes.
RawIndices = tuple[str | None, int, bytes]
_Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Code:
    """One way to write indices below Q.

    Args:
        encode: The bytes of indices, ascending, with the gaps between them and Q.
        size: How many bytes that makes, from the gaps and Q.
        least: How many it makes at least, from how many there are and Q.
        decode: The indices of bytes, as many as it is told, and Q.
        count: How many indices bytes hold; None if that has to be known to read them.
    """

    encode: Callable[[_Indices, _Indices, int], bytes]
    size: Callable[[_Indices, int], int]
    least: Callable[[int, int], int]
    decode: Callable[[bytes, int, int], _Indices]
    count: Callable[[bytes], int] | None


def encode_indices(
    indices: _Indices, dimension: int, codec: IndexCodec, message: pb.SparseVector, told: bool
) -> None:
    """Put ascending indices below Q = `dimension` into a vector's message.

    Args:
        indices: n of them, int64.
        dimension: Q.
        codec: The code; "auto" for that which makes the shortest message.
        message: Where they go.
        told: Whether the values will say how many they are.
    """
    gaps = indices.copy()  # np.diff with a value before takes five times as long
    gaps[1:] -= indices[:-1]
    untold = 0 if told else len(indices)
    chosen = _shortest(gaps, dimension, untold) if codec == "auto" else codec
    code = _CODES[chosen]
    setattr(message, chosen, code.encode(indices, gaps, dimension))
    if untold and code.count is None:
        message.count = untold


def _shortest(gaps: _Indices, dimension: int, untold: int) -> str:
    """The code that makes the shortest message, where one that must states a count."""
    shortest, best = "", 2**62
    for name, code in _CODES.items():
        count = untold if code.count is None else 0
        if code.least(len(gaps), dimension) < best:
            size = _field_bytes(code.size(gaps, dimension), count)
            if size < best:
                shortest, best = name, size
    return shortest


def raw_indices(message: pb.SparseVector) -> RawIndices:
    """A vector's indices as they came."""
    codec = message.WhichOneof("indices")
    return codec, message.count, b"" if codec is None else getattr(message, codec)


def count_indices(raw: RawIndices, values: int | None, dimension: int) -> int:
    """How many there are, at most Q = `dimension`, as far as that can be told cheaply.

    Args:
        raw: As they came.
        values: For how many values; None if these do not say.
        dimension: Q.

    Raises:
        MessageError: They cannot be so many, or say it where they should not.
    """
    codec, stated, data = raw
    code = _code(codec)
    told = code.count(data) if values is None and code.count else values
    if stated and told is not None:
        raise MessageError(f"a count of {stated}: must be left out where the rest says how many")
    count = stated if told is None else told
    if count > dimension:
        raise MessageError(f"{count} indices: must be at most the dimension {dimension}")
    return count


def decode_indices(raw: RawIndices, count: int, dimension: int) -> _Indices:
    """The indices, `count` of them below Q = `dimension`, ascending; int64.

    Raises:
        MessageError: They are not that, or not in their one form.
    """
    codec, _, data = raw
    indices = _code(codec).decode(data, count, dimension)
    if count and indices[-1] >= dimension:
        raise _past_the_end(dimension)
    return indices


def _code(codec: str | None) -> _Code:
    if codec is None:
        raise MessageError("a sparse vector without indices: must be gaps, a bitmap or a Rice code")
    return _CODES[codec]


def _decode_gaps(data: bytes, count: int, dimension: int) -> _Indices:
    numbers = decode_varints(data, count)
    if not numbers[1:].all():
        where = int(np.argmin(numbers[1:]))
        raise MessageError(f"index {where + 1} repeats the one before: must be ascending")
    if count and numbers.max() >= dimension:  # of so many smaller ones the sum cannot wrap
        raise _past_the_end(dimension)
    return numbers.cumsum(out=numbers)


def _encode_bitmap(indices: _Indices, gaps: _Indices, dimension: int) -> bytes:
    kept = np.zeros(dimension, bool)
    kept[indices] = True
    return pack_flags(kept)


def _decode_bitmap(data: bytes, count: int, dimension: int) -> _Indices:
    if len(data) != (right := -(-dimension // 8)):
        raise MessageError(f"a bitmap of {len(data)} bytes: must be {right}")
    kept = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").view(bool)
    if (found := np.count_nonzero(kept)) != count:
        raise MessageError(f"{found} indices for {count} values: must be as many")
    return np.flatnonzero(kept)


def _decode_rice(data: bytes, count: int, dimension: int) -> _Indices:
    gaps = decode_rice(data, count, rice_width(dimension, count), dimension - count)
    gaps += 1
    gaps[:1] -= 1
    return gaps.cumsum(out=gaps)


def _less_one(gaps: _Indices) -> _Indices:
    numbers = gaps - 1
    numbers[:1] += 1  # the first is an index
    return numbers


def _field_bytes(size: int, count: int) -> int:
    """What indices of that size take of a message, with a count unless that is 0."""
    head = len(field_head(pb.SparseVector.BITMAP_FIELD_NUMBER, size))
    return head + size + (1 + -(-count.bit_length() // 7) if count else 0)


def _past_the_end(dimension: int) -> MessageError:
    return MessageError(f"an index past the end: must be less than the dimension {dimension}")


# The one that is mostly the shortest comes first: then others need not be sized.
_CODES: dict[str, _Code] = {
    "rice": _Code(
        encode=lambda indices, gaps, dimension: encode_rice(
            _less_one(gaps), rice_width(dimension, len(gaps))
        ),
        size=lambda gaps, dimension: size_of_rice(
            _less_one(gaps), rice_width(dimension, len(gaps))
        ),
        least=lambda count, dimension: 0,
        decode=_decode_rice,
        count=None,
    ),
    "bitmap": _Code(
        encode=_encode_bitmap,
        size=lambda gaps, dimension: -(-dimension // 8),
        least=lambda count, dimension: -(-dimension // 8),
        decode=_decode_bitmap,
        count=lambda data: int.from_bytes(data).bit_count(),
    ),
    "gaps": _Code(
        encode=lambda indices, gaps, dimension: encode_varints(gaps),
        size=lambda gaps, dimension: size_of_varints(gaps),
        least=lambda count, dimension: count,
        decode=_decode_gaps,
        count=count_varints,
    ),
}
