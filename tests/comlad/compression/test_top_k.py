from typing import Any

import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import RandomSparsification, TopK
from comlad.compression._indices import index_bound
from comlad.errors import ConfigError


def test_keeps_the_largest_magnitudes_as_they_are() -> None:
    vector = np.array([1.0, -5.0, 0.25, 4.0, -2.0])

    payload = TopK(2, values="float64").compress(vector, draws())

    assert payload.indices.tolist() == [1, 3]
    assert payload.floats().tolist() == [-5.0, 4.0]


@pytest.mark.parametrize(
    ("keep", "kept"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 4]), (4, [0, 1, 2, 4])]
)
def test_keeps_the_first_of_equal_ones(keep: int, kept: list[int]) -> None:
    vector = np.array([1.0, -2.0, 2.0, 0.0, -2.0])

    assert TopK(keep).compress(vector, draws()).indices.tolist() == kept


def test_keeps_zeros_if_there_is_nothing_else() -> None:
    payload = TopK(2).compress(np.array([-0.0, 0.0, 0.0]), draws())

    assert payload.indices.tolist() == [0, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_loses_nothing_that_is_no_number(bad: float) -> None:
    vector = np.array([1.0, 2.0, bad, 3.0])

    payload = TopK(1).compress(vector, draws())

    assert payload.indices.tolist() == [2]
    assert not np.isfinite(payload.floats()).any()


def test_agrees_with_a_sort() -> None:
    vector = fresh_rng().integers(-40, 40, 500).astype(np.float64)

    payload = TopK(0.3).compress(vector, draws())

    order = sorted(range(500), key=lambda index: -abs(vector[index]))
    assert payload.indices.tolist() == sorted(order[:150])


@pytest.mark.parametrize("keep", [1, 3, 8])
def test_leaves_at_most_one_minus_alpha_of_the_square(keep: int) -> None:
    """Equality where all magnitudes are the same; never more."""
    compressor, rng = TopK(keep, values="float64"), fresh_rng()
    alpha = compressor.alpha(8)

    for _ in range(200):
        vector = rng.standard_cauchy(8)
        error = ((dense(compressor.compress(vector, draws())) - vector) ** 2).sum()
        assert error <= (1 - alpha) * (vector**2).sum() * (1 + 1e-12)
    signs = np.array([1.0, -1, 1, -1, 1, 1, -1, -1])
    error = ((dense(compressor.compress(signs, draws())) - signs) ** 2).sum()
    assert error == (1 - alpha) * 8


@pytest.mark.parametrize("index", ["auto", "gaps", "bitmap", "rice"])
def test_tells_indices_as_it_is_asked_to(index: Any) -> None:
    compressor = TopK(3, index)

    payload = compressor.compress(np.arange(1000.0), draws())

    assert payload.index == index
    assert compressor.payload_bound(1000) == index_bound(index, 1000, 3) + 3 * 4
    assert compressor.index_bits(1000) == RandomSparsification(3).index_bits(1000)


def test_claims_no_delta() -> None:
    assert TopK(3).delta(8) is None


@pytest.mark.parametrize("keep", [0, 0.0, 1.5])
def test_refuses_a_number_that_cannot_be(keep: float) -> None:
    with pytest.raises(ConfigError, match=r"^keep = "):
        TopK(keep)
