"""Codes of a few bits each, without gaps, in whole arrays.

The first value comes first, and of each its least significant bit. A decoder checks
the exact length before it unpacks, and takes nothing but zeros for what is left over in
the last byte, so that no two messages mean the same.
"""

import numpy as np
from numpy.typing import NDArray

from comlad.errors import MessageError

__all__ = [
    "pack_codes",
    "pack_flags",
    "pack_trits",
    "unpack_codes",
    "unpack_flags",
    "unpack_trits",
]

_PER_BYTE = 5  # trits: 3^5 = 243 fit into 256
# What each byte below 243 stands for: 1 is +, 2 is −.
_TRITS = np.array([0, 1, -1], np.int8)[np.arange(243)[:, None] // 3 ** np.arange(_PER_BYTE) % 3]


def pack_flags(flags: NDArray[np.bool_]) -> bytes:
    """A bit each."""
    return np.packbits(flags, bitorder="little").tobytes()


def unpack_flags(data: bytes, count: int) -> NDArray[np.bool_]:
    """The flags of `count` bits.

    Raises:
        MessageError: There are not so many bytes, or bits left over that are not 0.
    """
    return _bits(data, count, 1).view(bool)


def pack_codes(codes: NDArray[np.uint32], width: int) -> bytes:
    """The low `width` bits of each, which are all that it has."""
    octets = codes.astype("<u4", copy=False).view(np.uint8).reshape(-1, 4)
    bits = np.unpackbits(octets, axis=1, count=width, bitorder="little")
    return np.packbits(bits, bitorder="little").tobytes()


def unpack_codes(data: bytes, count: int, width: int) -> NDArray[np.uint32]:
    """`count` numbers of `width` bits.

    Raises:
        MessageError: There are not so many bytes, or bits left over that are not 0.
    """
    bits = _bits(data, count, width).reshape(count, width)
    codes = np.zeros(count, np.uint32)
    for place in range(width):  # a fourth of the time of np.packbits on such short rows
        codes |= bits[:, place].astype(np.uint32) << np.uint32(place)
    return codes


def pack_trits(trits: NDArray[np.int8]) -> bytes:
    """−1, 0 or 1, five to a byte."""
    digits = np.zeros((-(-len(trits) // _PER_BYTE), _PER_BYTE), np.uint8)
    digits.reshape(-1)[: len(trits)] = trits % 3
    octets = digits[:, 4]
    for place in range(3, -1, -1):
        octets = octets * np.uint8(3) + digits[:, place]
    return octets.tobytes()


def unpack_trits(data: bytes, count: int) -> NDArray[np.int8]:
    """`count` of −1, 0 or 1.

    Raises:
        MessageError: There are not so many bytes, one is 243 or more, or there are trits
            left over that are not 0.
    """
    if len(data) != (right := -(-count // _PER_BYTE)):
        raise MessageError(f"{len(data)} bytes for {count} trits: must be {right}")
    octets = np.frombuffer(data, np.uint8)
    if count and octets.max() >= len(_TRITS):
        raise MessageError(f"{octets.max()} as five trits: must be less than {len(_TRITS)}")
    trits: NDArray[np.int8] = _TRITS[octets].reshape(-1)
    if trits[count:].any():
        raise MessageError("a last byte with trits left over: must be 0")
    return trits[:count]


def _bits(data: bytes, count: int, width: int) -> NDArray[np.uint8]:
    if len(data) != (right := -(-count * width // 8)):
        raise MessageError(f"{len(data)} bytes for {count} codes of {width} bits: must be {right}")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    if bits[count * width :].any():
        raise MessageError("a last byte with bits left over: must be 0")
    return bits[: count * width]
