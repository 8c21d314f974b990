import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import CAF


def caf_by_covariances(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The definition, with the whole covariance."""
    weights = np.ones(len(vectors))
    least = np.inf
    best: NDArray[np.float64] = vectors.mean(axis=0)
    while weights.sum() > len(vectors) - 2 * f:
        mean = weights @ vectors / weights.sum()
        around = vectors - mean
        values, bases = np.linalg.eigh((weights * around.T) @ around / weights.sum())
        if values[-1] < least:
            least, best = values[-1], mean
        along = (around @ bases[:, -1]) ** 2
        weights = weights * np.clip(1 - along / along[weights > 0].max(), 0, 1)
    return best


@pytest.mark.parametrize(("n", "f"), [(1, 0), (3, 1), (9, 4), (30, 7), (100, 20)])
@pytest.mark.parametrize("dimension", [1, 2, 7, 60])
@pytest.mark.parametrize("offset", [0, 1e5])
def test_agrees_with_covariances(n: int, f: int, dimension: int, offset: float) -> None:
    vectors = offset + fresh_rng(n).normal(0, 1, (n, dimension))
    vectors[:f] *= 3

    aggregate = CAF()(vectors, context(f))

    assert aggregate == pytest.approx(caf_by_covariances(vectors, f), rel=1e-9)


def test_filters_along_the_direction_that_spreads_most() -> None:
    # µ = 2.5, λ = 18.75, τ = 6.25, 6.25, 6.25, 56.25: the last goes, the others keep 8/9 each.
    # Then all agree, λ = 0.
    vectors = np.array([[0.0], [0], [0], [10]])

    assert CAF()(vectors, context(1)) == [0]


def test_returns_the_mean_with_the_least_spread() -> None:
    # All: λ = 2/3, τ = 1, 0, 1, and only the middle one keeps a weight.
    vectors = np.array([[-1.0, 0], [0, 0], [1, 0]])

    assert CAF()(vectors, context(1)) == pytest.approx([0, 0], abs=1e-15)


def test_is_the_mean_where_nobody_lies() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 3))

    assert CAF()(vectors, context(0)) == pytest.approx(vectors.mean(axis=0))
    assert CAF().kappa(6, 0) == 0


def test_has_no_kappa_against_a_third() -> None:
    assert CAF().kappa(9, 3) == np.inf
    # 2 · 20/40 · (1 + √(8/3))²
    assert CAF().kappa(100, 20) == pytest.approx((1 + (8 / 3) ** 0.5) ** 2)


@pytest.mark.parametrize("lies", [(1e14, -1e9), (1e200, 1e300), (-1e149, 1e308), (1e149, -1e149)])
def test_sees_honest_vectors_as_if_huge_liars_had_not_been(lies: tuple[float, float]) -> None:
    honest = fresh_rng().normal(0, 1e-3, (9, 5)) + 7
    vectors = np.vstack([np.full((1, 5), lies[0]), honest, np.full((1, 5), lies[1])])

    aggregate = CAF()(vectors, context(2))

    assert np.linalg.norm(aggregate - honest.mean(axis=0)) < 2e-3
