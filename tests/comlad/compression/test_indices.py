"""What indices cost at most, and the best of Rice codes."""

from itertools import combinations
from math import comb

import numpy as np
import pytest

from comlad.compression._indices import IndexCodec, index_bound, rice_width
from comlad.v1 import vector_pb2 as pb
from comlad.wire._indices import encode_indices, raw_indices

CODECS: tuple[IndexCodec, ...] = ("gaps", "bitmap", "rice")


def size_of(indices: list[int], dimension: int, codec: IndexCodec) -> int:
    message = pb.SparseVector()
    encode_indices(np.array(indices, np.int64), dimension, codec, message, told=True)
    _, _, data = raw_indices(message)
    return len(data)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dimension", [1, 2, 5, 9])
def test_bounds_the_bytes_of_all_subsets_there_are(codec: IndexCodec, dimension: int) -> None:
    for kept in range(dimension + 1):
        sizes = [
            size_of(list(indices), dimension, codec)
            for indices in combinations(range(dimension), kept)
        ]
        assert max(sizes) <= index_bound(codec, dimension, kept) <= max(sizes) + 1
        assert index_bound("auto", dimension, kept) >= index_bound(codec, dimension, kept) or (
            codec == "bitmap"  # which is then chosen by nobody
        )


@pytest.mark.parametrize(("dimension", "kept"), [(129, 1), (130, 1), (131, 2)])
def test_bounds_the_bytes_of_all_gaps_there_are(dimension: int, kept: int) -> None:
    sizes = [
        size_of(list(indices), dimension, "gaps")
        for indices in combinations(range(dimension), kept)
    ]

    assert max(sizes) == index_bound("gaps", dimension, kept)


@pytest.mark.parametrize("dimension", [1, 2, 128, 129, 130, 257, 16_385, 16_386, 10**5])
def test_bounds_the_bytes_of_gaps_by_a_third_more_than_some_take_at_most(dimension: int) -> None:
    for kept in sorted({1, 2, 3, 5, 127, 128, 1000, dimension} & set(range(dimension + 1))):
        worst = bytes_of_costly_gaps(dimension, kept)
        assert worst <= index_bound("gaps", dimension, kept) <= 4 / 3 * worst + 1


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dimension", [128, 1000, 16_386, 10**5])
def test_leaves_room_for_indices_far_apart_and_all_at_the_end(
    codec: IndexCodec, dimension: int
) -> None:
    for kept in (1, 2, 30, 127, 128):
        at_the_end = list(range(dimension - kept, dimension))
        apart = list(range(dimension - 1, -1, -max(1, dimension // kept)))[kept - 1 :: -1]
        for indices in (at_the_end, apart):
            size = size_of(indices, dimension, codec)
            assert len(indices) == kept
            assert size <= index_bound(codec, dimension, kept)
            # Which of them a device knows how to write is up to the device.
            assert size <= index_bound("auto", dimension, kept) or codec == "bitmap"


@pytest.mark.parametrize("dimension", [2, 10, 100, 1000])
def test_has_the_best_width_of_a_rice_code(dimension: int) -> None:
    """Beside all others, in bits on average over all subsets; few gaps are not geometric."""
    for kept in sorted({1, *range(2, dimension, max(1, dimension // 15)), dimension}):
        bits = {width: rice_bits(dimension, kept, width) for width in range(11)}

        found = bits[rice_width(dimension, kept)]

        assert found <= min(bits.values()) * (1.01 if kept >= 20 else 1.11)


@pytest.mark.parametrize(
    ("dimension", "kept", "width"),
    [
        (1, 1, 0),
        (100, 0, 6),
        (100, 100, 0),
        (100, 30, 1),
        (10**4, 10**2, 6),
        (10**6, 10**4, 6),
        (2**32 - 1, 1, 31),
        (2**32 - 1, 2**32 - 1, 0),
    ],
)
def test_has_the_width_that_the_proto_file_says(dimension: int, kept: int, width: int) -> None:
    assert rice_width(dimension, kept) == width
    assert not kept or 27 * kept * 2 ** (width + 1) > 13 * (2 * dimension - kept)
    assert not width or 27 * kept * 2**width <= 13 * (2 * dimension - kept) or not kept


def rice_bits(dimension: int, kept: int, width: int) -> float:
    """The bits of a random subset, on average: each gap less 1 is m or more in C(Q − m, k)."""
    whole = comb(dimension, kept)
    above = range(2**width, dimension - kept + 1, 2**width)
    return kept * (1 + width + sum(comb(dimension - m, kept) / whole for m in above))


def bytes_of_costly_gaps(dimension: int, kept: int) -> int:
    """As many gaps of the fewest that take two bytes, or three, as there is room for."""
    best = 0
    for costly in (1, 128, 16_384):
        gaps, room = [], dimension - 1
        for left in range(kept, 0, -1):
            least = 0 if left == kept else 1
            gap = costly if room - costly >= left - 1 else least
            gaps.append(gap)
            room -= gap
        best = max(best, size_of(np.cumsum(gaps).tolist(), dimension, "gaps"))
    return best
