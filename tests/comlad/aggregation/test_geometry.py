import numpy as np
import pytest
from samples import fresh_rng

from comlad.aggregation._geometry import products, reachable, squared_from, squared_from_mean
from comlad.errors import ConfigError


@pytest.mark.parametrize(("n", "dimension"), [(1, 1), (2, 5), (7, 20_000), (100, 6_000)])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_products_are_about_one_point(n: int, dimension: int, offset: float) -> None:
    around = fresh_rng(n).normal(0, 1, (n, dimension))

    gram = products(offset + around)

    apart = gram - gram[:1] - gram[:, :1] + gram[0, 0]  # about the first vector
    from_first = around - around[0]
    assert apart == pytest.approx(from_first @ from_first.T, rel=1e-9, abs=1e-9 * dimension)
    assert (gram == gram.T).all()


def test_products_of_vectors_that_agree_with_most_are_exactly_zero() -> None:
    vector = fresh_rng().normal(1, 1, 5000)
    vectors = np.vstack([np.tile(vector, (5, 1)), fresh_rng(1).normal(0, 1, (4, 5000))])

    assert not products(vectors)[:5, :].any()


def test_products_keep_their_digits_beside_a_huge_liar() -> None:
    honest = 1e5 + fresh_rng().normal(0, 1, (5, 40))

    gram = products(np.vstack([np.full((1, 40), 1e30), honest]))[1:, 1:]

    norms = gram.diagonal()
    squares = ((honest[:, None] - honest) ** 2).sum(axis=2)
    assert norms[:, None] + norms - 2 * gram == pytest.approx(squares, rel=1e-10, abs=1e-12)


def test_products_say_what_is_beyond_reach() -> None:
    vectors = np.array([[1.0, 2], [1e200, 0], [1e149, 0], [0, 1e151], [3, 4]])

    assert reachable(products(vectors)).tolist() == [0, 2, 4]


def test_products_reach_what_is_near_one_another() -> None:
    gram = products(1e200 * np.ones((3, 2)))

    assert reachable(gram).tolist() == [0, 1, 2]
    assert not gram.any()


def test_refuses_vectors_half_of_which_are_beyond_reach() -> None:
    vectors = fresh_rng().normal(0, 1, (4, 3)) * np.array([[1], [1e200], [1], [1e200]])

    with pytest.raises(ConfigError, match="the squares of most vectors"):
        reachable(products(vectors))


@pytest.mark.parametrize(("n", "dimension"), [(1, 1), (16, 3), (17, 16_384), (50, 40_000)])
def test_squares_agree_with_subtracting(n: int, dimension: int) -> None:
    vectors, point = fresh_rng(n).normal(5, 1, (n, dimension)), fresh_rng(1).normal(5, 1, dimension)

    squares = squared_from(vectors, point)

    assert squares == pytest.approx(((vectors - point) ** 2).sum(axis=1), rel=1e-12)


def test_squares_that_overflow_are_infinite() -> None:
    huge = np.finfo(np.float64).max
    vectors = np.array([[huge, 0], [-huge, 1], [1e200, 0], [1, 1]])

    assert squared_from(vectors, np.array([huge, 1])).tolist() == [0 + 1, np.inf, np.inf, np.inf]
    assert squared_from(vectors, np.zeros(2)).tolist() == [np.inf, np.inf, np.inf, 2]


def test_squares_from_a_mean_need_no_vectors() -> None:
    vectors = 100 + fresh_rng().normal(0, 1, (6, 30))
    weights = fresh_rng(1).dirichlet(np.ones(6))

    squares = squared_from_mean(products(vectors), weights)

    assert squares == pytest.approx(((vectors - weights @ vectors) ** 2).sum(axis=1), rel=1e-11)
