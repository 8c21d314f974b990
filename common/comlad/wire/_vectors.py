"""Payloads as messages."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Dense, Payload, Sparse, Values
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.v1 import vector_pb2
from comlad.wire._varints import decode_varints, encode_varints

__all__ = ["RawVector", "encode_vector"]

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


@dataclass(frozen=True, slots=True)
class RawVector:
    """What stands in a part of a reply, taken out of the message once and not yet believed."""

    kind: str | None
    dimension: int
    gaps: bytes
    value_type: str | None
    values: bytes

    @classmethod
    def of(cls, part: pb.DevicePart) -> "RawVector":
        """The vector of a part as it came."""
        match kind := part.WhichOneof("vector"):
            case "dense":
                return cls(kind, 0, b"", *_raw_values(part.dense))
            case "sparse":
                sparse = part.sparse
                return cls(kind, sparse.dimension, sparse.gaps, *_raw_values(sparse))
            case _:
                return cls(None, 0, b"", None, b"")

    @property
    def payload_bytes(self) -> int:
        """The bytes of values and indices."""
        return len(self.gaps) + len(self.values)

    def decode(self, dimension: int) -> Payload:
        """The payload, if it is one of length Q = `dimension`.

        Raises:
            MessageError: It is not, or holds what is not finite.
        """
        match self.kind:
            case "dense":
                values = self._decode_values()
                _require_dimension(len(values), dimension)
                return Dense(values)
            case "sparse":
                _require_dimension(self.dimension, dimension)
                values = self._decode_values()
                return Sparse(dimension, _indices(self.gaps, len(values), dimension), values)
            case _:
                raise MessageError("a part without a vector: must be dense or sparse")

    def _decode_values(self) -> Values:
        if self.value_type is None:
            raise MessageError("a vector without values: must be float32 or float64")
        width = 4 if self.value_type == "float32" else 8
        if len(self.values) % width:
            raise MessageError(
                f"{len(self.values)} bytes of {self.value_type}: must be a multiple of {width}"
            )
        values: NDArray[Any] = np.frombuffer(self.values, f"<f{width}")
        if not np.isfinite(values).all():
            where = int(np.argmin(np.isfinite(values)))
            raise MessageError(f"{values[where]} as value {where}: must be finite")
        return values


def _set_values(message: _Message, payload: Payload) -> None:
    data = payload.values.astype(payload.values.dtype.newbyteorder("<"), copy=False).tobytes()
    if payload.values.dtype == np.float32:
        message.float32 = data
    else:
        message.float64 = data


def _raw_values(message: _Message) -> tuple[str | None, bytes]:
    match kind := message.WhichOneof("values"):
        case "float32":
            return kind, message.float32
        case "float64":
            return kind, message.float64
        case _:
            return None, b""


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
