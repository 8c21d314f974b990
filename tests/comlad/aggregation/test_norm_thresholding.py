import numpy as np
import pytest
from samples import InOrder, context, fresh_rng

from comlad.aggregation import Context, NormThresholding
from comlad.errors import ConfigError


@pytest.mark.parametrize(
    ("n", "f", "beta"), [(1, 0, None), (9, 4, None), (9, 4, 0.2), (50, 0, 0.9)]
)
def test_agrees_with_sorting_by_norm(n: int, f: int, beta: float | None) -> None:
    vectors = fresh_rng(n).normal(1, 2, (n, 6))
    rule = NormThresholding(beta)
    by_norm = sorted(vectors, key=lambda vector: float(np.linalg.norm(vector)))

    aggregate = rule(vectors, context(f))

    assert aggregate == pytest.approx(np.mean(by_norm[: rule.count(n, f)], axis=0), rel=1e-13)


def test_drops_the_longest() -> None:
    vectors = np.array([[3.0, 4], [0, 1], [-6, 8], [1, 0]])

    assert NormThresholding(0.5)(vectors, context(0)) == pytest.approx([0.5, 0.5])
    assert NormThresholding()(vectors, context(1)) == pytest.approx([4 / 3, 5 / 3])


@pytest.mark.parametrize(
    ("beta", "n", "f", "count"),
    [
        (None, 100, 30, 70),
        (0.2, 100, 30, 80),  # of the LAD paper, where f/N is 0.3
        (0.25, 10, 0, 8),  # ⌈7.5⌉
        (0.7, 10, 0, 3),  # (1 - 0.7) * 10 is 3.0000000000000004
        (0.9, 3, 0, 1),
        (0.0, 7, 3, 7),
    ],
)
def test_counts_what_it_keeps(beta: float | None, n: int, f: int, count: int) -> None:
    assert NormThresholding(beta).count(n, f) == count


def test_draws_one_of_equal_norms() -> None:
    vectors = np.array([[1.0, 0], [0, 1], [-1, 0]])
    rule = NormThresholding()

    drawn = {tuple(rule(vectors, context(1, seed)).tolist()) for seed in range(40)}

    assert len(drawn) == 3
    assert rule(vectors, Context(1, InOrder())).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("lie", [1e154, 1e200, -np.finfo(np.float64).max])
def test_drops_what_is_longer_than_a_number(lie: float) -> None:
    vectors = np.vstack([np.full((2, 3), lie), np.ones((3, 3))])

    assert NormThresholding()(vectors, context(2)) == pytest.approx(np.ones(3))


@pytest.mark.parametrize("beta", [-0.1, 1.0, float("nan")])
def test_refuses_a_fraction_that_cannot_be(beta: float) -> None:
    with pytest.raises(ConfigError, match=r"^beta = .*: must be at least 0 and less than 1"):
        NormThresholding(beta)
