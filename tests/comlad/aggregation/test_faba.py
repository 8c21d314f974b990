import numpy as np
import pytest
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import FABA, Context


def faba_by_loops(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The definition and nothing else; of those equally far the first goes."""
    left = list(vectors)
    for _ in range(f):
        mean = sum(left) / len(left)
        distances = [float(((vector - mean) ** 2).sum()) for vector in left]
        left.pop(distances.index(max(distances)))
    result: NDArray[np.float64] = np.mean(left, axis=0)
    return result


@pytest.mark.parametrize(("n", "f"), [(1, 0), (3, 1), (9, 4), (30, 7), (100, 20)])
@pytest.mark.parametrize("dimension", [1, 7, 300])
@pytest.mark.parametrize("offset", [0, 1e7])
def test_agrees_with_loops(n: int, f: int, dimension: int, offset: float) -> None:
    vectors = offset + fresh_rng(n).normal(0, 1, (n, dimension))

    aggregate = FABA()(vectors, context(f))

    assert aggregate == pytest.approx(faba_by_loops(vectors, f), rel=1e-12, abs=1e-14)


def test_takes_the_mean_anew_after_each() -> None:
    # The mean of all, 3.8, is farthest from 12; that of 0, 1, 2, 4, which is 1.75, from 4.
    vectors = np.array([[0.0], [1], [2], [4], [12]])

    assert FABA()(vectors, context(1)) == pytest.approx([1.75])
    assert FABA()(vectors, context(2)) == pytest.approx([1])


def test_draws_one_of_those_equally_far() -> None:
    vectors = np.array([[-1.0], [0], [1]])

    assert {float(FABA()(vectors, context(1, seed))[0]) for seed in range(20)} == {-0.5, 0.5}
    assert FABA()(vectors, Context(1, InOrder())) == [0.5]


@pytest.mark.parametrize("lies", [(1e14, -1e9), (1e200, 1e300), (-1e150, 1e308), (1e153, -1e153)])
def test_sees_honest_vectors_as_if_huge_liars_had_not_been(lies: tuple[float, float]) -> None:
    honest = fresh_rng().normal(0, 1, (9, 5))
    vectors = np.vstack([np.full((1, 5), lies[0]), honest, np.full((1, 5), lies[1])])

    aggregate = FABA()(vectors, context(4))

    assert aggregate == pytest.approx(faba_by_loops(honest, 2), rel=1e-12)


def test_is_exact_where_nobody_lies() -> None:
    assert FABA().kappa(10, 0) == 0
    assert FABA().kappa(10, 5) == np.inf
