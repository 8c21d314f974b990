"""Quantised values as messages: lossless, of the stated size, and in one form only."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import repeatable

from comlad.compression import (
    Bfloat16Values,
    Float16Values,
    NaturalValues,
    QsgdValues,
    Quantized,
    SignValues,
    TernaryValues,
    TwoLevelValues,
)
from comlad.errors import MessageError
from comlad.v1 import vector_pb2 as pb
from comlad.wire._values import decode_values, encode_values, raw_values, size_of

numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
scales = numbers.map(abs)
flags = hnp.arrays(bool, st.integers(1, 40))


@st.composite
def float16(draw: st.DrawFn) -> Float16Values:
    exponent = draw(st.sampled_from([-1050, 1008]) | st.integers(-1050, 1008))
    greatest = draw(st.integers(0x7400, 0x7BFF if exponent == 1008 else 0x7800))
    magnitudes = draw(hnp.arrays(np.uint16, st.integers(1, 40), elements=st.integers(0, greatest)))
    if exponent > -1050:
        magnitudes[draw(st.integers(0, len(magnitudes) - 1))] = greatest
    negative = (magnitudes > 0) & draw(hnp.arrays(bool, len(magnitudes)))
    halves = (magnitudes | negative * np.uint16(0x8000)).view(np.float16)
    return Float16Values(exponent if magnitudes.any() else 0, halves)


@st.composite
def bfloat16(draw: st.DrawFn) -> Bfloat16Values:
    codes = st.integers(0, 0x7F7F) | st.integers(0x8001, 0xFF7F)
    return Bfloat16Values(draw(hnp.arrays(np.uint16, st.integers(1, 40), elements=codes)))


@st.composite
def two_levels(draw: st.DrawFn) -> TwoLevelValues:
    low, high = sorted([draw(numbers), draw(numbers)])
    return TwoLevelValues(low, high, draw(flags) & (low < high))


@st.composite
def qsgd(draw: st.DrawFn) -> QsgdValues:
    norm, levels = draw(scales), draw(st.sampled_from([1, 2, 3, 4, 100, 65_535]))
    elements = st.integers(-levels, levels) if norm else st.just(0)
    return QsgdValues(
        norm, levels, draw(hnp.arrays(np.int32, st.integers(1, 40), elements=elements))
    )


@st.composite
def ternary(draw: st.DrawFn) -> TernaryValues:
    scale = draw(scales)
    elements = st.integers(-1, 1) if scale else st.just(0)
    return TernaryValues(scale, draw(hnp.arrays(np.int8, st.integers(1, 40), elements=elements)))


@st.composite
def natural(draw: st.DrawFn) -> NaturalValues:
    dtype, least, greatest = draw(
        st.sampled_from([(np.float32, -126, 127), (np.float64, -1022, 1023)])
    )
    powers = st.integers(least, greatest).map(lambda exponent: 2.0**exponent)
    signed = st.builds(lambda power, sign: power * sign, powers, st.sampled_from([-1, 1]))
    elements = st.lists(signed | st.just(0.0), min_size=1, max_size=40)
    return NaturalValues(np.array(draw(elements), dtype))


@st.composite
def signs(draw: st.DrawFn) -> SignValues:
    scale = draw(scales)
    return SignValues(scale, draw(flags) & (scale > 0))


blocks = float16() | bfloat16() | two_levels() | qsgd() | ternary() | natural() | signs()


def travel(values: Quantized) -> pb.DenseVector:
    message = pb.DenseVector()
    encode_values(values, message)
    return pb.DenseVector.FromString(message.SerializeToString())


def content(values: Any) -> list[Any]:
    """All that a block holds, to the bit."""
    fields = (getattr(values, name) for name in values.__slots__)
    return [
        type(values),
        *(
            (field.dtype, field.tobytes()) if isinstance(field, np.ndarray) else repr(field)
            for field in fields
        ),
    ]


@settings(repeatable, max_examples=250)
@given(blocks)
def test_lose_nothing(values: Quantized) -> None:
    arrived = decode_values(raw_values(travel(values)), len(values))

    assert content(arrived) == content(values)


@pytest.mark.parametrize(
    ("values", "size"),
    [
        (Float16Values(-14, np.full(17, 2**14, np.float16)), 2 + 34),
        (Float16Values(1008, np.full(17, 2**14, np.float16)), 2 + 34),
        (Float16Values(0, np.zeros(1, np.float16)), 2 + 2),
        (Bfloat16Values(np.ones(17, np.uint16)), 34),
        (TwoLevelValues(0.0, 1.0, np.ones(17, bool)), 8 + 8 + 3),
        (QsgdValues(1.0, 1, np.ones(17, np.int32)), 8 + 5),  # 34 bits
        (QsgdValues(1.0, 4, np.ones(17, np.int32)), 8 + 9),  # 68 bits
        (TernaryValues(1.0, np.ones(17, np.int8)), 8 + 4),
        (NaturalValues(np.ones(17, np.float32)), 20),  # 153 bits
        (NaturalValues(np.ones(17)), 26),  # 204 bits
        (SignValues(1.0, np.ones(17, bool)), 8 + 3),
        (SignValues(0.0, np.zeros(17, bool)), 8 + 3),
        (TernaryValues(0.0, np.zeros(1, np.int8)), 8 + 1),
    ],
    ids=lambda value: value if isinstance(value, int) else value.describe(),
)
def test_take_no_more_bytes_than_they_need(values: Quantized, size: int) -> None:
    message = travel(values)

    assert size_of(raw_values(message)) == size
    # Never less on the wire than what is charged, though protobuf leaves zeros out.
    assert size <= message.ByteSize() <= size + 13


def test_have_a_message_for_every_codec() -> None:
    floats = {"float32", "float64"}
    codes = {"float16", "bfloat16", "two_level", "qsgd", "ternary", "natural", "sign"}

    for message in (pb.DenseVector, pb.SparseVector, pb.MaskedVector):
        fields = message.DESCRIPTOR.oneofs_by_name["values"].fields
        assert {field.name for field in fields} == floats | codes
    assert len(Quantized.__args__) == len(codes)


# Of three values each; all that is in them can be changed for the worse.
def two_level(low: float | None = -1, high: float | None = 2, upper: bytes = b"\5") -> Any:
    return pb.DenseVector(two_level=pb.TwoLevelValues(low=low, high=high, upper=upper))


def multiples(norm: float | None = 2, levels: int = 3, codes: bytes = b"\x33\0") -> Any:
    return pb.DenseVector(qsgd=pb.QsgdValues(norm=norm, levels=levels, codes=codes))


def trits(scale: float | None = 2, trits: bytes = b"\x0b") -> Any:
    return pb.DenseVector(ternary=pb.TernaryValues(scale=scale, trits=trits))


def powers(**codes: bytes) -> Any:
    return pb.DenseVector(natural=pb.NaturalValues(**codes))


def signed(scale: float | None = 2, negative: bytes = b"\5") -> Any:
    return pb.DenseVector(sign=pb.SignValues(scale=scale, negative=negative))


GOOD: dict[str, tuple[pb.DenseVector, list[float]]] = {
    "two-level": (two_level(), [2, -1, 2]),
    "two-level, one": (two_level(-1, -1, b"\0"), [-1, -1, -1]),
    "qsgd": (multiples(), [2, 2 * -(2 / 3), 0]),
    "qsgd, nothing": (multiples(0, 3, b"\0\0"), [0, 0, 0]),
    "ternary": (trits(), [-2, 0, 2]),
    "ternary, nothing": (trits(0, b"\0"), [0, 0, 0]),
    "natural, 9 bits": (powers(float32=b"\x7f\xfe\x02\x02"), [1, -1, 2]),
    "natural, 12 bits": (powers(float64=b"\xff\xf3\xbf\x00\x04"), [1, -1, 2]),
    "natural, nothing": (powers(float32=bytes(4)), [0, 0, 0]),
    "sign": (signed(), [-2, 2, -2]),
    "sign, nothing": (signed(0, b"\0"), [0, 0, 0]),
}


@pytest.mark.parametrize(("message", "floats"), GOOD.values(), ids=GOOD)
def test_are_read_as_the_proto_file_says(message: pb.DenseVector, floats: list[float]) -> None:
    values = decode_values(raw_values(message), 3)

    assert not isinstance(values, np.ndarray)
    assert values.floats().tolist() == floats
    assert not np.signbit(values.floats()[values.floats() == 0]).any()
    assert travel(values) == message


BAD: dict[str, tuple[pb.DenseVector, str]] = {
    "two-level: no low": (two_level(low=None), "no low: must be given, also if it is 0"),
    "two-level: no high": (two_level(high=None), "no high: must be given"),
    "two-level: low is no number": (two_level(low=nan), "nan as low: must be finite"),
    "two-level: high is infinite": (two_level(high=inf), "inf as high: must be finite"),
    "two-level: descending": (two_level(2, -1), "-1.0 as high: must be at least low, 2.0"),
    "two-level: -0": (two_level(low=-0.0), "-0 as low: zero must have no sign"),
    "two-level: too short": (two_level(upper=b""), "0 bytes for 3 codes of 1 bits: must be 1"),
    "two-level: too long": (two_level(upper=b"\5\0"), "2 bytes for 3 codes of 1 bits"),
    "two-level: left over": (two_level(upper=b"\x0d"), "a last byte with bits left over"),
    "two-level: levels that are one": (
        two_level(2, 2),
        "codes that are not 0 where high = low: must be 0",
    ),
    "qsgd: no norm": (multiples(norm=None), "no norm: must be given"),
    "qsgd: norm is no number": (multiples(norm=nan), "nan as norm: must be finite"),
    "qsgd: negative norm": (multiples(norm=-2), "-2.0 as norm: must be at least 0"),
    "qsgd: norm of -0": (multiples(-0.0, 3, b"\0\0"), "-0 as norm: zero must have no sign"),
    "qsgd: no levels": (multiples(levels=0), "0 levels: must be from 1 to 65535"),
    "qsgd: too many levels": (multiples(levels=2**32 - 1), "4294967295 levels: must be from"),
    "qsgd: too short": (multiples(codes=b"\0"), "1 bytes for 3 codes of 3 bits: must be 2"),
    "qsgd: too long": (multiples(codes=bytes(3)), "3 bytes for 3 codes of 3 bits: must be 2"),
    "qsgd: left over": (multiples(codes=b"\x33\2"), "a last byte with bits left over"),
    "qsgd: more than all": (  # the 3 of two bits
        multiples(levels=2),
        "3 of 2 levels: must be at most as many",
    ),
    "qsgd: -0": (multiples(codes=b"\4\0"), "-0 as a code: zero must have no sign"),
    "qsgd: levels of nothing": (multiples(norm=0), "codes that are not 0 where norm = 0"),
    "ternary: no scale": (trits(scale=None), "no scale: must be given"),
    "ternary: infinite scale": (trits(scale=inf), "inf as scale: must be finite"),
    "ternary: negative scale": (trits(scale=-2), "-2.0 as scale: must be at least 0"),
    "ternary: too short": (trits(trits=b""), "0 bytes for 3 trits: must be 1"),
    "ternary: too long": (trits(trits=b"\x0b\0"), "2 bytes for 3 trits: must be 1"),
    "ternary: left over": (trits(trits=b"\x26"), "a last byte with trits left over"),
    "ternary: no trits": (trits(trits=b"\xf3"), "243 as five trits: must be less than 243"),
    "ternary: trits of nothing": (trits(scale=0), "codes that are not 0 where scale = 0"),
    "natural: no codes": (powers(), "natural values without codes: must be float32 or float64"),
    "natural: too short": (powers(float32=bytes(3)), "3 bytes for 3 codes of 9 bits: must be 4"),
    "natural: of the other width": (powers(float64=bytes(4)), "4 bytes for 3 codes of 12 bits"),
    "natural: left over": (powers(float32=b"\0\0\0\x08"), "a last byte with bits left over"),
    "natural: infinity": (
        powers(float32=b"\xff\0\0\0"),
        "an infinity or NaN as value 0: must be finite",
    ),
    "natural: minus infinity": (
        powers(float64=b"\0\xf0\xff\0\0"),
        "an infinity or NaN as value 1: must be finite",
    ),
    "natural: -0": (powers(float32=b"\0\1\0\0"), "-0 as a code: zero must have no sign"),
    "natural: -0 in 12 bits": (powers(float64=b"\0\x08\0\0\0"), "-0 as a code"),
    "sign: no scale": (signed(scale=None), "no scale: must be given"),
    "sign: scale is no number": (signed(scale=nan), "nan as scale: must be finite"),
    "sign: negative scale": (signed(scale=-2), "-2.0 as scale: must be at least 0"),
    "sign: too long": (signed(negative=b"\5\0"), "2 bytes for 3 codes of 1 bits: must be 1"),
    "sign: left over": (signed(negative=b"\x85"), "a last byte with bits left over"),
    "sign: signs of nothing": (signed(scale=0), "codes that are not 0 where scale = 0"),
}


@pytest.mark.parametrize(("message", "reason"), BAD.values(), ids=BAD)
def test_are_refused(message: pb.DenseVector, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode_values(raw_values(message), 3)

    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize("name", ["two-level", "qsgd", "ternary", "natural, 9 bits", "sign"])
def test_cost_no_memory_before_their_length_is_known(name: str) -> None:
    with pytest.raises(MessageError, match=r"^\d+ bytes for 1099511627776 "):
        decode_values(raw_values(GOOD[name][0]), 2**40)


def flipped(data: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with one other bit."""
    number, bits = int.from_bytes(data), st.integers(0, 8 * len(data) - 1)
    return bits.map(lambda bit: (number ^ 1 << bit).to_bytes(len(data)))


@st.composite
def nearly_good(draw: st.DrawFn) -> tuple[pb.DenseVector, int]:
    """A message with a bit flipped or another scale, and how many values it had."""
    values = draw(blocks)
    message = travel(values)
    _, block = raw_values(message)
    if isinstance(block, bytes):
        message.bfloat16 = draw(flipped(block))
        return message, len(values)
    field, old = draw(st.sampled_from(block.ListFields()))
    if isinstance(old, bytes):
        setattr(block, field.name, draw(flipped(old)))
    elif isinstance(old, float):
        setattr(block, field.name, draw(st.sampled_from([0.0, -0.0, 1.0, -1.0, nan, inf])))
    elif field.name == "levels":
        block.levels = draw(st.integers(0, 8) | st.just(70_000))
    else:
        block.exponent = old + draw(st.sampled_from([-1, 1]))
    return message, len(values)


@settings(repeatable, max_examples=300)
@given(nearly_good())
def test_have_one_form_only(found: tuple[pb.DenseVector, int]) -> None:
    message, count = found
    try:
        values = decode_values(raw_values(message), count)
    except MessageError:
        return

    assert not isinstance(values, np.ndarray)
    assert travel(values) == message
    assert np.isfinite(values.floats()).all()
    assert len(values) == count
