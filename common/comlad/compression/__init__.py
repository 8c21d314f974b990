"""The compression C(·) of a device's vector, and the payload that travels for it."""

from comlad.compression._chain import Chain, chained, links_of
from comlad.compression._halves import FLOAT16_EXPONENTS
from comlad.compression._identity import Identity
from comlad.compression._indices import IndexCodec, rice_width
from comlad.compression._natural import Natural
from comlad.compression._payloads import Dense, Masked, Payload, Sparse
from comlad.compression._protocol import (
    Bounded,
    Compressor,
    Draws,
    MaskScope,
    Sparsifier,
    TakesMask,
    Uniform,
    mask_scope,
)
from comlad.compression._qsgd import Qsgd
from comlad.compression._random_sparsification import RandomSparsification
from comlad.compression._scaled_sign import ScaledSign
from comlad.compression._stochastic_quantization import StochasticQuantization
from comlad.compression._terngrad import TernGrad
from comlad.compression._top_k import TopK
from comlad.compression._value_types import ValueType
from comlad.compression._values import (
    MOST_LEVELS,
    Bfloat16Values,
    Float16Values,
    Floats,
    NaturalValues,
    QsgdValues,
    Quantized,
    SignValues,
    TernaryValues,
    TwoLevelValues,
    Values,
)
from comlad.parts import Table

__all__ = [
    "COMPRESSORS",
    "FLOAT16_EXPONENTS",
    "MOST_LEVELS",
    "Bfloat16Values",
    "Bounded",
    "Chain",
    "Compressor",
    "Dense",
    "Draws",
    "Float16Values",
    "Floats",
    "Identity",
    "IndexCodec",
    "MaskScope",
    "Masked",
    "Natural",
    "NaturalValues",
    "Payload",
    "Qsgd",
    "QsgdValues",
    "Quantized",
    "RandomSparsification",
    "ScaledSign",
    "SignValues",
    "Sparse",
    "Sparsifier",
    "StochasticQuantization",
    "TakesMask",
    "TernGrad",
    "TernaryValues",
    "TopK",
    "TwoLevelValues",
    "Uniform",
    "ValueType",
    "Values",
    "chained",
    "links_of",
    "mask_scope",
    "rice_width",
]

COMPRESSORS: Table[Compressor] = Table(
    "compressors",
    {
        "identity": Identity,
        "natural": Natural,
        "qsgd": Qsgd,
        "random-sparsification": RandomSparsification,
        "scaled-sign": ScaledSign,
        "stochastic-quantization": StochasticQuantization,
        "terngrad": TernGrad,
        "top-k": TopK,
    },
)
