"""Masks that a key decides, as proto/comlad/v1/training.proto says at Round.common_key."""

from collections.abc import Iterator
from itertools import count
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Philox
from samples import fresh_rng, repeatable

from comlad.compression._masks import keyed_mask

KEY = bytes(range(16))
keys = st.binary(min_size=16, max_size=16)


def mask_by_hand(key: bytes, dimension: int, kept: int) -> list[int]:
    """With a set, one number after the other, in whole numbers without end."""
    philox = Philox(key=np.frombuffer(key, "<u8"), counter=0)
    named: set[int] = set()
    while len(named) < min(kept, dimension - kept):
        named.add(int(philox.random_raw()) * dimension >> 64)
    return sorted(named if kept <= dimension / 2 else set(range(dimension)) - named)


@st.composite
def sizes(draw: st.DrawFn) -> tuple[int, int]:
    """Q and how many are kept: few, about half, or nearly all."""
    dimension = draw(st.integers(1, 60) | st.integers(1, 1000))
    half = st.integers(max(1, dimension // 2 - 1), min(dimension, dimension // 2 + 1))
    kept = st.integers(1, dimension) | half | st.sampled_from([1, max(1, dimension - 1), dimension])
    return dimension, draw(kept)


@settings(repeatable, max_examples=80)
@given(keys, sizes())
def test_agree_with_a_set(key: bytes, size: tuple[int, int]) -> None:
    dimension, kept = size

    mask = keyed_mask(key, dimension, kept, 1)

    assert mask.tolist() == mask_by_hand(key, dimension, kept)
    assert mask.dtype == np.int64


@pytest.mark.parametrize(
    ("dimension", "kept"), [(10**5, 10**3), (10**6, 100), (2**31 - 1, 300), (2**32 - 1, 300)]
)
def test_agree_with_a_set_where_vectors_are_long(dimension: int, kept: int) -> None:
    assert keyed_mask(KEY, dimension, kept, 1).tolist() == mask_by_hand(KEY, dimension, kept)


@settings(repeatable, max_examples=50)
@given(keys, sizes(), st.integers(2, 5))
def test_keep_the_same_of_each_part(key: bytes, size: tuple[int, int], parts: int) -> None:
    length, kept = size

    mask = keyed_mask(key, parts * length, parts * kept, parts)

    of_one = mask_by_hand(key, length, kept)
    assert mask.tolist() == [part * length + index for part in range(parts) for index in of_one]


@pytest.mark.parametrize(("dimension", "kept"), [(1, 1), (9, 9), (300, 300)])
def test_keep_everything(dimension: int, kept: int) -> None:
    assert keyed_mask(KEY, dimension, kept, 1).tolist() == list(range(dimension))


@pytest.mark.parametrize(("dimension", "kept"), [(20, 5), (20, 10), (37, 26)])
def test_keep_every_coordinate_as_often(dimension: int, kept: int) -> None:
    rng, rounds = fresh_rng(), 2000

    counts = np.zeros(dimension)
    for _ in range(rounds):
        counts[keyed_mask(rng.bytes(16), dimension, kept, 1)] += 1

    # The counts of a mask are not independent: the sum is a chi-square of Q − 1 degrees
    # of freedom once it is divided by what is left of the variance.
    share = kept / dimension
    spread = rounds * share * (1 - share) * dimension / (dimension - 1)
    chi_square = ((counts - rounds * share) ** 2).sum() / spread
    assert abs(chi_square - (dimension - 1)) <= 4.5 * np.sqrt(2 * (dimension - 1))


@pytest.mark.parametrize(("dimension", "kept"), [(6, 2), (6, 4)])
def test_keep_every_set_of_coordinates_as_often(dimension: int, kept: int) -> None:
    rng, rounds, counts = fresh_rng(), 2000, dict[bytes, int]()

    for _ in range(rounds):
        mask = keyed_mask(rng.bytes(16), dimension, kept, 1).tobytes()
        counts[mask] = counts.get(mask, 0) + 1

    sets = comb(dimension, kept)
    expected = rounds / sets
    chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
    assert len(counts) == sets
    assert abs(chi_square - (sets - 1)) <= 4.5 * np.sqrt(2 * (sets - 1))


def test_differ_with_every_bit_of_the_key() -> None:
    keys = [KEY] + [(int.from_bytes(KEY) ^ 1 << bit).to_bytes(16) for bit in range(128)]

    masks = {keyed_mask(key, 10**4, 10, 1).tobytes() for key in keys}

    assert len(masks) == len(keys)


@pytest.mark.parametrize(("dimension", "kept"), [(1000, 4), (100, 30), (101, 90)])
def test_need_nothing_of_numpy(dimension: int, kept: int) -> None:
    numbers = philox_by_hand(KEY)

    named: dict[int, None] = {}
    while len(named) < min(kept, dimension - kept):
        named[next(numbers) * dimension >> 64] = None

    mask = keyed_mask(KEY, dimension, kept, 1).tolist()
    rest = set(range(dimension)) - set(named)
    assert mask == sorted(named if kept <= dimension / 2 else rest)


def test_are_of_the_philox_that_its_authors_publish() -> None:
    """Known answers of Random123 (kat_vectors), for a key and a counter of zeros."""
    assert philox_block(bytes(16), 0) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


def test_are_made_once_for_all_that_ask_in_a_row() -> None:
    first, second = (keyed_mask(bytes(16), 100, 30, 1) for _ in range(2))

    assert first is second
    assert not first.flags.writeable


def philox_by_hand(key: bytes) -> Iterator[int]:
    """The numbers of the counters from 1."""
    for counter in count(1):
        yield from philox_block(key, counter)


def philox_block(key: bytes, counter: int) -> list[int]:
    """Philox4x64-10 as Salmon et al. define it, in whole numbers."""
    mask = 2**64 - 1
    block = [counter, 0, 0, 0]
    keys = [int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")]
    for _ in range(10):
        one, two = 0xD2E7470EE14C6C93 * block[0], 0xCA5A826395121157 * block[2]
        block = [
            (two >> 64) ^ block[1] ^ keys[0],
            two & mask,
            (one >> 64) ^ block[3] ^ keys[1],
            one & mask,
        ]
        keys = [keys[0] + 0x9E3779B97F4A7C15 & mask, keys[1] + 0xBB67AE8584CAA73B & mask]
    return block
