from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from samples import dense, repeatable
from vector_samples import CODECS, FORMS, content, subsets, traced, values_of, vectors

from comlad.compression import (
    Dense,
    IndexCodec,
    Masked,
    Payload,
    QsgdValues,
    SignValues,
    Sparse,
)
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._vectors import RawVector, encode_vector


def travel(payload: Payload) -> pb.DevicePart:
    part = pb.DevicePart(slot=3)
    encode_vector(payload, part)
    return pb.DevicePart.FromString(part.SerializeToString())


def refusal(part: pb.DevicePart, dimension: int = 6, mask: Any = None) -> str:
    with pytest.raises(MessageError) as caught:
        RawVector.of(part).decode(dimension, mask)
    return str(caught.value)


@pytest.mark.parametrize("form", FORMS)
@settings(repeatable, max_examples=20)
@given(subset=subsets(), data=st.data())
def test_lose_nothing(form: str, subset: Any, data: st.DataObject) -> None:
    dimension, indices = subset
    assume(len(indices))
    values = values_of(form, data.draw(vectors(len(indices))))
    payloads: list[Payload] = [
        Dense(values),
        Masked(dimension, indices, values),
        *(Sparse(dimension, indices, values, codec) for codec in CODECS),
    ]

    for payload in payloads:
        arrived = RawVector.of(travel(payload)).decode(payload.dimension, indices)

        assert type(arrived) is type(payload)
        assert arrived.dimension == payload.dimension
        assert content(arrived.values) == content(values)
        if isinstance(arrived, Sparse):
            assert arrived.indices.tolist() == indices.tolist()
            assert arrived.indices.dtype == np.int64
        if isinstance(arrived, Masked):
            assert arrived.indices is indices


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_may_keep_nothing(codec: IndexCodec, dtype: type[np.floating[Any]]) -> None:
    payload = Sparse(6, np.array([], np.int64), np.zeros(0, dtype), codec)

    arrived = RawVector.of(travel(payload)).decode(6)

    assert isinstance(arrived, Sparse)
    assert arrived.indices.tolist() == []
    assert content(arrived.values) == content(payload.values)


def test_have_a_sample_of_every_form_of_values() -> None:
    fields = pb.DevicePart().dense.DESCRIPTOR.oneofs_by_name["values"].fields
    kinds = {
        travel(Dense(values_of(form, np.ones(3)))).dense.WhichOneof("values") for form in FORMS
    }

    assert kinds == {field.name for field in fields}


QSGD = QsgdValues(2.0, 3, np.array([1, -3, 0, 2], np.int32))


@pytest.mark.parametrize(
    "payload",
    [Dense(QSGD), Sparse(9, np.array([0, 3, 4, 8]), QSGD), Masked(9, np.array([0, 3, 4, 8]), QSGD)],
)
def test_of_any_form_take_codes_for_values(payload: Payload) -> None:
    mask = payload.indices if isinstance(payload, Masked) else None

    arrived = RawVector.of(travel(payload)).decode(payload.dimension, mask)

    assert arrived.describe() == payload.describe()
    assert dense(arrived).tolist() == dense(payload).tolist()


def test_have_a_message_for_every_payload() -> None:
    in_python = {payload.__name__.lower() for payload in get_args(Payload)}
    in_proto = {field.name for field in pb.DevicePart.DESCRIPTOR.oneofs_by_name["vector"].fields}

    assert in_python == in_proto


def test_are_little_endian() -> None:
    part = travel(Dense(np.array([1.0, -2.0], ">f8")))

    assert part.dense.float64 == bytes.fromhex("000000000000f03f00000000000000c0")


def test_travel_as_gaps_between_indices() -> None:
    part = travel(Sparse(1000, np.array([0, 5, 305]), np.ones(3, np.float32), "gaps"))

    assert part.sparse.dimension == 1000
    assert part.sparse.gaps == bytes([0, 5, 0xAC, 0x02])
    assert len(part.sparse.float32) == 12


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (Dense(np.zeros(5)), 40),
        (Dense(np.zeros(5, np.float32)), 20),
        (Sparse(1000, np.array([0, 5, 305]), np.ones(3, np.float32)), 4 + 12),
        (Sparse(10, np.array([], np.int64), np.zeros(0)), 0),
        (Sparse(1000, np.array([0, 5, 305, 306]), QSGD, "gaps"), 5 + 8 + 2),
        (Sparse(1000, np.array([0, 5, 305, 306]), QSGD, "bitmap"), 125 + 8 + 2),
        (Sparse(1000, np.array([0, 5, 305, 306]), QSGD, "rice"), 5 + 8 + 2),  # 4 · 7 + 4 + 2 bits
        (Masked(1000, np.array([0, 5, 305]), np.ones(3, np.float32)), 12),
        (Masked(1000, np.array([0, 5, 305, 306]), QSGD), 8 + 2),
        (Dense(SignValues(0.0, np.zeros(9, bool))), 8 + 2),
    ],
)
def test_are_charged_for_values_and_indices(payload: Payload, count: int) -> None:
    assert RawVector.of(travel(payload)).payload_bytes == count


def sparse(gaps: bytes, count: int, dimension: int = 6) -> pb.DevicePart:
    part = pb.DevicePart()
    part.sparse.dimension = dimension
    part.sparse.gaps = gaps
    part.sparse.float32 = bytes(4 * count)
    return part


@pytest.mark.parametrize(
    ("gaps", "count", "reason"),
    [
        (b"\x06", 1, "an index past the end: must be less than the dimension 6"),
        (b"\x05\x01", 2, "an index past the end"),
        (b"\x03\x02\x01", 3, "an index past the end"),
        (b"\x00\x00", 2, "index 1 repeats the one before: must be ascending"),
        (b"\x01\x02\x00", 3, "index 2 repeats the one before"),
        (b"\x05\xff\xff\xff\xff\x0f", 2, "an index past the end"),  # 2^32 − 1
        (b"\x05\x80\x80\x80\x80\x10", 2, "an index past the end"),  # 2^32
        (b"\x05\xfb\xff\xff\xff\x0f", 2, "an index past the end"),  # the sum wraps to 0
        (b"\x05\xff\xff\xff\xff\x7f", 2, "an index past the end"),  # 2^35 − 1
        (b"\xff\xff\xff\xff\x7f" * 6, 6, "an index past the end"),
        (b"\x05\x80\x80\x80\x80\x80\x01", 2, "an index in more bytes than it needs"),  # 2^35
        (b"\xff" * 9 + b"\x01", 1, "an index in more bytes than it needs"),  # 2^64 − 1
        (b"\x81\x00", 1, "an index in more bytes than it needs"),
        (b"\x01", 2, "1 whole indices for 2 values: must be as many"),
        (b"\x01\x02\x03", 2, "3 whole indices for 2 values"),
        (b"\x01\x82", 2, "1 whole indices for 2 values"),
        (b"", 2, "0 whole indices for 2 values"),
    ],
)
def test_refuse_bad_indices(gaps: bytes, count: int, reason: str) -> None:
    assert refusal(sparse(gaps, count)).startswith(reason)


@pytest.mark.parametrize("dimension", [0, 5, 7, 2**32 - 1])
def test_refuse_another_dimension(dimension: int) -> None:
    message = refusal(sparse(b"\x01", 1, dimension))

    assert message == f"a vector of dimension {dimension}: must be 6"


@pytest.mark.parametrize("count", [0, 5, 7])
def test_refuse_a_dense_vector_of_another_dimension(count: int) -> None:
    part = travel(Dense(np.zeros(count)))

    assert refusal(part) == f"a vector of dimension {count}: must be 6"


@pytest.mark.parametrize(("dtype", "cut"), [("f4", 1), ("f4", 3), ("f8", 4), ("f8", 7)])
def test_refuse_half_a_value(dtype: str, cut: int) -> None:
    part = pb.DevicePart()
    data = np.zeros(6, dtype).tobytes()[:-cut]
    if dtype == "f4":
        part.dense.float32 = data
    else:
        part.dense.float64 = data

    kind, width = {"f4": ("float32", 4), "f8": ("float64", 8)}[dtype]
    assert refusal(part) == f"{len(data)} bytes of {kind}: must be a multiple of {width}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuse_what_is_not_finite(dtype: type[np.floating[Any]], value: float) -> None:
    values = np.ones(6, dtype)
    values[4:] = value

    assert refusal(travel(Dense(values))) == f"{value} as value 4: must be finite"


def test_refuse_a_nan_of_any_pattern() -> None:
    part = pb.DevicePart()
    part.dense.float32 = bytes(20) + bytes.fromhex("010080ff")  # signalling, negative

    assert refusal(part) == "nan as value 5: must be finite"


def test_refuse_a_vector_without_values() -> None:
    part = pb.DevicePart()
    part.sparse.dimension = 6
    part.sparse.gaps = b""

    assert refusal(part) == "a vector without values: must be floats or codes"


def test_refuse_a_part_without_a_vector() -> None:
    message = refusal(pb.DevicePart())

    assert message == "a part without a vector: must be dense, sparse or masked"
    assert RawVector.of(pb.DevicePart()).payload_bytes == 0


class TestCodes:
    """They do not say how many values they are of, so that something else must."""

    SIGNS = SignValues(2.0, np.array([True, False, True]))
    SPARSE = Sparse(20, np.array([1, 4, 5]), SIGNS, "gaps")

    @pytest.mark.parametrize("dimension", [9, 2**40])
    def test_are_refused_for_another_dimension(self, dimension: int) -> None:
        message = refusal(travel(Dense(self.SIGNS)), dimension)

        assert message.startswith(f"1 bytes for {dimension} codes of 1 bits: must be ")

    @pytest.mark.parametrize("gaps", [b"", b"\1" * 9])
    def test_are_refused_with_more_indices_or_fewer(self, gaps: bytes) -> None:
        part = travel(self.SPARSE)
        part.sparse.gaps = gaps

        assert refusal(part, 20).startswith(f"1 bytes for {len(gaps)} codes of 1 bits")

    def test_are_refused_with_indices_that_are_cut_off(self) -> None:
        part = travel(self.SPARSE)
        part.sparse.gaps = b"\1\1\1\x80"

        assert refusal(part, 20) == "3 whole indices for 3 values: must be as many"

    def test_are_refused_in_another_number_than_the_mask_keeps(self) -> None:
        part = travel(Masked(20, np.array([1, 4, 5]), self.SIGNS))

        assert refusal(part, 20, np.arange(9)).startswith("1 bytes for 9 codes of 1 bits")

    @pytest.mark.parametrize(
        ("count", "reason"),
        [
            (0, "1 bytes for 0 codes of 1 bits"),
            (2, "a last byte with bits left over: must be 0"),
            (4, "1 indices end in a Rice code of 4: must be as many"),
            (9, "1 bytes for 9 codes of 1 bits"),
            (2**32 - 1, "4294967295 indices: must be at most the dimension 20"),
        ],
    )
    def test_are_refused_with_another_count(self, count: int, reason: str) -> None:
        part = travel(Sparse(20, np.array([1, 4, 5]), self.SIGNS, "rice"))
        part.sparse.count = count

        assert refusal(part, 20).startswith(reason)


class TestAMaskedVector:
    def test_is_refused_where_the_server_chose_no_mask(self) -> None:
        part = travel(Masked(6, np.array([1, 4]), np.ones(2)))

        message = "a masked vector: the server chose no coordinates in this round"
        assert refusal(part) == message

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("count", [1, 3, 9, 400])
    def test_is_refused_with_values_for_another_mask(self, form: str, count: int) -> None:
        part = travel(Masked(1000, np.arange(count), values_of(form, np.ones(count))))

        message = refusal(part, 1000, np.arange(0, 1000, 25))

        assert " values: must be 40, as many as the mask keeps" in message or " for 40 " in message

    @pytest.mark.parametrize("size", [0, 1, 10**5])
    @pytest.mark.parametrize("form", FORMS)
    def test_takes_memory_that_goes_with_what_came(self, form: str, size: int) -> None:
        part = travel(Masked(8, np.arange(8), values_of(form, np.ones(8))))
        block = getattr(part.masked, part.masked.WhichOneof("values") or "")
        if isinstance(block, bytes):
            setattr(part.masked, part.masked.WhichOneof("values") or "", bytes(size))
        else:
            name = next(field.name for field, value in block.ListFields() if type(value) is bytes)
            setattr(block, name, bytes(size))
        mask = np.arange(2 * 10**6)

        with traced() as peak:
            refusal(part, 10**7, mask)

        assert peak() <= 10 * size + 20_000
