import numpy as np
import pytest
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import Context, Krum, MultiKrum
from comlad.errors import ConfigError


def ranking_by_loops(vectors: NDArray[np.float64], count: int) -> list[int]:
    """The rows by the sum of the squared distances to their `count` nearest others."""
    n = len(vectors)
    scores = []
    for i in range(n):
        distances = sorted(
            float(((vectors[i] - vectors[j]) ** 2).sum()) for j in range(n) if j != i
        )
        scores.append(sum(distances[:count]))
    return sorted(range(n), key=lambda i: scores[i])


@pytest.mark.parametrize("kind", ["normal", "whole numbers", "far from zero"])
@pytest.mark.parametrize(("n", "f"), [(3, 0), (5, 1), (9, 3), (30, 13), (100, 20)])
@pytest.mark.parametrize("dimension", [1, 7, 300])
def test_agrees_with_loops(n: int, f: int, dimension: int, kind: str) -> None:
    vectors = {
        "normal": fresh_rng(n).normal(3, 2, (n, dimension)),
        "whole numbers": fresh_rng(n).integers(0, 4, (n, dimension)).astype(float),
        "far from zero": 1e8 + fresh_rng(n).normal(0, 1, (n, dimension)),
    }[kind]
    blanchard, allouah = ranking_by_loops(vectors, n - f - 2), ranking_by_loops(vectors, n - f - 1)
    told = Context(f, InOrder())

    assert (Krum()(vectors, told) == vectors[blanchard[0]]).all()
    assert (Krum("n-f-1")(vectors, told) == vectors[allouah[0]]).all()
    mean = vectors[allouah[: n - f]].mean(axis=0)
    assert MultiKrum("n-f-1")(vectors, told) == pytest.approx(mean, rel=1e-12, abs=1e-14)
    mean = vectors[blanchard[:2]].mean(axis=0)
    assert MultiKrum(select=2)(vectors, told) == pytest.approx(mean, rel=1e-12, abs=1e-14)


def test_counts_as_many_neighbours_as_it_is_told() -> None:
    # With 2 of the 4 others: 10, 5, 13, 50, 65. With 3: 110, 86, 62, 131, 165.
    vectors = np.array([[0.0], [1], [3], [10], [11]])

    assert Krum()(vectors, context(1)) == [1]
    assert Krum("n-f-1")(vectors, context(1)) == [3]
    assert MultiKrum(select=2)(vectors, context(1)) == [0.5]
    assert MultiKrum("n-f-1", select=2)(vectors, context(1)) == [2]
    assert MultiKrum()(vectors, context(1)) == [3.5]  # 0, 1, 3 and 10


def test_draws_one_of_equal_scores() -> None:
    vectors = np.array([[0.0], [1], [2], [3]])

    assert {float(Krum()(vectors, context(0, seed))[0]) for seed in range(20)} == {1, 2}
    assert Krum()(vectors, Context(0, InOrder())) == [1]
    assert {float(MultiKrum(select=1)(vectors, context(0, seed))[0]) for seed in range(20)} == {
        1,
        2,
    }


@pytest.mark.parametrize("lie", [1e30, -1e153, 1e154, 1e200, np.finfo(np.float64).max])
def test_does_not_choose_huge_liars(lie: float) -> None:
    honest = fresh_rng().normal(0, 1, (7, 5))
    vectors = np.vstack([np.full((2, 5), lie), honest])

    for rule in (Krum(), Krum("n-f-1"), MultiKrum(), MultiKrum("n-f-1")):
        assert np.abs(rule(vectors, context(2))).max() <= np.abs(honest).max()


def test_is_exactly_the_honest_vector_if_all_honest_agree() -> None:
    vector = fresh_rng().normal(1e6, 1, 50)
    vectors = np.vstack([np.tile(vector, (6, 1)), vector + 1e-6, vector - 1e-6])

    assert (Krum()(vectors, context(2)) == vector).all()


def test_gives_a_vector_of_its_own() -> None:
    vectors = fresh_rng().normal(0, 1, (5, 4))

    assert not np.shares_memory(Krum()(vectors, context(1)), vectors)


def test_averages_all_where_fewer_came_than_it_selects() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 4))
    rule = MultiKrum(select=7)

    rule.check(6, 1)

    assert rule(vectors, context(1)) == pytest.approx(vectors.mean(axis=0), rel=1e-12)
    assert rule.kappa(6, 1) == np.inf


def test_refuses_to_select_nobody() -> None:
    with pytest.raises(ConfigError, match=r"^select = 0: must be at least 1"):
        MultiKrum(select=0)


def test_has_the_kappa_of_the_paper() -> None:
    assert Krum("n-f-1").kappa(100, 20) == pytest.approx(8.0)
    assert Krum("n-f-1").kappa(100, 35) == pytest.approx(13.0)
    assert Krum().kappa(100, 20) == pytest.approx(480 / 59)
    assert MultiKrum("n-f-1").kappa(100, 20) == pytest.approx(8.0)
    assert MultiKrum("n-f-1", select=81).kappa(100, 20) == np.inf
