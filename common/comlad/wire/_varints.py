"""Base-128 varints of 32 bits, as protobuf packs them, in whole arrays.

A decoder takes the shortest form of each number and nothing else, so that no two
messages mean the same.
"""

import numpy as np
from numpy.typing import NDArray

from comlad.errors import MessageError

__all__ = ["count_varints", "decode_varints", "encode_varints", "size_of_varints"]

_LONGEST = 5  # bytes of a number below 2^35


def encode_varints(numbers: NDArray[np.int64]) -> bytes:
    """The varints of numbers from 0 to 2^32 − 1."""
    if not len(numbers) or numbers.max() < 0x80:
        return numbers.astype(np.uint8).tobytes()
    lengths = np.ones(len(numbers), np.intp)
    for shift in range(7, 7 * _LONGEST, 7):
        lengths += numbers >= 1 << shift
    ends = np.cumsum(lengths)
    starts = ends - lengths
    data = np.empty(ends[-1], np.uint8)
    data[starts] = numbers & 0x7F
    for position in range(1, lengths.max()):
        longer = lengths > position
        data[starts[longer] + position] = numbers[longer] >> 7 * position & 0x7F
    data |= 0x80
    data[ends - 1] &= 0x7F
    return data.tobytes()


def size_of_varints(numbers: NDArray[np.int64]) -> int:
    """The bytes that `encode_varints` would make."""
    size, rest = len(numbers), numbers
    while len(rest := rest[rest >= 0x80] >> 7):
        size += len(rest)
    return size


def count_varints(data: bytes) -> int:
    """How many varints end in these bytes."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) < 0x80))


def decode_varints(data: bytes, count: int) -> NDArray[np.int64]:
    """The numbers of `count` varints, int64.

    Raises:
        MessageError: There are not that many, or one is cut off, too long or not in
            its shortest form. Memory stays within a few times the size of `data`.
    """
    octets = np.frombuffer(data, np.uint8)
    if len(data) == count and data.isascii():  # a byte each
        return octets.astype(np.int64)
    last = octets < 0x80
    found = int(np.count_nonzero(last))
    if found != count or (len(data) and not last[-1]):
        raise MessageError(f"{found} whole indices for {count} values: must be as many")
    # From the last byte of each, the most significant, to the first.
    at = np.flatnonzero(last)
    numbers: NDArray[np.int64] = octets[at].astype(np.int64)
    longer = np.arange(0)
    for length in range(2, _LONGEST + 2):
        at -= 1
        more = octets[at] >= 0x80  # left of the first stands, as if round a corner, the last
        if not more.any():
            break
        if length > _LONGEST or (length == 2 and not numbers[more].all()):
            raise MessageError("an index in more bytes than it needs: must be in its shortest form")
        at = at[more]
        longer = np.flatnonzero(more) if length == 2 else longer[more]
        numbers[longer] = numbers[longer] << 7 | octets[at] & 0x7F
    return numbers
