import math

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import MaximumCorrentropy
from comlad.errors import ConfigError


def fixed_point_by_loops(
    vectors: NDArray[np.float64], bandwidth: float | None, steps: int
) -> NDArray[np.float64]:
    z: NDArray[np.float64] = np.median(vectors, axis=0)
    lengths = [float(np.linalg.norm(vector - z)) for vector in vectors]
    if bandwidth is None:
        bandwidth = math.sqrt(float(np.median([length**2 for length in lengths])))
    for _ in range(steps):
        kernel = [
            math.exp(-(float(np.linalg.norm(vector - z)) ** 2) / (2 * bandwidth**2))
            for vector in vectors
        ]
        z = sum(k * vector for k, vector in zip(kernel, vectors, strict=True)) / sum(kernel)
    return z


@pytest.mark.parametrize("bandwidth", [None, 2.5, 1000.0])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize(("n", "dimension"), [(2, 1), (9, 7), (100, 40)])
def test_agrees_with_loops(bandwidth: float | None, steps: int, n: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(3, 1, (n, dimension))

    aggregate = MaximumCorrentropy(bandwidth, steps)(vectors, context(0))

    loops = fixed_point_by_loops(vectors, bandwidth, steps)
    assert aggregate == pytest.approx(loops, rel=1e-8)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_comes_to_a_fixed_point(offset: float) -> None:
    vectors = offset + fresh_rng().normal(0, 1, (15, 3))

    point = MaximumCorrentropy(1.0, iterations=200)(vectors, context(4))

    kernel = np.exp(-((vectors - point) ** 2).sum(axis=1) / 2)
    assert kernel @ (vectors - point) / kernel.sum() == pytest.approx(np.zeros(3), abs=1e-7)


def test_hardly_sees_what_is_many_bandwidths_away() -> None:
    vectors = np.array([[-1.0], [0], [1], [50], [50]])

    assert MaximumCorrentropy(2.0)(vectors, context(2)) == pytest.approx([0], abs=2e-8)


def test_is_nearly_the_mean_if_the_bandwidth_is_wide() -> None:
    vectors = fresh_rng().normal(0, 1, (9, 4))

    aggregate = MaximumCorrentropy(1e9)(vectors, context(0))

    assert aggregate == pytest.approx(vectors.mean(axis=0), abs=1e-12)


def test_is_the_mean_if_the_square_of_the_bandwidth_is_no_number() -> None:
    vectors = fresh_rng().normal(0, 1, (9, 4))

    aggregate = MaximumCorrentropy(1e300)(vectors, context(0))

    assert aggregate == pytest.approx(vectors.mean(axis=0), abs=1e-15)


def test_takes_a_bandwidth_far_below_all_distances() -> None:
    vectors = np.array([[0.0], [1], [3.0], [7]])

    # From 2 on, 1 and 3 are equally near, and the others count for nothing.
    assert MaximumCorrentropy(1e-3)(vectors, context(1)) == pytest.approx([2])


def test_is_exactly_what_most_say() -> None:
    vector = fresh_rng().normal(0, 1, 8)
    vectors = np.vstack([np.tile(vector, (5, 1)), fresh_rng(1).normal(0, 1e9, (4, 8))])

    assert (MaximumCorrentropy()(vectors, context(4)) == vector).all()


@pytest.mark.parametrize("lie", [1e30, 1e149, 1e154, -1e200, np.finfo(np.float64).max])
def test_does_not_see_huge_liars(lie: float) -> None:
    honest = fresh_rng().normal(0, 1, (9, 5))
    vectors = np.vstack([honest, np.full((2, 5), lie)])

    aggregate = MaximumCorrentropy()(vectors, context(2))

    assert (honest.min(axis=0) < aggregate).all()
    assert (aggregate < honest.max(axis=0)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bandwidth": 0.0}, r"^bandwidth = 0\.0: must be a positive number$"),
        ({"bandwidth": math.inf}, r"^bandwidth = inf: must be a positive number$"),
        ({"iterations": 0}, r"^iterations = 0: "),
    ],
)
def test_refuses_what_cannot_be(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MaximumCorrentropy(**parameters)  # type: ignore[arg-type]
