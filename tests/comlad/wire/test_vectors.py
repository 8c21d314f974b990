from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from samples import dense, repeatable

from comlad.compression import Dense, Masked, Payload, QsgdValues, SignValues, Sparse
from comlad.errors import MessageError
from comlad.v1 import training_pb2 as pb
from comlad.wire._vectors import RawVector, encode_vector


def values(draw: st.DrawFn, count: int) -> Any:
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    elements = hnp.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)
    return draw(hnp.arrays(dtype, count, elements=elements))


@st.composite
def dense_payloads(draw: st.DrawFn) -> Dense:
    return Dense(values(draw, draw(st.integers(0, 40))))


@st.composite
def sparse_payloads(draw: st.DrawFn) -> Sparse:
    dimension = draw(st.integers(1, 300) | st.integers(1, 2**32 - 1))
    indices = draw(st.sets(st.integers(0, dimension - 1), max_size=20))
    array = np.array(sorted(indices), np.int64)
    return Sparse(dimension, array, values(draw, len(array)))


def travel(payload: Payload) -> pb.DevicePart:
    part = pb.DevicePart(slot=3)
    encode_vector(payload, part)
    return pb.DevicePart.FromString(part.SerializeToString())


def refusal(part: pb.DevicePart, dimension: int = 6, mask: Any = None) -> str:
    with pytest.raises(MessageError) as caught:
        RawVector.of(part).decode(dimension, mask)
    return str(caught.value)


@settings(repeatable, max_examples=200)
@given(dense_payloads())
def test_dense_vectors_lose_nothing(payload: Dense) -> None:
    arrived = RawVector.of(travel(payload)).decode(payload.dimension)

    assert isinstance(arrived, Dense)
    assert_same_values(arrived, payload)


@settings(repeatable, max_examples=200)
@given(sparse_payloads())
def test_sparse_vectors_lose_nothing(payload: Sparse) -> None:
    arrived = RawVector.of(travel(payload)).decode(payload.dimension)

    assert type(arrived) is Sparse
    assert arrived.dimension == payload.dimension
    assert arrived.indices.tolist() == payload.indices.tolist()
    assert arrived.indices.dtype == np.int64
    assert_same_values(arrived, payload)


@settings(repeatable, max_examples=200)
@given(sparse_payloads())
def test_masked_vectors_lose_nothing(payload: Sparse) -> None:
    masked = Masked(payload.dimension, payload.indices, payload.values)

    arrived = RawVector.of(travel(masked)).decode(payload.dimension, payload.indices)

    assert isinstance(arrived, Masked)
    assert arrived.dimension == payload.dimension
    assert arrived.indices is payload.indices
    assert_same_values(arrived, payload)


def assert_same_values(arrived: Payload, payload: Payload) -> None:
    assert isinstance(arrived.values, np.ndarray)
    assert isinstance(payload.values, np.ndarray)
    assert arrived.values.dtype == payload.values.dtype
    assert arrived.values.tobytes() == payload.values.tobytes()


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
    part = travel(Sparse(1000, np.array([0, 5, 305]), np.ones(3, np.float32)))

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
        (Sparse(1000, np.array([0, 5, 305, 306]), QSGD), 5 + 8 + 2),
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

    assert refusal(part) == "a vector without values: must be floats or codes"


def test_refuse_a_part_without_a_vector() -> None:
    message = refusal(pb.DevicePart())

    assert message == "a part without a vector: must be dense, sparse or masked"
    assert RawVector.of(pb.DevicePart()).payload_bytes == 0


class TestCodes:
    """They do not say how many values they are of, so that something else must."""

    SIGNS = SignValues(2.0, np.array([True, False, True]))

    @pytest.mark.parametrize("dimension", [9, 2**40])
    def test_are_refused_for_another_dimension(self, dimension: int) -> None:
        message = refusal(travel(Dense(self.SIGNS)), dimension)

        assert message.startswith(f"1 bytes for {dimension} codes of 1 bits: must be ")

    @pytest.mark.parametrize("gaps", [b"", b"\1" * 9])
    def test_are_refused_with_more_indices_or_fewer(self, gaps: bytes) -> None:
        part = travel(Sparse(20, np.array([1, 4, 5]), self.SIGNS))
        part.sparse.gaps = gaps

        assert refusal(part, 20).startswith(f"1 bytes for {len(gaps)} codes of 1 bits")

    def test_are_refused_with_indices_that_are_cut_off(self) -> None:
        part = travel(Sparse(20, np.array([1, 4, 5]), self.SIGNS))
        part.sparse.gaps = b"\1\1\1\x80"

        assert refusal(part, 20) == "3 whole indices for 3 values: must be as many"

    def test_are_refused_in_another_number_than_the_mask_keeps(self) -> None:
        part = travel(Masked(20, np.array([1, 4, 5]), self.SIGNS))

        assert refusal(part, 20, np.arange(9)).startswith("1 bytes for 9 codes of 1 bits")


class TestAMaskedVector:
    def test_is_refused_where_no_mask_is_common(self) -> None:
        part = travel(Masked(6, np.array([1, 4]), np.ones(2)))

        assert refusal(part) == "a masked vector: no mask is common to all in this round"

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_is_refused_with_values_for_another_mask(self, count: int) -> None:
        part = travel(Masked(6, np.arange(count), np.ones(count)))

        message = refusal(part, 6, np.array([1, 4]))

        assert message == f"{count} values: must be 2, as many as the mask keeps"
