"""Payloads as messages."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Dense, Payload, Sparse, Values
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.v1 import vector_pb2
from comlad.wire._varints import decode_varints, encode_varints

__all__ = ["decode_vector", "encode_vector", "payload_bytes"]

# A sum of fewer varints, each below 2^35, cannot wrap round.
_MOST_INDICES = 2**28

_Message = vector_pb2.DenseVector | vector_pb2.SparseVector


def encode_vector(payload: Payload, part: pb.DevicePart) -> None:
    """Put a payload into a part of a reply."""
    match payload:
        case Dense():
            _set_values(part.dense, payload)
        case Sparse(dimension, indices, _):
            part.sparse.dimension = dimension
            gaps = indices.copy()
            gaps[1:] -= indices[:-1]
            part.sparse.gaps = encode_varints(gaps)
            _set_values(part.sparse, payload)


def decode_vector(part: pb.DevicePart, dimension: int) -> Payload:
    """The payload in a part of a reply.

    Args:
        part: As it came; already bounded in size.
        dimension: Q.

    Raises:
        MessageError: The vector is not one of length Q, or holds what is not finite.
    """
    match part.WhichOneof("vector"):
        case "dense":
            values = _values(part.dense)
            _require_dimension(len(values), dimension)
            return Dense(values)
        case "sparse":
            _require_dimension(part.sparse.dimension, dimension)
            values = _values(part.sparse)
            return Sparse(dimension, _indices(part.sparse.gaps, len(values), dimension), values)
        case _:
            raise MessageError("a part without a vector: must be dense or sparse")


def payload_bytes(part: pb.DevicePart) -> int:
    """The bytes of values and indices in a part."""
    match part.WhichOneof("vector"):
        case "dense":
            return len(_raw(part.dense)[1])
        case "sparse":
            return len(part.sparse.gaps) + len(_raw(part.sparse)[1])
        case _:
            return 0


def _set_values(message: _Message, payload: Payload) -> None:
    data = payload.values.astype(payload.values.dtype.newbyteorder("<"), copy=False).tobytes()
    if payload.values.dtype == np.float32:
        message.float32 = data
    else:
        message.float64 = data


def _raw(message: _Message) -> tuple[Literal["float32", "float64"] | None, bytes]:
    match kind := message.WhichOneof("values"):
        case "float32":
            return kind, message.float32
        case "float64":
            return kind, message.float64
        case _:
            return None, b""


def _values(message: _Message) -> Values:
    kind, data = _raw(message)
    if kind is None:
        raise MessageError("a vector without values: must be float32 or float64")
    width = 4 if kind == "float32" else 8
    if len(data) % width:
        raise MessageError(f"{len(data)} bytes of {kind}: must be a multiple of {width}")
    values: NDArray[Any] = np.frombuffer(data, f"<f{width}")
    if not np.isfinite(values).all():
        where = int(np.argmin(np.isfinite(values)))
        raise MessageError(f"{values[where]} as value {where}: must be finite")
    return values


def _indices(gaps: bytes, count: int, dimension: int) -> NDArray[np.int64]:
    numbers = decode_varints(gaps, count)
    if not numbers[1:].all():
        where = int(np.argmin(numbers[1:]))
        raise MessageError(f"index {where + 1} repeats the one before: must be ascending")
    if count >= _MOST_INDICES:
        raise MessageError(f"{count} indices: must be less than {_MOST_INDICES}")
    indices = numbers.cumsum()
    if count and indices[-1] >= dimension:
        raise MessageError(f"an index past the end: must be less than the dimension {dimension}")
    return indices


def _require_dimension(found: int, dimension: int) -> None:
    if found != dimension:
        raise MessageError(f"a vector of dimension {found}: must be {dimension}")
