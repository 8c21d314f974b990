"""Rice codes of whole numbers, in whole arrays.

The low bits of each number as they are, packed; then, bit by bit, what is above them in
unary: so many 0s and a 1. With the two apart either side is a few array operations. A decoder
takes the fewest bytes and nothing but zeros after the last 1, so that no two codes mean
the same.
"""

import numpy as np
from numpy.typing import NDArray

from comlad.errors import MessageError

__all__ = ["decode_rice", "encode_rice", "size_of_rice"]


def encode_rice(numbers: NDArray[np.int64], width: int) -> bytes:
    """The code of numbers from 0, with `width` low bits."""
    low, ends = len(numbers) * width, np.cumsum((numbers >> width) + 1)
    bits = np.zeros(low + (int(ends[-1]) if len(ends) else 0), np.uint8)
    for place in range(width):
        bits[place:low:width] = numbers >> place & 1
    bits[low + ends - 1] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def size_of_rice(numbers: NDArray[np.int64], width: int) -> int:
    """The bytes that `encode_rice` would make."""
    return _octets(len(numbers) * (1 + width) + int((numbers >> width).sum()))


def decode_rice(data: bytes, count: int, width: int, most: int) -> NDArray[np.int64]:
    """The numbers of a code, int64; their sum exceeds `most`, at least 0, by less than n 2^width.

    Raises:
        MessageError: There are not `count`, or it is not their one code, or the sum is too
            large for what was asked. Memory goes with the size of `data`, which holds at
            most eight numbers a byte.
    """
    low = count * width
    least, largest = _octets(low + count), _octets(low + count + (most >> width))
    if not least <= len(data) <= largest:
        raise MessageError(
            f"{len(data)} bytes of a Rice code of {count} indices: must be {least} to {largest}"
        )
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    unary = bits[low:].view(bool)
    if (found := np.count_nonzero(unary)) != count:
        raise MessageError(f"{found} indices end in a Rice code of {count}: must be as many")
    numbers: NDArray[np.int64] = np.flatnonzero(unary)
    last = int(numbers[-1]) + 1 if count else 0
    if len(data) != (right := _octets(low + last)):
        raise MessageError(f"a Rice code of {len(data)} bytes that ends in {right}: must be these")
    if (above := last - count) > most >> width:  # before they are shifted: nothing can wrap
        raise MessageError(f"gaps of {above << width} in a Rice code: must be at most {most}")
    numbers[1:] -= numbers[:-1] + 1
    numbers <<= width
    for place in range(width):
        numbers |= bits[place:low:width].astype(np.int64) << place
    return numbers


def _octets(bits: int) -> int:
    return -(-bits // 8)
