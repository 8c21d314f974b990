import statistics
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import MeanAroundMedian, Median


def nearest_to_the_median(vectors: NDArray[np.float64], count: int) -> list[float]:
    """The definition and nothing else, in exact arithmetic."""
    result = []
    for column in vectors.T.tolist():
        values = sorted(map(Fraction, column))
        median = statistics.median(values)
        # Sorting is stable: of equally near values the lesser comes first.
        near = sorted(values, key=lambda value: abs(value - median))[:count]
        result.append(float(sum(near) / count))
    return result


@pytest.mark.parametrize(("n", "f"), [(1, 0), (5, 0), (5, 2), (9, 3), (10, 4), (40, 13), (40, 19)])
@pytest.mark.parametrize("dimension", [1, 30])
def test_agrees_with_its_definition(n: int, f: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, dimension))

    aggregate = MeanAroundMedian()(vectors, context(f))

    assert aggregate == pytest.approx(nearest_to_the_median(vectors, n - f), rel=1e-12)


@pytest.mark.parametrize(("n", "f"), [(5, 2), (9, 3), (10, 4), (12, 1)])
def test_agrees_with_its_definition_on_tied_values(n: int, f: int) -> None:
    vectors = fresh_rng(n).integers(-3, 4, (n, 500)).astype(float)

    aggregate = MeanAroundMedian()(vectors, context(f))

    assert aggregate == pytest.approx(nearest_to_the_median(vectors, n - f), rel=1e-15)


def test_takes_the_lesser_of_two_that_are_equally_near() -> None:
    vectors = np.array([[1.0], [0], [2], [-5], [7]])

    assert MeanAroundMedian()(vectors, context(1)).tolist() == [(0 + 1 + 2 - 5) / 4]


def test_does_not_depend_on_the_order_of_tied_vectors() -> None:
    vectors = fresh_rng().integers(-3, 4, (9, 50)).astype(float)

    results = {
        MeanAroundMedian()(fresh_rng(seed).permutation(vectors), context(3)).tobytes()
        for seed in range(10)
    }

    assert len(results) == 1


def test_loses_nothing_of_the_honest_beside_huge_liars() -> None:
    # A difference of running sums would.
    vectors = np.array([[0.1], [0.2], [0.3], [1e300], [-1e300]])

    assert MeanAroundMedian()(vectors, context(2)) == pytest.approx([0.2], rel=1e-15)


def test_has_a_kappa_that_vanishes_with_f() -> None:
    kappa = Median().kappa(100, 1)

    assert MeanAroundMedian().kappa(100, 1) == pytest.approx(4 / 99 * (1 + kappa))
    assert MeanAroundMedian().kappa(100, 0) == 0
    assert MeanAroundMedian().kappa(4, 2) == float("inf")
