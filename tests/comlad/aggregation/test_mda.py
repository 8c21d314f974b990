import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import MDA, Context
from comlad.aggregation._cliques import Conflicts


def squares(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    apart: NDArray[np.float64] = ((vectors[:, None] - vectors) ** 2).sum(axis=2)
    return apart


def mda_by_looking(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The mean of the first of all subsets with the smallest diameter."""
    distances, least, best = squares(vectors), np.inf, [0]
    for subset in itertools.combinations(range(len(vectors)), len(vectors) - f):
        diameter = distances[np.ix_(subset, subset)].max()
        if diameter < least * (1 - 1e-12):
            least, best = diameter, list(subset)
    mean: NDArray[np.float64] = vectors[best].mean(axis=0)
    return mean


@pytest.mark.parametrize(("n", "f"), [(1, 0), (3, 1), (4, 1), (7, 3), (10, 4), (12, 5)])
@pytest.mark.parametrize("dimension", [1, 2, 30])
@pytest.mark.parametrize("kind", ["normal", "whole numbers", "repeated", "far from zero"])
def test_agrees_with_looking_at_all_subsets(n: int, f: int, dimension: int, kind: str) -> None:
    for seed in range(5):
        rng = fresh_rng(seed)
        normal = rng.normal(0, 1, (n, dimension))
        vectors = {
            "normal": normal,
            "whole numbers": rng.integers(0, 3, (n, dimension)).astype(float),
            "repeated": normal[rng.integers(0, n, n)],
            "far from zero": 1e6 + normal,
        }[kind]

        aggregate = MDA()(vectors, Context(f, InOrder()))

        assert aggregate == pytest.approx(mda_by_looking(vectors, f), rel=1e-12, abs=1e-13)


def test_takes_the_smallest_diameter() -> None:
    # Of three side by side the diameters are 3, 4, 4.5, 2.5.
    vectors = np.array([[0.0], [2], [3], [6], [7.5], [8.5]])

    assert MDA()(vectors, context(2)) == pytest.approx([np.mean([3, 6, 7.5, 8.5])])
    assert MDA()(vectors[2:], context(1)) == pytest.approx([np.mean([6, 7.5, 8.5])])


def test_draws_one_of_equal_diameter() -> None:
    vectors = np.array([[0.0], [1], [2]])

    assert {float(MDA()(vectors, context(1, seed))[0]) for seed in range(20)} == {0.5, 1.5}
    assert MDA()(vectors, Context(1, InOrder())) == [0.5]


@pytest.mark.parametrize("lie", [1e30, 1e154, -1e200, np.finfo(np.float64).max])
@pytest.mark.parametrize("exact", [True, False])
def test_leaves_huge_liars_out(lie: float, exact: bool) -> None:
    honest = fresh_rng().normal(0, 1, (7, 5))
    vectors = np.vstack([honest, np.full((2, 5), lie)])

    assert MDA(exact)(vectors, context(2)) == pytest.approx(honest.mean(axis=0))


@pytest.mark.parametrize("f", [20, 35])
@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 300])
def test_is_quick_among_adversaries(
    f: int, dimension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    branches = 0
    original = Conflicts._cover

    def counted(self: Conflicts, among: int, budget: int) -> int | None:
        nonlocal branches
        branches += 1
        return original(self, among, budget)

    monkeypatch.setattr(Conflicts, "_cover", counted)
    honest = fresh_rng(1).normal(0, 1, (100 - f, dimension))
    center, spread = honest.mean(axis=0), honest.std(axis=0)
    directions = fresh_rng(2).normal(0, 1, (f, dimension))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    on_sphere = honest / np.linalg.norm(honest, axis=1)[:, None]
    clouds = [
        np.vstack([honest, center + 3 * directions]),
        np.vstack([honest, np.tile(center + 1.5 * spread, (f, 1))]),
        np.vstack([honest, -honest[:f]]),
        np.vstack([honest, 2 * honest[:f]]),
        np.vstack([on_sphere, -on_sphere[:f]]),
        np.vstack([on_sphere, directions]),
        fresh_rng(3).integers(0, 3, (100, dimension)).astype(float),
    ]

    for vectors in clouds:
        branches = 0
        aggregate = MDA()(vectors, context(f))
        assert np.isfinite(aggregate).all()
        assert branches < 500


@pytest.mark.parametrize("dimension", [1, 2, 20])
def test_comes_within_a_factor_of_two_if_it_need_not_be_exact(dimension: int) -> None:
    for seed in range(20):
        vectors = fresh_rng(seed).standard_t(2, (11, dimension))
        distances = squares(vectors)
        balls = [np.argsort(row)[:8] for row in distances]
        ball = min(balls, key=lambda ball: distances[ball[0], ball].max())

        aggregate = MDA(exact=False)(vectors, context(3))

        assert aggregate == pytest.approx(vectors[ball].mean(axis=0), rel=1e-12, abs=1e-14)
        least = min(
            distances[np.ix_(subset, subset)].max()
            for subset in itertools.combinations(range(11), 8)
        )
        assert distances[np.ix_(ball, ball)].max() <= 4 * least * (1 + 1e-12)


def test_takes_any_f_if_it_need_not_be_exact() -> None:
    MDA(exact=False).check(1000, 499)


def test_has_the_lesser_of_two_kappas() -> None:
    assert MDA().kappa(10, 1) == pytest.approx(8 / 9)
    assert MDA().kappa(100, 35) == pytest.approx(35 / 30 * (1 + 65**0.5) ** 2)
    assert MDA(exact=False).kappa(10, 1) == pytest.approx(2)
    assert MDA(exact=False).kappa(100, 35) == pytest.approx(35 / 30 * (2 + 65**0.5) ** 2)
    assert MDA().kappa(4, 2) == np.inf
