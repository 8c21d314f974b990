import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import Aggregation, NearestNeighborMixing, TrimmedMean


def mix_by_gathering(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The definition and nothing else; only for vectors without ties."""
    n = len(vectors)
    mixed = np.empty_like(vectors)
    for i in range(n):
        distances = [float(((vectors[i] - vectors[j]) ** 2).sum()) for j in range(n)]
        nearest = sorted(range(n), key=lambda j: distances[j])[: n - f]
        mixed[i] = vectors[nearest].mean(axis=0)
    return mixed


@pytest.mark.parametrize(("n", "f"), [(1, 0), (2, 1), (5, 0), (9, 2), (30, 14), (100, 20)])
@pytest.mark.parametrize("dimension", [1, 7, 300])
def test_agrees_with_gathering_the_neighbours(n: int, f: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(3, 2, (n, dimension))

    mixed = NearestNeighborMixing()(vectors, context(f))

    assert mixed == pytest.approx(mix_by_gathering(vectors, f), rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("lie", [1e9, -1e150, 1e154, 1e200, np.finfo(np.float64).max])
def test_is_not_moved_by_one_huge_liar(lie: float) -> None:
    honest = fresh_rng().normal(0, 1, (9, 40))
    vectors = np.vstack([honest, np.full((1, 40), lie)])

    mixed = NearestNeighborMixing()(vectors, context(1))

    assert mixed[:9] == pytest.approx(np.tile(honest.mean(axis=0), (9, 1)), rel=1e-12, abs=1e-14)


def test_tells_honest_neighbours_apart_beside_a_huge_liar() -> None:
    # About their mean, 10^14 / 5 away, what the honest differ by would be rounded away.
    vectors = np.array([[0.0], [0.1], [7.0], [7.1], [1e14]])

    mixed = NearestNeighborMixing()(vectors, context(3))

    assert mixed[:4, 0] == pytest.approx([0.05, 0.05, 7.05, 7.05])


def test_is_not_moved_by_several_liars_that_overflow() -> None:
    honest = fresh_rng().normal(0, 1, (7, 3))
    liars = np.array([[1e200, -1e200, 1e300], [1e300, 0, 0], [-1e200, 1e200, -1e300]])
    defence = Aggregation(TrimmedMean(), (NearestNeighborMixing(),))

    aggregate = defence(np.vstack([honest, liars]), context(3))

    assert np.abs(aggregate).max() < np.abs(honest).max()


def test_counts_each_vector_among_its_own_neighbours() -> None:
    # With f = n − 1 it is its only neighbour, even if others are equal to it.
    vectors = np.array([[1.0], [1.0], [2.0]])

    mixed = NearestNeighborMixing()(vectors, context(2))

    assert mixed.tobytes() == vectors.tobytes()


def test_counts_a_huge_liar_among_its_own_neighbours() -> None:
    vectors = np.array([[1.0], [2.0], [1e200]])

    for seed in range(10):
        mixed = NearestNeighborMixing()(vectors, context(2, seed))
        assert mixed.tobytes() == vectors.tobytes()


def test_chooses_between_equally_far_neighbours_by_a_draw() -> None:
    vectors = np.array([[-1.0], [0.0], [1.0]])

    middles = {float(NearestNeighborMixing()(vectors, context(1, s))[1, 0]) for s in range(40)}

    assert middles == {-0.5, 0.5}


def test_takes_of_those_equally_far_as_many_as_there_is_room_for() -> None:
    vectors = np.array([[0.0], [1], [1], [-1], [-1], [9]])

    mixed = [NearestNeighborMixing()(vectors, context(2, seed)) for seed in range(40)]

    # Three of the four that are 1 from 0; for 1 the other 1, 0 and either −1.
    assert {float(vector[0, 0]) for vector in mixed} == {-0.25, 0.25}
    assert {float(vector[1, 0]) for vector in mixed} == {0.25}


def test_multiplies_kappa_as_lemma_1_says() -> None:
    mixing = NearestNeighborMixing()

    # The table of Allouah et al. with the trimmed mean, for n = 100 and f = 20.
    assert Aggregation(TrimmedMean(), (mixing,)).kappa(100, 20) == pytest.approx(22 / 3)
