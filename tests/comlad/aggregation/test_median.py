import statistics

import numpy as np
import pytest
from samples import context, fresh_rng

from comlad.aggregation import Median


@pytest.mark.parametrize("n", [1, 2, 3, 10, 16, 17, 50])
@pytest.mark.parametrize("dimension", [1, 6, 20_000])
def test_agrees_with_the_medians_of_columns(n: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, dimension))

    aggregate = Median()(vectors, context(0))

    assert aggregate[:99].tolist() == [statistics.median(column) for column in vectors.T[:99]]
    assert (aggregate == np.median(vectors, axis=0)).all()


def test_is_the_mean_of_the_two_in_the_middle() -> None:
    vectors = np.array([[1.0], [4], [2], [1e9]])

    assert Median()(vectors, context(1)).tolist() == [3]


def test_takes_values_at_the_end_of_the_finite_numbers() -> None:
    huge = np.finfo(np.float64).max
    vectors = np.array([[huge], [huge]])

    assert Median()(vectors, context(0)).tolist() == [huge]


def test_knows_the_kappa_of_the_table_in_allouah_et_al() -> None:
    assert Median().kappa(100, 20) == pytest.approx(64 / 9)
    assert Median().kappa(100, 30) == 12.25
    assert Median().kappa(4, 2) == float("inf")
