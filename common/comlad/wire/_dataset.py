"""The dataset as it is allocated to devices: arrays, serialised once, in chunks."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from comlad.errors import MessageError
from comlad.problems import Arrays
from comlad.v1.training_pb2 import FetchDatasetResponse
from comlad.wire._arrays import ARRAYS_CHUNK_BYTES, decode_arrays, encode_arrays

__all__ = ["EncodedDataset", "decode_dataset", "encode_dataset"]


@dataclass(frozen=True, slots=True)
class EncodedDataset:
    """A serialised dataset and its SHA-256."""

    data: bytes
    sha256: bytes

    def chunks(self) -> Iterator[tuple[bytes, int]]:
        """Serialised FetchDatasetResponses that hold all of it, in order, and how much each has."""
        for start in range(0, len(self.data), ARRAYS_CHUNK_BYTES):
            chunk = self.data[start : start + ARRAYS_CHUNK_BYTES]
            yield FetchDatasetResponse(chunk=chunk).SerializeToString(), len(chunk)


def encode_dataset(arrays: Arrays) -> EncodedDataset:
    """Serialise the arrays of a problem's training data.

    Raises:
        ConfigError: An array is of a type that is not sent.
    """
    data = encode_arrays(arrays)
    return EncodedDataset(data, hashlib.sha256(data).digest())


def decode_dataset(data: bytes, sha256: bytes) -> Arrays:
    """The arrays of a dataset that was fetched whole.

    Raises:
        MessageError: It is not the one with that digest, or its arrays are not what they say.
    """
    found = hashlib.sha256(data).digest()
    if found != sha256:
        raise MessageError(f"a dataset with digest {found.hex()}: must be {sha256.hex()}")
    return decode_arrays(data)
