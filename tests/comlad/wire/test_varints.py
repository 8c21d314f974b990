import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import repeatable

from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._varints import decode_varints, encode_varints

EDGES = [0, 1, 127, 128, 129, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**32 - 1]
numbers = st.lists(st.sampled_from(EDGES) | st.integers(0, 2**32 - 1), max_size=50)


def encode_by_a_loop(values: list[int]) -> bytes:
    data = bytearray()
    for value in values:
        left = value
        while left >= 0x80:
            data.append(left & 0x7F | 0x80)
            left >>= 7
        data.append(left)
    return bytes(data)


@settings(repeatable, max_examples=100)
@given(numbers)
def test_agree_with_a_loop(values: list[int]) -> None:
    assert encode_varints(np.array(values, np.int64)) == encode_by_a_loop(values)


@settings(repeatable, max_examples=100)
@given(numbers)
def test_are_the_bytes_that_protobuf_packs(values: list[int]) -> None:
    packed = pb.Join(device_ids=values).SerializeToString()

    encoded = encode_varints(np.array(values, np.int64))

    # Its tag and length come first: a device in another language may use such a field.
    assert packed.endswith(encoded)
    assert pb.Join.FromString(b"\x0a" + encode_by_a_loop([len(encoded)]) + encoded).device_ids == (
        values
    )


@settings(repeatable, max_examples=100)
@given(numbers)
def test_are_read_as_they_were_written(values: list[int]) -> None:
    decoded = decode_varints(encode_varints(np.array(values, np.int64)), len(values))

    assert decoded.tolist() == values
    assert decoded.dtype == np.int64


@settings(repeatable, max_examples=300)
@given(st.binary(max_size=30), st.integers(0, 30))
def test_have_one_form_only(data: bytes, count: int) -> None:
    try:
        decoded = decode_varints(data, count)
    except MessageError:
        return

    assert encode_by_a_loop(decoded.tolist()) == data
    assert len(decoded) == count


def test_are_read_up_to_35_bits() -> None:
    assert decode_varints(encode_by_a_loop([2**35 - 1]), 1).tolist() == [2**35 - 1]


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (b"", 1),
        (b"\x00", 0),
        (b"\x01\x02", 1),
        (b"\x01\x02", 3),
        (b"\x80", 1),
        (b"\x80", 0),
        (b"\x01\x80", 1),
        (b"\x01\x80", 2),
    ],
)
def test_must_be_whole_and_as_many_as_the_values(data: bytes, count: int) -> None:
    with pytest.raises(MessageError, match=rf"whole indices for {count} values: must be as many$"):
        decode_varints(data, count)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x00",
        b"\xff\x80\x00",
        b"\x05\x81\x00",
        encode_by_a_loop([2**35]),
        encode_by_a_loop([2**64 - 1]),
        b"\x80" * 1000 + b"\x01",
    ],
)
def test_must_be_in_their_shortest_form(data: bytes) -> None:
    count = sum(octet < 0x80 for octet in data)

    with pytest.raises(MessageError, match=r"must be in its shortest form$"):
        decode_varints(data, count)
