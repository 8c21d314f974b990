import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import TrimmedMean
from comlad.errors import ConfigError


def trimmed_mean_by_loops(vectors: NDArray[np.float64], trim: int) -> list[float]:
    """The definition and nothing else."""
    n, dimension = vectors.shape
    result = []
    for coordinate in range(dimension):
        values = sorted(float(vectors[device, coordinate]) for device in range(n))
        total = 0.0
        for value in values[trim : n - trim]:
            total += value
        result.append(total / (n - 2 * trim))
    return result


@pytest.mark.parametrize(
    ("n", "trim"), [(1, 0), (2, 0), (3, 1), (10, 3), (16, 7), (17, 8), (50, 5)]
)
@pytest.mark.parametrize("dimension", [1, 6, 1023, 1024, 1025, 4095, 4096, 4097])
def test_agrees_with_three_loops(n: int, trim: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, dimension))

    aggregate = TrimmedMean(trim)(vectors, context(0))

    assert aggregate == pytest.approx(trimmed_mean_by_loops(vectors, trim), rel=1e-12, abs=1e-14)


def test_ignores_one_liar() -> None:
    vectors = np.array([[1.0], [2], [3], [1e9]])

    assert TrimmedMean(1)(vectors, context(1)) == pytest.approx([2.5])


def test_trims_in_every_coordinate_by_itself() -> None:
    vectors = np.array([[9.0, 1], [1, 9], [2, 2], [3, 3]])

    assert TrimmedMean(1)(vectors, context(1)) == pytest.approx([2.5, 2.5])


@pytest.mark.parametrize("dimension", [1, 5000])
def test_takes_values_at_the_end_of_the_finite_numbers(dimension: int) -> None:
    huge = np.finfo(np.float64).max
    vectors = np.tile([[huge], [-huge], [1.0], [2.0], [3.0]], dimension)

    assert TrimmedMean(1)(vectors, context(1)) == pytest.approx(np.full(dimension, 2.0))


@pytest.mark.parametrize(
    ("trim", "n", "f", "count"),
    [
        (None, 10, 3, 3),
        (2, 10, 3, 2),
        (0, 10, 3, 0),
        (0.1, 100, 30, 10),  # of the LAD paper, below f
        (0.29, 100, 0, 29),  # 0.29 * 100 is 28.999999999999996
        (0.1, 9, 0, 0),
        (0.49, 3, 0, 1),
    ],
)
def test_counts_what_it_drops(trim: float | None, n: int, f: int, count: int) -> None:
    assert TrimmedMean(trim).count(n, f) == count


@pytest.mark.parametrize("trim", [-1, -0.1, 0.5, 1.0, float("nan"), float("inf")])
def test_refuses_a_trim_that_cannot_be(trim: float) -> None:
    with pytest.raises(ConfigError, match=r"^trim = .*: must be (less than 0\.5|at least 0)"):
        TrimmedMean(trim)


def test_knows_the_kappa_of_the_table_in_allouah_et_al() -> None:
    assert TrimmedMean().kappa(100, 20) == pytest.approx(8 / 3)
    assert TrimmedMean(30).kappa(100, 30) == TrimmedMean(0.3).kappa(100, 30) == 7.875


@pytest.mark.parametrize(("trim", "n", "f"), [(10, 100, 20), (30, 100, 20), (0, 4, 2), (2, 4, 2)])
def test_has_no_kappa_unless_it_drops_as_many_as_may_be_bad(trim: int, n: int, f: int) -> None:
    assert TrimmedMean(trim).kappa(n, f) == float("inf")
