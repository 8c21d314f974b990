import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.aggregation._cliques import Conflicts


def first_clique_by_looking(matrix: NDArray[np.bool_], size: int) -> list[int] | None:
    for subset in itertools.combinations(range(len(matrix)), size):
        if not any(matrix[i, j] for i, j in itertools.combinations(subset, 2)):
            return list(subset)
    return None


def graph(n: int, density: float, seed: int) -> NDArray[np.bool_]:
    upper = np.triu(fresh_rng(seed).random((n, n)) < density, 1)
    return upper | upper.T


@pytest.mark.parametrize("density", [0.05, 0.2, 0.4, 0.7, 1.0])
def test_finds_the_first_clique_of_every_size(density: float) -> None:
    for seed in range(20):
        n = 2 + seed % 9
        matrix = graph(n, density, seed)
        conflicts = Conflicts(matrix)

        for size in range(1, n + 1):
            assert conflicts.first_clique(size) == first_clique_by_looking(matrix, size)


@pytest.mark.parametrize("density", [0.05, 0.2, 0.4, 0.7, 1.0])
def test_covers_all_conflicts_with_as_few_as_can_be(density: float) -> None:
    for seed in range(20):
        n = 2 + seed % 9
        matrix = graph(n, density, seed)
        largest = max(s for s in range(1, n + 1) if first_clique_by_looking(matrix, s))

        cover = Conflicts(matrix).cover(n - largest)

        assert cover is not None
        left = [vertex for vertex in range(n) if not cover >> vertex & 1]
        assert not matrix[np.ix_(left, left)].any()
        assert Conflicts(matrix).cover(n - largest - 1) is None


@pytest.mark.parametrize("sizes", [(3,), (4,), (5, 5), (3, 4, 7), (2, 9)])
def test_covers_rings(sizes: tuple[int, ...]) -> None:
    matrix = np.zeros((sum(sizes), sum(sizes)), dtype=bool)
    for start, size in zip(np.cumsum((0, *sizes)), sizes, strict=False):
        for step in range(size):
            i, j = start + step, start + (step + 1) % size
            matrix[i, j] = matrix[j, i] = True
    least = sum((size + 1) // 2 if size > 2 else 1 for size in sizes)

    assert Conflicts(matrix).cover(least) is not None
    assert Conflicts(matrix).cover(least - 1) is None


def test_does_not_mind_a_full_diagonal() -> None:
    assert Conflicts(np.eye(4, dtype=bool)).first_clique(4) == [0, 1, 2, 3]
