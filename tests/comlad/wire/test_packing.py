import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import repeatable

from comlad.errors import MessageError
from comlad.wire._packing import (
    pack_codes,
    pack_flags,
    pack_trits,
    unpack_codes,
    unpack_flags,
    unpack_trits,
)

widths = st.sampled_from([1, 2, 3, 8, 9, 12, 17])
counts = st.integers(0, 40)
trits = st.lists(st.sampled_from([-1, 0, 1]), max_size=40)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A width and codes that fit into it."""
    width = draw(widths)
    return width, draw(st.lists(st.integers(0, 2**width - 1), max_size=40))


def packed_by_a_loop(codes: list[int], width: int) -> bytes:
    """As proto/comlad/v1/vector.proto says it."""
    data = bytearray(-(-len(codes) * width // 8))
    for position, code in enumerate(codes):
        for place in range(width):
            bit = position * width + place
            data[bit // 8] |= (code >> place & 1) << bit % 8
    return bytes(data)


@settings(repeatable, max_examples=300)
@given(blocks())
def test_agrees_with_a_loop(block: tuple[int, list[int]]) -> None:
    width, codes = block

    assert pack_codes(np.array(codes, np.uint32), width) == packed_by_a_loop(codes, width)


@settings(repeatable, max_examples=300)
@given(blocks())
def test_gives_codes_back(block: tuple[int, list[int]]) -> None:
    width, codes = block

    unpacked = unpack_codes(packed_by_a_loop(codes, width), len(codes), width)

    assert unpacked.tolist() == codes
    assert unpacked.dtype == np.uint32


@settings(repeatable, max_examples=200)
@given(st.lists(st.booleans(), max_size=40))
def test_packs_flags_as_codes_of_a_bit(flags: list[bool]) -> None:
    data = pack_flags(np.array(flags, bool))

    assert data == packed_by_a_loop([int(flag) for flag in flags], 1)
    assert unpack_flags(data, len(flags)).tolist() == flags


@settings(repeatable, max_examples=200)
@given(trits)
def test_packs_five_trits_to_a_byte(values: list[int]) -> None:
    data = pack_trits(np.array(values, np.int8))

    for place, octet in enumerate(data):
        five = values[5 * place : 5 * place + 5]
        assert octet == sum((value % 3) * 3**i for i, value in enumerate(five))
    assert len(data) == -(-len(values) // 5)
    assert unpack_trits(data, len(values)).tolist() == values


@settings(repeatable, max_examples=500)
@given(st.binary(max_size=12), counts, widths)
def test_has_one_form_only_of_codes(data: bytes, count: int, width: int) -> None:
    try:
        codes = unpack_codes(data, count, width)
    except MessageError:
        return

    assert packed_by_a_loop(codes.tolist(), width) == data
    assert len(codes) == count


@settings(repeatable, max_examples=500)
@given(st.binary(max_size=8), counts)
def test_has_one_form_only_of_trits(data: bytes, count: int) -> None:
    try:
        values = unpack_trits(data, count)
    except MessageError:
        return

    assert pack_trits(values) == data
    assert len(values) == count


@pytest.mark.parametrize(
    ("data", "count", "width", "reason"),
    [
        (b"", 1, 1, "0 bytes for 1 codes of 1 bits: must be 1"),
        (b"\0\0", 8, 1, "2 bytes for 8 codes of 1 bits: must be 1"),
        (b"\0", 9, 1, "1 bytes for 9 codes of 1 bits: must be 2"),
        (b"\0", 0, 9, "1 bytes for 0 codes of 9 bits: must be 0"),
        (bytes(8), 2**40, 12, "8 bytes for 1099511627776 codes of 12 bits: must be 1649267441664"),
        (b"\x02", 1, 1, "a last byte with bits left over: must be 0"),
        (b"\x00\x04", 1, 10, "a last byte with bits left over: must be 0"),
        (b"\x80", 7, 1, "a last byte with bits left over: must be 0"),
    ],
)
def test_refuses_codes(data: bytes, count: int, width: int, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        unpack_codes(data, count, width)

    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("data", "count", "reason"),
    [
        (b"", 1, "0 bytes for 1 trits: must be 1"),
        (b"\0\0", 5, "2 bytes for 5 trits: must be 1"),
        (b"\0", 2**40, "1 bytes for 1099511627776 trits: must be 219902325556"),
        (b"\xf3", 5, "243 as five trits: must be less than 243"),
        (b"\x00\xff", 10, "255 as five trits: must be less than 243"),
        (b"\x03", 1, "a last byte with trits left over: must be 0"),
        (b"\x51", 4, "a last byte with trits left over: must be 0"),  # 81
    ],
)
def test_refuses_trits(data: bytes, count: int, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        unpack_trits(data, count)

    assert str(caught.value) == reason
