"""Values as codes that are floats cut short: of two bytes, or without their mantissas."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from comlad.compression import FLOAT16_EXPONENTS, Bfloat16Values, Float16Values, NaturalValues
from comlad.errors import MessageError
from comlad.v1 import vector_pb2 as pb
from comlad.wire._packing import pack_codes, unpack_codes

__all__ = [
    "decode_bfloat16",
    "decode_float16",
    "decode_natural",
    "encode_bfloat16",
    "encode_float16",
    "encode_natural",
]

# Of values in two bytes: their magnitudes as integers ascend as the values do.
_SIGN = 0x8000
_INFINITE_FLOAT16, _INFINITE_BFLOAT16 = 0x7C00, 0x7F80
_2_TO_14, _2_TO_15 = 0x7400, 0x7800  # as float16

# Of natural values: the bits of sign and exponent, those of the mantissa that they leave
# out, and the types of a whole float.
_NATURAL: dict[str, tuple[int, int, Any, Any]] = {
    "float32": (9, 23, np.uint32, np.float32),
    "float64": (12, 52, np.uint64, np.float64),
}


def encode_float16(values: Float16Values, message: pb.Float16Values) -> None:
    """Put an exponent and halves into a message."""
    message.exponent = values.exponent
    message.halves = values.halves.astype("<f2", copy=False).tobytes()


def decode_float16(message: pb.Float16Values, count: int) -> Float16Values:
    """`count` values; MessageError if they are not that."""
    exponent, data = message.exponent, message.halves
    least, most = FLOAT16_EXPONENTS[0], FLOAT16_EXPONENTS[-1]
    if exponent not in FLOAT16_EXPONENTS:
        raise MessageError(f"{exponent} as exponent: must be from {least} to {most}")
    greatest = _greatest(data, count, _INFINITE_FLOAT16)
    if not greatest and exponent:
        raise MessageError(f"{exponent} as exponent of zeros only: must be 0")
    small = greatest < _2_TO_14 and exponent > least
    large = greatest > _2_TO_15 and exponent < most
    if greatest and (small or large):
        found = np.uint16(greatest).view(np.float16)
        raise MessageError(f"{found} as the greatest magnitude: must be from 2^14 to 2^15")
    return Float16Values(exponent, np.frombuffer(data, "<f2"))


def encode_bfloat16(values: Bfloat16Values) -> bytes:
    """Two bytes each."""
    return values.bits.astype("<u2", copy=False).tobytes()


def decode_bfloat16(data: bytes, count: int) -> Bfloat16Values:
    """`count` values; MessageError if they are not that."""
    _greatest(data, count, _INFINITE_BFLOAT16)
    return Bfloat16Values(np.frombuffer(data, "<u2"))


def encode_natural(values: NaturalValues, message: pb.NaturalValues) -> None:
    """Put signs and exponents into a message."""
    name = str(values.powers.dtype)
    width, dropped, unsigned, _ = _NATURAL[name]
    codes = (values.powers.view(unsigned) >> unsigned(dropped)).astype(np.uint32)
    setattr(message, name, pack_codes(codes, width))


def decode_natural(message: pb.NaturalValues, count: int) -> NaturalValues:
    """`count` values; MessageError if they are not that."""
    if (name := message.WhichOneof("codes")) is None:
        raise MessageError("natural values without codes: must be float32 or float64")
    width, dropped, unsigned, floating = _NATURAL[name]
    codes = unpack_codes(getattr(message, name), count, width)
    sign = 1 << width - 1
    _require_numbers(codes, np.uint32(sign), sign - 1)
    return NaturalValues((codes.astype(unsigned) << unsigned(dropped)).view(floating))


def _greatest(data: bytes, count: int, infinite: int) -> int:
    """The greatest magnitude of `count` codes of 16 bits, all of which are numbers."""
    if len(data) != (right := 2 * count):
        raise MessageError(f"{len(data)} bytes for {count} codes of 16 bits: must be {right}")
    codes = np.frombuffer(data, "<u2")
    return _require_numbers(codes, np.uint16(_SIGN), infinite)


def _require_numbers(codes: NDArray[Any], sign: Any, infinite: int) -> int:
    magnitudes = codes & (sign - 1)
    if (greatest := int(magnitudes.max(initial=0))) >= infinite:
        where = int(np.argmax(magnitudes >= infinite))
        raise MessageError(f"an infinity or NaN as value {where}: must be finite")
    if (codes == sign).any():
        raise MessageError("-0 as a code: zero must have no sign")
    return greatest
