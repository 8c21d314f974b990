import numpy as np
import pytest
from numpy.typing import NDArray
from samples import InOrder, context, fresh_rng

from comlad.aggregation import Bulyan, Context


def bulyan_by_loops(vectors: NDArray[np.float64], f: int) -> list[float]:
    """The definition and nothing else; of what is tied the first."""
    left: list[int] = list(range(len(vectors)))
    selected: list[int] = []
    while len(selected) < len(vectors) - 2 * f:
        scores = []
        for i in left:
            distances = sorted(((vectors[i] - vectors[j]) ** 2).sum() for j in left if j != i)
            scores.append(sum(distances[: max(len(left) - f - 2, 1)]))
        selected.append(left.pop(scores.index(min(scores))))
    result = []
    for column in vectors[selected].T:
        median = np.median(column)
        nearest = sorted(column, key=lambda value: (abs(value - median), value))
        result.append(float(np.mean(nearest[: len(selected) - 2 * f])))
    return result


@pytest.mark.parametrize(("n", "f"), [(3, 0), (7, 1), (11, 2), (16, 3), (30, 6), (31, 7)])
@pytest.mark.parametrize("dimension", [1, 6, 200])
def test_agrees_with_loops(n: int, f: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(3, 2, (n, dimension))

    aggregate = Bulyan()(vectors, Context(f, InOrder()))

    assert aggregate == pytest.approx(bulyan_by_loops(vectors, f), rel=1e-12, abs=1e-14)


def test_agrees_with_loops_on_ties() -> None:
    for seed in range(30):
        vectors = fresh_rng(seed).integers(0, 4, (11, 3)).astype(float)

        aggregate = Bulyan()(vectors, Context(2, InOrder()))

        assert aggregate == pytest.approx(bulyan_by_loops(vectors, 2), rel=1e-12)


def test_trims_in_every_coordinate_what_krum_let_pass() -> None:
    # The two at 99 are not selected; nearest to the medians, 3 and 2, are 2, 3, 4 and 1, 2, 3.
    vectors = np.array([[1.0, 4], [2, 3], [3, 2], [4, 1], [8, 0], [99, 99], [-99, 99]])

    assert Bulyan()(vectors, context(1)) == pytest.approx([3, 2])


def test_does_not_care_who_sent_what() -> None:
    vectors = fresh_rng().normal(0, 1, (15, 4))

    shuffled = Bulyan()(fresh_rng(1).permutation(vectors), context(3))

    assert shuffled == pytest.approx(Bulyan()(vectors, context(3)), rel=1e-12)


def test_draws_one_of_equal_scores() -> None:
    # One of the last three is selected, of which two are equally near to each other.
    vectors = np.array([[0.0], [0.1], [0.3], [0.6], [1.0], [10.0], [11.0]])

    assert len({float(Bulyan()(vectors, context(1, seed))[0]) for seed in range(20)}) > 1


@pytest.mark.parametrize("lie", [1e30, 1e154, -1e200, np.finfo(np.float64).max])
def test_is_not_moved_by_huge_liars(lie: float) -> None:
    honest = fresh_rng().normal(0, 1, (9, 5))
    vectors = np.vstack([[[lie] * 5, [-lie] * 5], honest])

    assert np.abs(Bulyan()(vectors, context(2))).max() <= np.abs(honest).max()


def test_is_the_mean_where_nobody_lies() -> None:
    assert Bulyan().kappa(10, 0) == 0
    assert Bulyan().kappa(8, 2) == np.inf
