"""The identities against draws of T, p and masks; each within four standard errors."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import dense, draws, fresh_rng

from comlad.coding import Cyclic
from comlad.compression import RandomSparsification
from comlad.theory import (
    dispersion,
    error_of_compression,
    error_of_honest_mean,
    expected_deviation,
    load_imbalance,
)

DRAWS = 3000
CASES = [(20, 12, 5), (10, 7, 1), (10, 7, 9), (10, 10, 3), (12, 7, 4)]
# What the paper's settings give by draws; deterministic at d = 1 and N − 1.
LEMMA_1 = [
    (100, 65, 5, 1.033411e-3),
    (100, 65, 20, 2.175602e-4),
    (100, 80, 20, 1.010101e-4),
    (20, 12, 5, 5.263158e-3),
    (100, 65, 100, 0.0),
]


def gradients(n: int) -> NDArray[np.float64]:
    return fresh_rng(3).normal(1, 2, (n, 8))


def moments(n: int) -> tuple[NDArray[np.float64], float, float]:
    """µ, V and ‖µ‖²."""
    all_of_them = gradients(n)
    mean = all_of_them.mean(axis=0)
    variance = float(((all_of_them - mean) ** 2).sum(axis=1).mean())
    return mean, variance, float((mean**2).sum())


def honest_vectors(n: int, honest: int, d: int) -> Iterator[NDArray[np.float64]]:
    coding, rng, all_of_them = Cyclic(d), fresh_rng(5), gradients(n)
    for _ in range(DRAWS):
        tasks, permutation = coding.draw(n, rng)
        rows = coding.subsets(tasks[:honest], permutation)
        yield coding.encode(all_of_them, rows, tasks[:honest], n)


def assert_mean(values: list[float], formula: float) -> None:
    # The deterministic cases have no spread but rounding.
    allowed = 4 * np.std(values) / np.sqrt(len(values)) + 1e-10 * (1 + abs(formula))
    assert abs(np.mean(values) - formula) < allowed


@pytest.mark.parametrize(("n", "honest", "d", "expected"), LEMMA_1)
def test_lemma_1_has_these_numbers(n: int, honest: int, d: int, expected: float) -> None:
    assert load_imbalance(n, honest, d) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "honest", "d"), [(100, 65, 5), (100, 80, 20), (12, 7, 4)])
def test_lemma_1(n: int, honest: int, d: int) -> None:
    rng, matrix = fresh_rng(7), np.zeros((n, n))
    for row in range(n):
        matrix[row, (row + np.arange(d)) % n] = 1

    covers = (matrix[rng.permutation(n)[:honest]].mean(axis=0) / d for _ in range(DRAWS))

    deviations = [float(((cover - 1 / n) ** 2).sum()) for cover in covers]
    assert_mean(deviations, load_imbalance(n, honest, d))


@pytest.mark.parametrize(("n", "honest", "d"), CASES)
class TestIdentities:
    def test_of_one_coded_vector(self, n: int, honest: int, d: int) -> None:
        mean, variance, _ = moments(n)

        errors = [float(((sent[0] - mean) ** 2).sum()) for sent in honest_vectors(n, honest, d)]

        assert_mean(errors, expected_deviation(n, d, variance))

    def test_of_the_mean_of_the_honest(self, n: int, honest: int, d: int) -> None:
        mean, variance, _ = moments(n)

        errors = [
            float(((sent.mean(axis=0) - mean) ** 2).sum()) for sent in honest_vectors(n, honest, d)
        ]

        assert_mean(errors, error_of_honest_mean(n, honest, d, variance))

    def test_of_their_dispersion(self, n: int, honest: int, d: int) -> None:
        _, variance, _ = moments(n)

        spreads = [
            float(((sent - sent.mean(axis=0)) ** 2).sum(axis=1).mean())
            for sent in honest_vectors(n, honest, d)
        ]

        assert_mean(spreads, dispersion(n, honest, d, variance))

    def test_of_what_compression_adds(self, n: int, honest: int, d: int) -> None:
        _, variance, mean_squared = moments(n)
        compressor, told = RandomSparsification(3, values="float64"), draws(8)
        delta = 8 / 3 - 1

        errors, spreads = [], []
        for sent in honest_vectors(n, honest, d):
            arrived = np.array([dense(compressor.compress(row, told)) for row in sent])
            errors.append(float(((arrived[0] - sent[0]) ** 2).sum()))
            spreads.append(float(((arrived - arrived.mean(axis=0)) ** 2).sum(axis=1).mean()))

        assert_mean(errors, error_of_compression(n, d, variance, mean_squared, delta))
        assert_mean(
            spreads, dispersion(n, honest, d, variance, mean_squared=mean_squared, delta=delta)
        )


def test_leave_a_floor_of_compression_where_each_computes_everything() -> None:
    assert dispersion(10, 8, 10, variance=5.0) == 0
    assert dispersion(10, 8, 10, 5.0, mean_squared=3.0, delta=2.0) == pytest.approx(7 / 8 * 6)


def test_are_zero_for_a_single_device() -> None:
    assert load_imbalance(1, 1, 1) == 0
    assert expected_deviation(1, 1, 2.0) == 0
    assert error_of_honest_mean(1, 1, 1, 2.0) == 0
    assert dispersion(1, 1, 1, 2.0) == 0
