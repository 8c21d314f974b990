import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import Phocas, TrimmedMean
from comlad.errors import ConfigError


def nearest_to_the_trimmed_mean(vectors: NDArray[np.float64], trim: int) -> list[float]:
    """The definition and nothing else, in exact arithmetic."""
    n, result = len(vectors), []
    for column in vectors.T.tolist():
        values = sorted(map(Fraction, column))
        center = sum(values[trim : n - trim], Fraction(0)) / (n - 2 * trim)
        # Sorting is stable: of equally near values the lesser comes first.
        near = sorted(values, key=lambda value: abs(value - center))[: n - trim]
        result.append(float(sum(near) / (n - trim)))
    return result


@pytest.mark.parametrize(("n", "b"), [(1, 0), (5, 0), (5, 2), (9, 3), (10, 4), (40, 13), (40, 19)])
@pytest.mark.parametrize("dimension", [1, 30])
def test_agrees_with_its_definition(n: int, b: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, dimension))

    aggregate = Phocas()(vectors, context(b))

    assert aggregate == pytest.approx(nearest_to_the_trimmed_mean(vectors, b), rel=1e-12)


def test_takes_the_lesser_of_two_that_are_equally_near() -> None:
    vectors = np.array([[0.0], [1], [2], [-5], [7]])

    assert Phocas(1)(vectors, context(0)).tolist() == [(0 + 1 + 2 - 5) / 4]


@pytest.mark.parametrize("trim", [None, 2, 0.2])
def test_counts_as_the_trimmed_mean_does(trim: float | None) -> None:
    vectors = fresh_rng().normal(0, 1, (10, 4))

    aggregate = Phocas(trim)(vectors, context(2))

    assert aggregate == pytest.approx(nearest_to_the_trimmed_mean(vectors, 2), rel=1e-12)


@pytest.mark.parametrize("trim", [-1, 0.5])
def test_refuses_a_trim_that_cannot_be(trim: float) -> None:
    with pytest.raises(ConfigError, match=r"^trim = "):
        Phocas(trim)


def test_has_a_kappa_where_it_drops_as_many_as_may_be_bad() -> None:
    kappa = TrimmedMean().kappa(100, 20)

    assert Phocas().kappa(100, 20) == Phocas(0.2).kappa(100, 20) == pytest.approx(1 + kappa)
    assert math.isinf(Phocas(10).kappa(100, 20))
