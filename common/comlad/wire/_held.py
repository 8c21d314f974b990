"""What the server remembers of a device, for one that has lost its own memory."""

from collections.abc import Iterator
from typing import cast

import numpy as np

from comlad.errors import MessageError
from comlad.estimators import Memory
from comlad.v1.training_pb2 import FetchEstimateResponse
from comlad.wire._arrays import ARRAYS_CHUNK_BYTES, decode_arrays, encode_arrays

__all__ = ["decode_held", "encode_held", "held_bound"]

# Name, type and shape around the elements of a vector.
_FRAMING = 256


def encode_held(memory: Memory) -> Iterator[tuple[bytes, int]]:
    """Serialised FetchEstimateResponses with all of it, in order, and the payload of each."""
    data = encode_arrays(memory)
    # What is no payload counts as sent first: never more of it is charged than was sent.
    framing = len(data) - sum(vector.nbytes for vector in memory.values())
    for start in range(0, len(data), ARRAYS_CHUNK_BYTES):
        chunk = data[start : start + ARRAYS_CHUNK_BYTES]
        payload = max(start + len(chunk) - framing, 0) - max(start - framing, 0)
        yield FetchEstimateResponse(chunk=chunk).SerializeToString(), payload


def held_bound(width: int, vectors: int) -> int:
    """The bytes that what the server remembers of a device can have at most, serialised."""
    return vectors * (8 * width + _FRAMING)


def decode_held(data: bytes, width: int) -> Memory:
    """What the server remembers of a device.

    Raises:
        MessageError: It is not finite float64 vectors of that length.
    """
    arrays = decode_arrays(data)
    for name, array in arrays.items():
        if array.dtype != np.float64 or array.shape != (width,) or not np.isfinite(array).all():
            raise MessageError(f"{name!r}, held of a device: must be {width} finite float64")
    return cast("Memory", arrays)
