"""Payloads as messages."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comlad.compression import Dense, Masked, Payload, Sparse
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._values import (
    RawValues,
    count_floats,
    decode_values,
    encode_values,
    raw_values,
    size_of,
)
from comlad.wire._varints import count_varints, decode_varints, encode_varints

__all__ = ["RawVector", "encode_vector"]

# A sum of fewer varints, each below 2^35, cannot wrap round.
_MOST_INDICES = 2**28


def encode_vector(payload: Payload, part: pb.DevicePart) -> None:
    """Put a payload into a part of a reply."""
    match payload:
        case Dense():
            encode_values(payload.values, part.dense)
        case Masked():  # a Sparse, too
            encode_values(payload.values, part.masked)
        case Sparse(dimension, indices, _):
            part.sparse.dimension = dimension
            gaps = indices.copy()
            gaps[1:] -= indices[:-1]
            part.sparse.gaps = encode_varints(gaps)
            encode_values(payload.values, part.sparse)


@dataclass(frozen=True, slots=True)
class RawVector:
    """What stands in a part of a reply, taken out of the message once and not yet believed."""

    kind: str | None
    dimension: int
    gaps: bytes
    values: RawValues

    @classmethod
    def of(cls, part: pb.DevicePart) -> "RawVector":
        """The vector of a part as it came."""
        match kind := part.WhichOneof("vector"):
            case "dense":
                return cls(kind, 0, b"", raw_values(part.dense))
            case "sparse":
                sparse = part.sparse
                return cls(kind, sparse.dimension, sparse.gaps, raw_values(sparse))
            case "masked":
                return cls(kind, 0, b"", raw_values(part.masked))
            case _:
                return cls(None, 0, b"", (None, None))

    @property
    def payload_bytes(self) -> int:
        """The bytes of values and indices."""
        return len(self.gaps) + size_of(self.values)

    def decode(self, dimension: int, mask: NDArray[np.int64] | None = None) -> Payload:
        """The payload, if it is one of length Q = `dimension`.

        Args:
            dimension: Q.
            mask: The coordinates that all devices keep in the round, if they do.

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
                count = count_floats(self.values)
                count = count_varints(self.gaps) if count is None else count
                values = decode_values(self.values, count)
                return Sparse(dimension, _indices(self.gaps, count, dimension), values)
            case "masked":
                return self._decode_masked(dimension, mask)
            case _:
                raise MessageError("a part without a vector: must be dense, sparse or masked")

    def _decode_masked(self, dimension: int, mask: NDArray[np.int64] | None) -> Masked:
        if mask is None:
            raise MessageError("a masked vector: no mask is common to all in this round")
        floats = count_floats(self.values)
        if floats not in (None, len(mask)):
            raise MessageError(f"{floats} values: must be {len(mask)}, as many as the mask keeps")
        return Masked(dimension, mask, decode_values(self.values, len(mask)))


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
