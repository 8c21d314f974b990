import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import CenteredClipping, Context
from comlad.errors import ConfigError


def clip_by_loops(
    vectors: NDArray[np.float64], center: NDArray[np.float64], radius: float | None, steps: int
) -> NDArray[np.float64]:
    for _ in range(steps):
        lengths = [float(np.linalg.norm(vector - center)) for vector in vectors]
        limit = float(np.median(lengths)) if radius is None else radius
        step = np.zeros_like(center)
        for vector, length in zip(vectors, lengths, strict=True):
            step += (vector - center) * min(1, limit / max(length, 1e-300)) / len(vectors)
        center = center + step
    return center


@pytest.mark.parametrize("radius", [None, 0.5, 100.0])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize(("n", "dimension"), [(1, 4), (2, 1), (9, 7), (100, 40)])
def test_agrees_with_loops(radius: float | None, steps: int, n: int, dimension: int) -> None:
    vectors = fresh_rng(n).normal(3, 2, (n, dimension))
    before = fresh_rng(1).normal(3, 1, dimension)
    rule = CenteredClipping(radius, steps)

    first = rule(vectors, context(0))
    second = rule(vectors, Context(0, fresh_rng(), previous=before))

    loops = clip_by_loops(vectors, np.zeros(dimension), radius, steps)
    assert first == pytest.approx(loops, rel=1e-12)
    assert second == pytest.approx(clip_by_loops(vectors, before, radius, steps), rel=1e-12)


def test_moves_each_vector_s_share_by_no_more_than_the_radius() -> None:
    vectors = np.array([[1.0], [100]])

    assert CenteredClipping(radius=2.0, iterations=1)(vectors, context(0)) == pytest.approx([1.5])
    assert CenteredClipping(radius=2.0, iterations=2)(vectors, context(0)) == pytest.approx([2.25])


def test_clips_to_the_median_distance_if_no_radius_is_given() -> None:
    # 1, 2 and 10 are that far from 0, and 10 counts as 2.
    vectors = np.array([[1.0], [-2], [10]])

    assert CenteredClipping(iterations=1)(vectors, context(1)) == pytest.approx([1 / 3])


def test_does_not_depend_on_the_scale_if_no_radius_is_given() -> None:
    vectors = fresh_rng().normal(1, 1, (9, 4))
    rule = CenteredClipping()

    assert rule(1e-9 * vectors, context(2)) == pytest.approx(1e-9 * rule(vectors, context(2)))


@pytest.mark.parametrize("lie", [1e30, 1e154, -1e200, np.finfo(np.float64).max])
def test_is_not_moved_by_huge_liars(lie: float) -> None:
    honest = fresh_rng().normal(1, 1, (9, 5))
    vectors = np.vstack([honest, np.full((2, 5), lie)])

    for rule in (CenteredClipping(), CenteredClipping(3.0)):
        moved = np.linalg.norm(rule(vectors, context(2)) - rule(honest, context(0)))
        assert moved < np.linalg.norm(honest, axis=1).max()


def test_stays_where_most_vectors_are() -> None:
    vectors = np.array([[2.0, 1]] * 3 + [[5, 5], [1e9, 0]])
    told = Context(2, fresh_rng(), previous=np.array([2.0, 1]))

    assert CenteredClipping()(vectors, told).tolist() == [2, 1]


def test_leaves_what_came_of_the_round_before_alone() -> None:
    before = np.ones(3)

    CenteredClipping()(fresh_rng().normal(0, 1, (5, 3)), Context(0, fresh_rng(), previous=before))

    assert before.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [({"radius": 0.0}, r"^radius = 0\.0: "), ({"iterations": 0}, r"^iterations = 0: ")],
)
def test_refuses_what_cannot_be(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CenteredClipping(**parameters)  # type: ignore[arg-type]
