"""Named arrays, serialised: what all data and memories travel as."""

import math
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from comlad.errors import ConfigError, MessageError
from comlad.problems import Arrays
from comlad.v1 import dataset_pb2 as pb

__all__ = ["ARRAYS_CHUNK_BYTES", "decode_arrays", "encode_arrays"]

# Well below gRPC's default limit of 4 MiB for a message.
ARRAYS_CHUNK_BYTES = 2**20

_TYPES: dict["pb.ElementType.ValueType", np.dtype[Any]] = {
    pb.ELEMENT_TYPE_FLOAT64: np.dtype("<f8"),
    pb.ELEMENT_TYPE_FLOAT32: np.dtype("<f4"),
    pb.ELEMENT_TYPE_INT64: np.dtype("<i8"),
}
_CODES = {dtype: code for code, dtype in _TYPES.items()}


def encode_arrays(arrays: Arrays) -> bytes:
    """A serialised Dataset.

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
    return dataset.SerializeToString()


def decode_arrays(data: bytes) -> Arrays:
    """The arrays of a serialised Dataset.

    Raises:
        MessageError: It is none, or its arrays are not what they say.
    """
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
