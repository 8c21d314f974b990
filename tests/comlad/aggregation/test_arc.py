import math

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import AdaptiveRobustClipping, Aggregation, Clipping, Mean, Median

ARC = AdaptiveRobustClipping()


def clip_the_longest(vectors: NDArray[np.float64], f: int) -> NDArray[np.float64]:
    """The definition and nothing else; only for vectors of different lengths."""
    n = len(vectors)
    longest_first = sorted(range(n), key=lambda i: -math.dist(vectors[i], [0] * len(vectors[i])))
    k = math.floor(2 * f * (n - f) / n)
    limit = np.linalg.norm(vectors[longest_first[k]])
    clipped = vectors.copy()
    for i in longest_first[:k]:
        clipped[i] *= limit / np.linalg.norm(vectors[i])
    return clipped


@pytest.mark.parametrize(("n", "f"), [(1, 0), (5, 1), (9, 4), (20, 3), (100, 20)])
def test_agrees_with_its_definition(n: int, f: int) -> None:
    vectors = fresh_rng(n).normal(0, 1, (n, 7))

    assert ARC(vectors, context(f)) == pytest.approx(clip_the_longest(vectors, f), rel=1e-14)


def test_shortens_no_more_than_its_share() -> None:
    vectors = np.arange(1.0, 101)[:, None]

    clipped = ARC(vectors, context(20))

    assert np.count_nonzero(clipped != vectors) == 32  # ⌊2 · 20 · 80/100⌋
    assert clipped.max() == 68


def test_shortens_nothing_where_nobody_lies() -> None:
    vectors = fresh_rng().normal(0, 1, (6, 4))

    assert ARC(vectors, context(0)).tobytes() == vectors.tobytes()


def test_shortens_nothing_among_vectors_of_one_length() -> None:
    vectors = np.array([[3.0, 4, 0], [4, 3, 0], [0, -3, 4], [5, 0, 0], [0, 0, -5]])

    assert (ARC(vectors, context(2)) == vectors).all()


@pytest.mark.parametrize("far", [1e9, 1e200, 1e308])
def test_makes_a_huge_liar_no_longer_than_an_honest_vector(far: float) -> None:
    honest = fresh_rng().normal(0, 1, (8, 3))

    clipped = ARC(np.vstack([honest, np.full((1, 3), far)]), context(1))

    longest = np.linalg.norm(honest, axis=1).max()
    assert np.linalg.norm(clipped[8]) <= longest * (1 + 1e-15)


def test_is_a_static_clipping_to_a_limit_found_in_the_vectors() -> None:
    vectors = fresh_rng().normal(0, 1, (10, 5))
    limit = np.sort(np.linalg.norm(vectors, axis=1))[10 - 4 - 1]  # k = ⌊2 · 3 · 7/10⌋

    adaptive = ARC(vectors, context(3))

    assert adaptive == pytest.approx(Clipping(float(limit))(vectors, context(3)), rel=1e-14)


def test_adds_to_kappa_what_the_paper_says_at_most() -> None:
    for n in range(1, 60):
        for f in range((n + 1) // 2):
            added = ARC.kappa_before(0.5, n, f) - 0.5
            assert 0 <= added <= 2 * f / (n - 2 * f) + 1e-12


def test_adds_up_with_the_kappas_of_a_chain() -> None:
    added = 32 / (80 - 32)

    assert Aggregation(Median(), (ARC,)).kappa(100, 20) == pytest.approx(64 / 9 + added)
    assert math.isinf(Aggregation(Mean(), (ARC,)).kappa(100, 20))
