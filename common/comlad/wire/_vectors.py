"""Payloads as messages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Dense, Masked, Payload, Sparse
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.v1 import vector_pb2
from comlad.wire._indices import (
    RawIndices,
    count_indices,
    decode_indices,
    encode_indices,
    raw_indices,
)
from comlad.wire._values import (
    RawValues,
    count_floats,
    decode_values,
    encode_values,
    raw_values,
    size_of,
)

__all__ = ["RawVector", "encode_sparse", "encode_vector"]


def encode_vector(payload: Payload, part: pb.DevicePart) -> None:
    """Put a payload into a part of a reply."""
    match payload:
        case Dense():
            encode_values(payload.values, part.dense)
        case Masked():  # a Sparse, too
            encode_values(payload.values, part.masked)
        case Sparse():
            encode_sparse(payload, part.sparse)


def encode_sparse(payload: Sparse, message: vector_pb2.SparseVector) -> None:
    """Put some coordinates into a message."""
    message.dimension = payload.dimension
    told = isinstance(payload.values, np.ndarray)
    encode_indices(payload.indices, payload.dimension, payload.index, message, told)
    encode_values(payload.values, message)


_NO_INDICES: RawIndices = (None, 0, b"")


@dataclass(frozen=True, slots=True)
class RawVector:
    """What stands in a part of a reply, taken out of the message once and not yet believed."""

    kind: str | None
    dimension: int
    indices: RawIndices
    values: RawValues

    @classmethod
    def of(cls, part: pb.DevicePart) -> "RawVector":
        """The vector of a part as it came."""
        match kind := part.WhichOneof("vector"):
            case "dense":
                return cls(kind, 0, _NO_INDICES, raw_values(part.dense))
            case "sparse":
                return cls.of_sparse(part.sparse)
            case "masked":
                return cls(kind, 0, _NO_INDICES, raw_values(part.masked))
            case _:
                return cls(None, 0, _NO_INDICES, (None, None))

    @classmethod
    def of_sparse(cls, message: vector_pb2.SparseVector) -> "RawVector":
        """Some coordinates as they came."""
        return cls("sparse", message.dimension, raw_indices(message), raw_values(message))

    @property
    def payload_bytes(self) -> int:
        """The bytes of values and indices."""
        _, _, data = self.indices
        return len(data) + size_of(self.values)

    def decode(self, dimension: int, mask: NDArray[np.int64] | None = None) -> Payload:
        """The payload, if it is one of length Q = `dimension`.

        Args:
            dimension: Q.
            mask: The coordinates that the server chose for the device, if it did.

        Raises:
            MessageError: It is not, or holds what is not finite.
        """
        match self.kind:
            case "dense":
                floats = count_floats(self.values)
                _require_dimension(dimension if floats is None else floats, dimension)
                return Dense(decode_values(self.values, dimension))
            case "sparse":
                _require_dimension(self.dimension, dimension)
                count = count_indices(self.indices, count_floats(self.values), dimension)
                # First the values: where they are as many, it is by their bytes, too.
                values = decode_values(self.values, count)
                return Sparse(dimension, decode_indices(self.indices, count, dimension), values)
            case "masked":
                return self._decode_masked(dimension, mask)
            case _:
                raise MessageError("a part without a vector: must be dense, sparse or masked")

    def _decode_masked(self, dimension: int, mask: NDArray[np.int64] | None) -> Masked:
        if mask is None:
            raise MessageError("a masked vector: the server chose no coordinates in this round")
        floats = count_floats(self.values)
        if floats not in (None, len(mask)):
            raise MessageError(f"{floats} values: must be {len(mask)}, as many as the mask keeps")
        return Masked(dimension, mask, decode_values(self.values, len(mask)))


def _require_dimension(found: int, dimension: int) -> None:
    if found != dimension:
        raise MessageError(f"a vector of dimension {found}: must be {dimension}")
