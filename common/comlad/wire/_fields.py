"""Fields of messages written by hand, so that large ones need not be copied to be written."""

from collections.abc import Iterable

__all__ = ["Buffer", "field_head", "size_of_pieces", "wrapped"]

# Bytes, or a view of single bytes of someone's array.
Buffer = bytes | memoryview

_LENGTH_DELIMITED = 2


def field_head(number: int, size: int) -> bytes:
    """What stands before a field of bytes, or a message, of that size."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(size)


def wrapped(number: int, pieces: list[Buffer]) -> list[Buffer]:
    """The pieces of a message as those of a field of another."""
    return [field_head(number, size_of_pieces(pieces)), *pieces]


def size_of_pieces(pieces: Iterable[Buffer]) -> int:
    return sum(map(len, pieces))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
