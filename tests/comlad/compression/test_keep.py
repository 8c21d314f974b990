from itertools import combinations
from math import comb, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import repeatable

from comlad.compression._keep import gaps_bound, lowest, subset_bits
from comlad.wire._varints import encode_varints

# Few different ones, so that many are equal.
keys = st.lists(st.sampled_from([-np.inf, -2.5, -0.0, 0.0, 1.0, 7.0, np.inf]), min_size=1)


@settings(repeatable, max_examples=300)
@given(keys, st.data())
def test_finds_the_lowest_and_of_equal_ones_the_first(
    numbers: list[float], data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(numbers)))

    found = lowest(np.array(numbers), count)

    # Python's sort is stable: equal ones stay in the order of their indices.
    assert found.tolist() == sorted(sorted(range(len(numbers)), key=numbers.__getitem__)[:count])


@pytest.mark.parametrize(
    ("dimension", "kept", "bits"),
    [
        (100, 30, 84.60),
        (100, 10, 43.98),
        (1000, 10, 77.80),
        (1000, 100, 464.4),
        (10**6, 10**4, 80_785),
    ],
)
def test_counts_the_bits_of_a_subset(dimension: int, kept: int, bits: float) -> None:
    assert subset_bits(dimension, kept) == pytest.approx(bits, rel=1e-4)


@pytest.mark.parametrize("dimension", [1, 2, 12, 300])
def test_counts_them_as_whole_numbers_would(dimension: int) -> None:
    for kept in range(dimension + 1):
        expected = log2(comb(dimension, kept))
        assert subset_bits(dimension, kept) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dimension", [1, 2, 128, 129, 130, 257, 16_385, 16_386, 10**5])
def test_bounds_the_bytes_of_gaps_by_a_third_more_than_some_take_at_most(dimension: int) -> None:
    for kept in sorted({1, 2, 3, 5, 127, 128, 1000, dimension} & set(range(dimension + 1))):
        worst = _bytes_of_costly_gaps(dimension, kept)
        assert worst <= gaps_bound(dimension, kept) <= 4 / 3 * worst + 1


@pytest.mark.parametrize(("dimension", "kept"), [(129, 1), (130, 1), (131, 2)])
def test_bounds_the_bytes_of_all_gaps_there_are(dimension: int, kept: int) -> None:
    bound = gaps_bound(dimension, kept)

    sizes = [
        len(encode_varints(np.diff(np.array(indices), prepend=0)))
        for indices in combinations(range(dimension), kept)
    ]

    assert max(sizes) <= bound


def _bytes_of_costly_gaps(dimension: int, kept: int) -> int:
    """As many gaps of the fewest that take two bytes, or three, as there is room for."""
    best = 0
    for costly in (1, 128, 16_384):
        gaps, room = [], dimension - 1
        for left in range(kept, 0, -1):
            least = 0 if left == kept else 1
            gap = costly if room - costly >= left - 1 else least
            gaps.append(gap)
            room -= gap
        best = max(best, len(encode_varints(np.array(gaps))))
    return best
