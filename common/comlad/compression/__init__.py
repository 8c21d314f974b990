"""The compression C(·) of a device's vector, and the payload that travels for it."""

from comlad.compression._identity import Identity
from comlad.compression._payloads import Dense, Payload, Sparse, Values, ValueType
from comlad.compression._protocol import Compressor
from comlad.compression._random_sparsification import RandomSparsification
from comlad.parts import Table

__all__ = [
    "COMPRESSORS",
    "Compressor",
    "Dense",
    "Identity",
    "Payload",
    "RandomSparsification",
    "Sparse",
    "ValueType",
    "Values",
]

COMPRESSORS: Table[Compressor] = Table(
    "compressors",
    {
        "identity": Identity,
        "random-sparsification": RandomSparsification,
    },
)
