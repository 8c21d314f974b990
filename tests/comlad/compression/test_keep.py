from math import comb, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import repeatable

from comlad.compression._keep import lowest, subset_bits

# Few different ones, so that many are equal.
keys = st.lists(st.sampled_from([-np.inf, -2.5, -0.0, 0.0, 1.0, 7.0, np.inf]), min_size=1)


@settings(repeatable, max_examples=100)
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
