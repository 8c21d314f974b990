import numpy as np
import pytest
from attack_samples import regression_view, view_of
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.attacks import Pool


def pool_of(vectors: NDArray[np.float64]) -> Pool:
    return Pool(lambda: vectors)


@pytest.fixture
def vectors() -> NDArray[np.float64]:
    return fresh_rng().normal(3, 2, (9, 40_000))  # several blocks of columns


def test_has_the_coded_vector_of_every_task() -> None:
    view = regression_view()

    for task in range(7):
        subsets = [view.permutation[(task + k) % 7] for k in range(2)]
        gradients = view.objective.gradients(view.model, np.array(sorted(subsets)))
        expected = (gradients[0] + gradients[1]) / 2
        assert view.pool.vectors[task].tobytes() == expected.tobytes()


def test_has_the_device_s_own_vector_to_the_bit() -> None:
    for task in range(7):
        view = regression_view(task)
        assert view.pool.vectors[task].tobytes() == view.honest.tobytes()


def test_has_moments_like_plain_loops(vectors: NDArray[np.float64]) -> None:
    pool = pool_of(vectors)
    mean = sum(vectors) / 9
    variance = sum((vector - mean) ** 2 for vector in vectors) / 8

    assert pool.mean == pytest.approx(mean, rel=1e-14)
    assert pool.deviation == pytest.approx(np.sqrt(variance), rel=1e-14)
    for j, vector in enumerate(vectors):
        assert pool.norms[j] == pytest.approx(np.linalg.norm(vector), rel=1e-13)
        assert pool.squares[j] == pytest.approx(((vector - mean) ** 2).sum(), rel=1e-13)
        for i in range(9):
            product = (vectors[i] - mean) @ (vector - mean)
            assert pool.gram[i, j] == pytest.approx(product, rel=1e-9, abs=1e-6)


def test_combines_like_plain_loops(vectors: NDArray[np.float64]) -> None:
    pool, rng = pool_of(vectors), fresh_rng(1)
    direction, weights = rng.normal(0, 1, 40_000), rng.normal(0, 1, 9)
    centred = vectors - sum(vectors) / 9

    along, combined = pool.along(direction), pool.combine(weights)

    assert along == pytest.approx([row @ direction for row in centred], rel=1e-9)
    expected = sum(w * row for w, row in zip(weights, centred, strict=True))
    assert combined == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_keeps_small_differences_of_large_vectors() -> None:
    """Where ‖c_i‖² + ‖c_j‖² − 2⟨c_i, c_j⟩ would have no digit left."""
    pool = pool_of(np.array([[1e9], [1e9 + 1], [1e9 + 2]]))

    assert pool.squares == pytest.approx([1, 0, 1])
    assert pool.gram.diagonal() == pytest.approx([1, 0, 1])
    assert pool.deviation == pytest.approx([1])


def test_is_computed_when_first_asked_for_and_once() -> None:
    calls = []

    def compute() -> NDArray[np.float64]:
        calls.append(1)
        return np.ones((3, 2))

    pool = Pool(compute)
    assert calls == []
    _ = pool.mean, pool.deviation, pool.vectors, pool.gram

    assert calls == [1]


def test_answers_a_question_once_for_each_key() -> None:
    pool, calls = pool_of(np.ones((3, 2))), []

    def count() -> int:
        calls.append(1)
        return len(calls)

    assert [pool.once(key, count) for key in ("a", "b", "a")] == [1, 2, 1]


@pytest.mark.parametrize("name", ["vectors", "mean", "deviation", "gram", "squares", "norms"])
def test_cannot_be_written_to(name: str) -> None:
    array = getattr(view_of(np.ones((3, 2))).pool, name)

    with pytest.raises(ValueError, match="read-only"):
        array += 1
