"""Codes of indices: as the proto file says, in one form each, of the stated length."""

from contextlib import suppress
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from samples import fresh_rng, repeatable
from vector_samples import CODECS, subsets, traced

from comlad.compression import IndexCodec, RandomSparsification, rice_width
from comlad.compression._indices import index_bound
from comlad.errors import MessageError
from comlad.v1 import vector_pb2 as pb
from comlad.wire._indices import count_indices, decode_indices, encode_indices, raw_indices

Subset = tuple[int, NDArray[np.int64]]
EXPLICIT: tuple[IndexCodec, ...] = ("gaps", "bitmap", "rice")


def gaps_by_a_loop(indices: list[int], dimension: int) -> bytes:
    data, before = bytearray(), 0
    for index in indices:
        left, before = index - before, index
        while left >= 0x80:
            data.append(left & 0x7F | 0x80)
            left >>= 7
        data.append(left)
    return bytes(data)


def bitmap_by_a_loop(indices: list[int], dimension: int) -> bytes:
    return packed([index in set(indices) for index in range(dimension)])


def rice_by_a_loop(indices: list[int], dimension: int) -> bytes:
    low: list[bool] = []
    high: list[bool] = []
    width, n = 0, len(indices)
    while 27 * n * 2 ** (width + 1) <= 13 * (2 * dimension - n) and n:
        width += 1
    for place, index in enumerate(indices):
        g = index - indices[place - 1] - 1 if place else index
        low += [bool(g >> bit & 1) for bit in range(width)]
        high += [False] * (g >> width) + [True]
    return packed(low + high)


def packed(bits: list[bool]) -> bytes:
    data = bytearray(-(-len(bits) // 8))
    for place, bit in enumerate(bits):
        data[place // 8] |= bit << place % 8
    return bytes(data)


BY_A_LOOP = {"gaps": gaps_by_a_loop, "bitmap": bitmap_by_a_loop, "rice": rice_by_a_loop}


def encode(subset: Subset, codec: IndexCodec, told: bool = True) -> pb.SparseVector:
    message, (dimension, indices) = pb.SparseVector(), subset
    encode_indices(indices, dimension, codec, message, told)
    return pb.SparseVector.FromString(message.SerializeToString())


def written(codec: str, data: bytes, count: int = 0) -> Any:
    return raw_indices(pb.SparseVector(**{codec: data, "count": count}))  # type: ignore[arg-type]


def decode(raw: Any, values: int | None, dimension: int) -> NDArray[np.int64]:
    return decode_indices(raw, count_indices(raw, values, dimension), dimension)


def test_are_in_the_proto_file() -> None:
    codes = pb.SparseVector.DESCRIPTOR.oneofs_by_name["indices"].fields

    assert [field.name for field in codes] == list(EXPLICIT)


@pytest.mark.parametrize("codec", EXPLICIT)
@settings(repeatable, max_examples=60)
@given(subset=subsets())
@example(subset=(1, np.array([], np.int64)))
@example(subset=(1, np.array([0])))
@example(subset=(300, np.arange(300)))
def test_are_what_the_proto_file_says(codec: IndexCodec, subset: Subset) -> None:
    dimension, indices = subset

    message = encode(subset, codec)

    assert message.WhichOneof("indices") == codec
    assert getattr(message, codec) == BY_A_LOOP[codec](indices.tolist(), dimension)
    assert message.count == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("told", [True, False])
@settings(repeatable, max_examples=30)
@given(subset=subsets())
@example(subset=(1, np.array([], np.int64)))
@example(subset=(1, np.array([0])))
@example(subset=(300, np.arange(300)))
def test_are_read_as_they_were_written(codec: IndexCodec, told: bool, subset: Subset) -> None:
    dimension, indices = subset

    raw = raw_indices(encode(subset, codec, told))
    decoded = decode(raw, len(indices) if told else None, dimension)

    assert decoded.tolist() == indices.tolist()
    assert decoded.dtype == np.int64
    assert len(raw[2]) <= index_bound(codec, dimension, len(indices))


@pytest.mark.parametrize("codec", ["gaps", "rice", "auto"])
@settings(repeatable, max_examples=30)
@given(subset=subsets(2**32 - 1))
@example(subset=(2**31 - 1, np.array([2**31 - 2])))
@example(subset=(2**32 - 1, np.array([0, 2**32 - 2])))
@example(subset=(2**32 - 1, np.array([2**32 - 3, 2**32 - 2])))
def test_may_be_of_very_long_vectors(codec: IndexCodec, subset: Subset) -> None:
    dimension, indices = subset

    raw = raw_indices(encode(subset, codec))
    decoded = decode(raw, len(indices), dimension)

    assert decoded.tolist() == indices.tolist()
    assert len(raw[2]) <= index_bound(codec, dimension, len(indices))


@settings(repeatable, max_examples=80)
@given(subsets(), st.booleans())
def test_travel_in_the_code_of_the_shortest_message(subset: Subset, told: bool) -> None:
    sizes = [encode(subset, codec, told).ByteSize() for codec in EXPLICIT]

    assert encode(subset, "auto", told).ByteSize() == min(sizes)


@pytest.mark.parametrize(("dimension", "kept"), [(200, 1), (100, 30), (64, 32), (64, 63)])
def test_count_themselves_only_where_nothing_else_does(dimension: int, kept: int) -> None:
    indices = np.sort(fresh_rng().choice(dimension, kept, replace=False))

    counts = {
        (codec, told): encode((dimension, indices), codec, told).count
        for codec in EXPLICIT
        for told in (True, False)
    }

    assert {case for case, count in counts.items() if count} == {("rice", False)}
    assert counts["rice", False] == kept


@pytest.mark.parametrize(
    ("dimension", "kept", "masks", "most"),
    [
        (100, 30, 200, 1.15),
        (10**4, 10**2, 50, 1.05),
        (10**4, 2500, 20, 1.05),
        (10**4, 4800, 20, 1.05),
        (10**5, 10**2, 20, 1.05),
        (10**6, 10**4, 5, 1.05),
        (10**6, 10**5, 2, 1.05),
    ],
)
def test_of_random_masks_are_near_the_entropy(
    dimension: int, kept: int, masks: int, most: float
) -> None:
    rng, sizes = fresh_rng(), []

    for _ in range(masks):
        indices = np.sort(rng.choice(dimension, kept, replace=False, shuffle=False))
        _, _, data = raw_indices(encode((dimension, indices), "auto"))
        sizes.append(len(data))

    entropy = RandomSparsification(kept).index_bits(dimension) / 8
    # Less on average than the entropy cannot be; a few masks may be.
    assert 0.98 <= np.mean(sizes) / entropy <= most


class TestHaveOneFormOnly:
    @pytest.mark.parametrize("codec", EXPLICIT)
    @settings(repeatable, max_examples=200)
    @given(data=st.binary(max_size=6), count=st.integers(0, 20), dimension=st.integers(1, 48))
    def test_of_all_that_is_taken(
        self, codec: IndexCodec, data: bytes, count: int, dimension: int
    ) -> None:
        try:
            indices = decode(written(codec, data), count, dimension)
        except MessageError:
            return

        assert BY_A_LOOP[codec](indices.tolist(), dimension) == data
        assert len(indices) == count

    @pytest.mark.parametrize("codec", EXPLICIT)
    @pytest.mark.parametrize("dimension", [1, 2, 5, 8])
    def test_of_a_byte_or_none(self, codec: IndexCodec, dimension: int) -> None:
        """Of all there are as many are taken as there are subsets with such a code."""
        taken, subsets = 0, 0

        for count in range(dimension + 1):
            for data in (b"", *(bytes([octet]) for octet in range(256))):
                try:
                    decode(written(codec, data), count, dimension)
                    taken += 1
                except MessageError:
                    pass
            codes = [
                BY_A_LOOP[codec](list(indices), dimension)
                for indices in combinations(range(dimension), count)
            ]
            assert len(set(codes)) == comb(dimension, count)
            subsets += sum(len(code) <= 1 for code in codes)

        assert taken == subsets


# Three of 80 indices, w = 4: the low bits of 5, 0 and 21 = 5 + 1 · 16, then the rest in unary.
RICE = packed([bit == "1" for bit in "1010000010101101"])
TOO_FAR = packed([bit == "1" for bit in "0000000011111100001"])
FAR_TOO_FAR = packed([bit == "1" for bit in "00000000000011000001"])
HUGE = 2**32 - 1


def test_have_the_example_that_refusals_start_from() -> None:
    assert rice_width(80, 3) == 4
    assert encode((80, np.array([5, 6, 28])), "rice").rice == RICE


@pytest.mark.parametrize(
    ("codec", "data", "count", "dimension", "reason"),
    [
        ("gaps", b"\1\2", 3, 40, "2 whole indices for 3 values: must be as many"),
        ("gaps", b"\1\2", HUGE, 40, f"{HUGE} indices: must be at most the dimension 40"),
        ("gaps", b"\1\2", 2**60, 2**60, f"2 whole indices for {2**60} values: must be as many"),
        ("gaps", b"\x28", 1, 40, "an index past the end: must be less than the dimension 40"),
        ("gaps", b"\1\0", 2, 40, "index 1 repeats the one before: must be ascending"),
        ("bitmap", b"\0" * 4 + b"\1", 2, 40, "1 indices for 2 values: must be as many"),
        ("bitmap", b"\xff" * 5, 2, 40, "40 indices for 2 values: must be as many"),
        ("bitmap", b"\1" * 4, 4, 40, "a bitmap of 4 bytes: must be 5"),
        ("bitmap", b"\1" * 6, 6, 40, "a bitmap of 6 bytes: must be 5"),
        ("bitmap", b"\1", HUGE, HUGE, "a bitmap of 1 bytes: must be 536870912"),
        ("bitmap", b"\1", 2**60, 2**60, f"a bitmap of 1 bytes: must be {2**57}"),
        ("bitmap", b"\0" * 4 + b"\1", 1, 32, "a bitmap of 5 bytes: must be 4"),
        ("bitmap", b"\0" * 4 + b"\2", 1, 33, "an index past the end: must be less than the"),
        ("rice", RICE, 81, 80, "81 indices: must be at most the dimension 80"),
        ("rice", RICE, HUGE, 80, f"{HUGE} indices: must be at most the dimension 80"),
        ("rice", RICE, HUGE, HUGE, f"2 bytes of a Rice code of {HUGE} indices: must be {2**29}"),
        ("rice", RICE, 2**60, 2**60, f"2 bytes of a Rice code of {2**60} indices: must be {2**57}"),
        ("rice", b"", 3, 80, "0 bytes of a Rice code of 3 indices: must be 2 to 3"),
        ("rice", RICE[:1], 3, 80, "1 bytes of a Rice code of 3 indices: must be 2 to 3"),
        ("rice", RICE + bytes(2), 3, 80, "4 bytes of a Rice code of 3 indices: must be 2 to 3"),
        ("rice", RICE + bytes(1), 3, 80, "a Rice code of 3 bytes that ends in 2: must be these"),
        ("rice", RICE + b"\1", 3, 80, "4 indices end in a Rice code of 3: must be as many"),
        ("rice", bytes(2), 3, 80, "0 indices end in a Rice code of 3: must be as many"),
        ("rice", RICE[:1] + b"\x35", 3, 80, "2 indices end in a Rice code of 3: must be as many"),
        ("rice", b"\0", 0, 80, "a Rice code of 1 bytes that ends in 0: must be these"),
        ("rice", FAR_TOO_FAR, 3, 80, "gaps of 80 in a Rice code: must be at most 77"),
        ("rice", TOO_FAR, 3, 80, "an index past the end: must be less than the dimension 80"),
    ],
)
def test_are_refused(codec: str, data: bytes, count: int, dimension: int, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode(written(codec, data), count, dimension)

    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("codec", "data", "count", "values", "reason"),
    [
        ("rice", RICE, 3, 3, "a count of 3: must be left out where the rest says how many"),
        ("gaps", b"\5\1\x16", 3, 3, "a count of 3: must be left out"),
        ("gaps", b"\5\1\x16", 3, None, "a count of 3: must be left out"),
        ("bitmap", b"\x60" + bytes(9), 2, None, "a count of 2: must be left out"),
        ("rice", RICE, 0, None, "2 bytes of a Rice code of 0 indices: must be 0 to 1"),
        ("rice", RICE, 4, None, "2 bytes of a Rice code of 4 indices: must be 3 to 3"),
        ("rice", RICE, HUGE, None, f"{HUGE} indices: must be at most the dimension 80"),
    ],
)
def test_are_counted_once(
    codec: str, data: bytes, count: int, values: int | None, reason: str
) -> None:
    with pytest.raises(MessageError) as caught:
        decode(written(codec, data, count), values, 80)

    assert str(caught.value).startswith(reason)


def test_are_refused_if_there_are_none() -> None:
    with pytest.raises(MessageError, match=r"^a sparse vector without indices: must be gaps, "):
        decode(raw_indices(pb.SparseVector()), 0, 80)


SIZE = 40_000
FILLS = {"zeros": b"\0", "ones": b"\xff", "single": b"\1", "open": b"\x80", "pairs": b"\x80\1"}


class TestMemory:
    """Of a hostile message, as much as goes with its size."""

    @pytest.mark.parametrize("codec", EXPLICIT)
    @pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
    @pytest.mark.parametrize("dimension", [8 * SIZE, HUGE])
    def test_is_bounded_whatever_is_claimed(self, codec: str, fill: bytes, dimension: int) -> None:
        data = fill * (SIZE // len(fill))
        ends = sum(octet < 0x80 for octet in data)
        came = ends if codec == "gaps" else int.from_bytes(data).bit_count()

        for count in (0, 1, SIZE // 2, SIZE, 8 * SIZE, HUGE):
            with traced() as peak, suppress(MessageError):
                decode(written(codec, data), count, dimension)

            # The bits that they are unpacked to; and a few arrays of as many as there are,
            # if that is how many there are values.
            assert peak() <= 10 * SIZE + 32 * (count if count == came else 0)
