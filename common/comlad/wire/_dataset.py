"""Named arrays, serialised, in chunks: the data, and what the server remembers of a device."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from google.protobuf.message import DecodeError

from comlad.errors import ConfigError, MessageError
from comlad.estimators import Memory
from comlad.problems import Arrays
from comlad.v1 import dataset_pb2 as pb
from comlad.v1.training_pb2 import FetchDatasetResponse

__all__ = [
    "DATASET_CHUNK_BYTES",
    "EncodedDataset",
    "decode_dataset",
    "decode_held",
    "encode_dataset",
    "held_bound",
]

# Name, type and shape around the elements of an array.
_FRAMING = 256
# Well below gRPC's default limit of 4 MiB for a message.
DATASET_CHUNK_BYTES = 2**20

_TYPES: dict["pb.ElementType.ValueType", np.dtype[Any]] = {
    pb.ELEMENT_TYPE_FLOAT64: np.dtype("<f8"),
    pb.ELEMENT_TYPE_FLOAT32: np.dtype("<f4"),
    pb.ELEMENT_TYPE_INT64: np.dtype("<i8"),
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class EncodedDataset:
    """A serialised dataset and its SHA-256."""

    data: bytes
    sha256: bytes

    def chunks(self) -> Iterator[bytes]:
        """Serialised FetchDatasetResponses, or FetchEstimateResponses, with all of it, in order."""
        for start in range(0, len(self.data), DATASET_CHUNK_BYTES):
            chunk = self.data[start : start + DATASET_CHUNK_BYTES]
            yield FetchDatasetResponse(chunk=chunk).SerializeToString()


def encode_dataset(arrays: Arrays) -> EncodedDataset:
    """Serialise the arrays of a problem's training data.

    Raises:
        ConfigError: An array is of a type that is not sent.
    """
    dataset = pb.Dataset()
    for name in sorted(arrays):
        array = arrays[name]
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _CODES:
            raise ConfigError(f"array {name!r} of {array.dtype}: must be float64, float32 or int64")
        dataset.arrays.add(
            name=name,
            element_type=_CODES[dtype],
            shape=array.shape,
            data=np.ascontiguousarray(array, dtype).tobytes(),
        )
    data = dataset.SerializeToString()
    return EncodedDataset(data, hashlib.sha256(data).digest())


def decode_dataset(data: bytes, sha256: bytes) -> Arrays:
    """The arrays of a dataset that was fetched whole.

    Raises:
        MessageError: It is not the one with that digest, or its arrays are not what they say.
    """
    found = hashlib.sha256(data).digest()
    if found != sha256:
        raise MessageError(f"a dataset with digest {found.hex()}: must be {sha256.hex()}")
    return _decode_arrays(data)


def held_bound(width: int, vectors: int) -> int:
    """The bytes that what the server remembers of a device can have at most, serialised."""
    return vectors * (8 * width + _FRAMING)


def decode_held(data: bytes, width: int) -> Memory:
    """What the server remembers of a device.

    Raises:
        MessageError: It is not finite float64 vectors of that length.
    """
    arrays = _decode_arrays(data)
    for name, array in arrays.items():
        if array.dtype != np.float64 or array.shape != (width,) or not np.isfinite(array).all():
            raise MessageError(f"{name!r}, held of a device: must be {width} finite float64")
    return cast("Memory", arrays)


def _decode_arrays(data: bytes) -> Arrays:
    try:
        dataset = pb.Dataset.FromString(data)
    except DecodeError as error:
        raise MessageError("bytes that are no Dataset") from error
    return {array.name: _decode_array(array) for array in dataset.arrays}


def _decode_array(array: pb.Array) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    dtype = _TYPES.get(array.element_type)
    if dtype is None:
        raise MessageError(f"array {array.name!r} of element type {array.element_type}: unknown")
    shape = tuple(array.shape)
    if math.prod(shape) * dtype.itemsize != len(array.data):
        raise MessageError(
            f"array {array.name!r} of shape {shape} in {len(array.data)} bytes: does not fit"
        )
    values: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = np.frombuffer(array.data, dtype)
    try:
        return values.reshape(shape)
    except ValueError as error:  # without elements, but too large in a dimension, or too many
        raise MessageError(f"array {array.name!r} of shape {shape}: {error}") from error
