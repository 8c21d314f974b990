import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import SMEA, Context
from comlad.errors import ConfigError


def smea_by_covariances(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The mean of the first of all subsets whose covariance has the smallest top eigenvalue."""
    least, best = np.inf, [0]
    for subset in itertools.combinations(range(len(vectors)), len(vectors) - f):
        around = vectors[list(subset)] - vectors[list(subset)].mean(axis=0)
        top = np.linalg.eigvalsh(around.T @ around)[-1]
        if top < least * (1 - 1e-10):
            least, best = top, list(subset)
    mean: NDArray[np.float64] = vectors[best].mean(axis=0)
    return mean


@pytest.mark.parametrize(("n", "f"), [(1, 0), (3, 1), (5, 2), (9, 3), (10, 4)])
@pytest.mark.parametrize("dimension", [1, 2, 20])
@pytest.mark.parametrize("kind", ["normal", "two groups", "whole numbers", "far from zero"])
def test_agrees_with_covariances(n: int, f: int, dimension: int, kind: str) -> None:
    for seed in range(3):
        rng = fresh_rng(seed)
        normal = rng.normal(0, 1, (n, dimension))
        vectors = {
            "normal": normal,
            "two groups": normal + 5 * (np.arange(n) < f)[:, None],
            "whole numbers": rng.integers(0, 3, (n, dimension)).astype(float),
            "far from zero": 1e5 + normal,
        }[kind]

        aggregate = SMEA()(vectors, Context(f, InOrder()))

        assert aggregate == pytest.approx(smea_by_covariances(vectors, f), rel=1e-11, abs=1e-13)


def test_looks_at_the_worst_direction_only() -> None:
    # Without (0, 3) the variance is 2/3 along x, without (±1, 0) it is 2 along y.
    vectors = np.array([[-1.0, 0], [1, 0], [0, 0], [0, 3]])

    assert SMEA()(vectors, context(1)) == pytest.approx([0, 0], abs=1e-15)


def test_draws_one_of_equal_spread() -> None:
    vectors = np.array([[0.0], [1], [2]])

    assert {float(SMEA()(vectors, context(1, seed))[0]) for seed in range(20)} == {0.5, 1.5}
    assert SMEA()(vectors, Context(1, InOrder())) == [0.5]


@pytest.mark.parametrize("lies", [(1e14, -1e9), (1e200, 1e300), (-1e149, 1e308), (1e149, -1e149)])
def test_leaves_huge_liars_out(lies: tuple[float, float]) -> None:
    honest = fresh_rng().normal(7, 1e-3, (9, 5))
    vectors = np.vstack([np.full((1, 5), lies[0]), honest, np.full((1, 5), lies[1])])

    assert SMEA()(vectors, context(2)) == pytest.approx(honest.mean(axis=0), rel=1e-12)
    trimmed = smea_by_covariances(honest, 1)
    assert SMEA()(vectors, context(3)) == pytest.approx(trimmed, rel=1e-12)


def test_looks_at_few_subsets_where_liars_stand_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    original = np.linalg.eigvalsh

    def counted(matrices: NDArray[np.float64]) -> NDArray[Any]:
        nonlocal looked_at
        looked_at += len(matrices)
        return original(matrices)

    honest = fresh_rng().normal(0, 1, (15, 40))
    vectors = np.vstack([honest, np.full((5, 40), 100.0)])
    monkeypatch.setattr(np.linalg, "eigvalsh", counted)

    aggregate = SMEA()(vectors, context(5))

    assert aggregate == pytest.approx(honest.mean(axis=0), rel=1e-12, abs=1e-14)
    assert looked_at < 15504 / 2


@pytest.mark.parametrize(("n", "most"), [(20, 9), (50, 3), (100, 2), (1000, 0)])
def test_says_what_it_can_do(n: int, most: int) -> None:
    SMEA().check(n, most)

    if 2 * (most + 1) < n:
        with pytest.raises(ConfigError, match=rf"; SMEA can do f ≤ {most}$"):
            SMEA().check(n, most + 1)


def test_has_a_kappa() -> None:
    assert SMEA().kappa(100, 2) == pytest.approx(8 / 96)
    assert SMEA().kappa(4, 2) == np.inf
