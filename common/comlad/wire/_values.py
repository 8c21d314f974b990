"""Blocks of values as messages. proto/comlad/v1/vector.proto says how each is laid out."""

from collections.abc import Callable
from math import copysign, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.compression import (
    MOST_LEVELS,
    Bfloat16Values,
    Float16Values,
    Floats,
    NaturalValues,
    QsgdValues,
    SignValues,
    TernaryValues,
    TwoLevelValues,
    Values,
)
from comlad.errors import MessageError
from comlad.v1 import vector_pb2
from comlad.wire._float_codes import (
    decode_bfloat16,
    decode_float16,
    decode_natural,
    encode_bfloat16,
    encode_float16,
    encode_natural,
)
from comlad.wire._packing import (
    pack_codes,
    pack_flags,
    pack_trits,
    unpack_codes,
    unpack_flags,
    unpack_trits,
)

__all__ = ["RawValues", "count_floats", "decode_values", "encode_values", "raw_values", "size_of"]

Vector = vector_pb2.DenseVector | vector_pb2.SparseVector | vector_pb2.MaskedVector
# The field of a vector's values and what stands there: bytes of floats, or a message.
RawValues = tuple[str | None, Any]

_FLOATS: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float64": np.dtype("<f8")}
# For the exponent of float16 values, however many its varint takes.
_EXPONENT_BYTES = 2


def encode_values(values: Values, message: Vector) -> None:
    """Put values into a vector's message."""
    match values:
        case Float16Values():
            encode_float16(values, message.float16)
        case Bfloat16Values():
            message.bfloat16 = encode_bfloat16(values)
        case TwoLevelValues(low, high, upper):
            message.two_level.low, message.two_level.high = low, high
            message.two_level.upper = pack_flags(upper)
        case QsgdValues(norm, levels, multiples):
            message.qsgd.norm, message.qsgd.levels = norm, levels
            width = levels.bit_length()
            codes = np.abs(multiples).astype(np.uint32)
            codes |= (multiples < 0).astype(np.uint32) << np.uint32(width)
            message.qsgd.codes = pack_codes(codes, width + 1)
        case TernaryValues(scale, trits):
            message.ternary.scale, message.ternary.trits = scale, pack_trits(trits)
        case NaturalValues():
            encode_natural(values, message.natural)
        case SignValues(scale, negative):
            message.sign.scale, message.sign.negative = scale, pack_flags(negative)
        case _:
            data = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            if values.dtype == np.float32:
                message.float32 = data
            else:
                message.float64 = data


def raw_values(message: Vector) -> RawValues:
    """A vector's values as they came."""
    kind = message.WhichOneof("values")
    return kind, None if kind is None else getattr(message, kind)


def size_of(raw: RawValues) -> int:
    """The bytes of scales and codes."""
    kind, message = raw
    if kind is None:
        return 0
    if isinstance(message, bytes):
        return len(message)
    if kind == "float16":
        return _EXPONENT_BYTES + len(message.halves)
    return sum(
        len(value) if isinstance(value, bytes) else 8
        for field, value in message.ListFields()
        if field.name != "levels"
    )


def count_floats(raw: RawValues) -> int | None:
    """How many floats there are; None if there are codes, which do not say, or nothing.

    Raises:
        MessageError: The last one is not whole.
    """
    kind, data = raw
    if kind not in _FLOATS:
        return None
    if len(data) % (width := _FLOATS[kind].itemsize):
        raise MessageError(f"{len(data)} bytes of {kind}: must be a multiple of {width}")
    return len(data) // width


def decode_values(raw: RawValues, count: int) -> Values:
    """The values; if they are codes, they must be `count`.

    Raises:
        MessageError: They are not, or not finite, or not in the one form that they can have.
    """
    kind, message = raw
    if kind in _FLOATS:
        return _floats(message, _FLOATS[kind])
    if kind not in _CODES:
        raise MessageError("a vector without values: must be floats or codes")
    return _CODES[kind](message, count)


def _floats(data: bytes, dtype: np.dtype[Any]) -> Floats:
    values: NDArray[Any] = np.frombuffer(data, dtype)
    if not np.isfinite(values).all():
        where = int(np.argmin(np.isfinite(values)))
        raise MessageError(f"{values[where]} as value {where}: must be finite")
    return values


def _two_level(message: vector_pb2.TwoLevelValues, count: int) -> TwoLevelValues:
    low, high = _scale(message, "low"), _scale(message, "high")
    if low > high:
        raise MessageError(f"{high} as high: must be at least low, {low}")
    upper = unpack_flags(message.upper, count)
    _require_zeros(upper, "high = low", low == high)
    return TwoLevelValues(low, high, upper)


def _qsgd(message: vector_pb2.QsgdValues, count: int) -> QsgdValues:
    norm, levels = _magnitude(message, "norm"), message.levels
    if not 1 <= levels <= MOST_LEVELS:
        raise MessageError(f"{levels} levels: must be from 1 to {MOST_LEVELS}")
    width = levels.bit_length()
    codes = unpack_codes(message.codes, count, width + 1)
    multiples = (codes & np.uint32(2**width - 1)).astype(np.int32)
    negative = codes >= 2**width
    if (large := multiples > levels).any():
        raise MessageError(f"{multiples[large][0]} of {levels} levels: must be at most as many")
    if (negative & (multiples == 0)).any():
        raise MessageError("-0 as a code: zero must have no sign")
    _require_zeros(multiples, "norm = 0", norm == 0)
    return QsgdValues(norm, levels, np.where(negative, -multiples, multiples))


def _ternary(message: vector_pb2.TernaryValues, count: int) -> TernaryValues:
    scale, trits = _magnitude(message, "scale"), unpack_trits(message.trits, count)
    _require_zeros(trits, "scale = 0", scale == 0)
    return TernaryValues(scale, trits)


def _sign(message: vector_pb2.SignValues, count: int) -> SignValues:
    scale, negative = _magnitude(message, "scale"), unpack_flags(message.negative, count)
    _require_zeros(negative, "scale = 0", scale == 0)
    return SignValues(scale, negative)


def _scale(message: Any, name: str) -> float:
    if not message.HasField(name):
        raise MessageError(f"no {name}: must be given, also if it is 0")
    value: float = getattr(message, name)
    if not isfinite(value):
        raise MessageError(f"{value} as {name}: must be finite")
    if value == 0 and copysign(1, value) < 0:
        raise MessageError(f"-0 as {name}: zero must have no sign")
    return value


def _magnitude(message: Any, name: str) -> float:
    if (value := _scale(message, name)) < 0:
        raise MessageError(f"{value} as {name}: must be at least 0")
    return value


def _require_zeros(codes: NDArray[Any], why: str, required: bool) -> None:
    if required and codes.any():
        raise MessageError(f"codes that are not 0 where {why}: must be 0")


_CODES: dict[str | None, Callable[[Any, int], Values]] = {
    "float16": decode_float16,
    "bfloat16": decode_bfloat16,
    "two_level": _two_level,
    "qsgd": _qsgd,
    "ternary": _ternary,
    "natural": decode_natural,
    "sign": _sign,
}
