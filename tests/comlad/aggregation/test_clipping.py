import numpy as np
import pytest
from samples import context, fresh_rng

from comlad.aggregation import Clipping
from comlad.errors import ConfigError


def test_shortens_what_is_longer_than_the_limit() -> None:
    vectors = np.array([[3.0, 4], [0, 1], [0, 0], [-30, 40], [0.6, -0.8]])

    clipped = Clipping(1.0)(vectors, context(0))

    expected = [[0.6, 0.8], [0, 1], [0, 0], [-0.6, 0.8], [0.6, -0.8]]
    assert clipped == pytest.approx(np.array(expected), rel=1e-15)


def test_leaves_what_is_not_longer_to_the_last_bit() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 4))

    clipped = Clipping(100.0)(vectors, context(0))

    assert clipped.tobytes() == vectors.tobytes()
    assert clipped is not vectors


@pytest.mark.parametrize("size", [1e-300, 5e-324, 1e160, 1e308])
def test_measures_vectors_whose_squares_are_no_numbers(size: float) -> None:
    vectors = size * np.array([[1.0, 0, 0], [0, -1, 0]])

    clipped = Clipping(1.0)(vectors, context(0))

    assert clipped == pytest.approx(min(1, size) * np.array([[1.0, 0, 0], [0, -1, 0]]), rel=1e-15)


@pytest.mark.parametrize("limit", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_a_limit_that_is_none(limit: float) -> None:
    with pytest.raises(ConfigError, match=r"^limit = .*: must be above 0 and finite$"):
        Clipping(limit)
