import numpy as np
import pytest
from numpy.typing import NDArray
from samples import context, fresh_rng

from comlad.aggregation import GeometricMedian
from comlad.errors import ConfigError


def weiszfeld_by_loops(
    vectors: NDArray[np.float64], steps: int, smoothing: float, start: NDArray[np.float64]
) -> NDArray[np.float64]:
    z = start
    for _ in range(steps):
        weights = [1 / max(smoothing, float(np.linalg.norm(vector - z))) for vector in vectors]
        z = sum(w * vector for w, vector in zip(weights, vectors, strict=True)) / sum(weights)
    return z


def pull(vectors: NDArray[np.float64], z: NDArray[np.float64]) -> float:
    """The length of Σ (x_i − z)/‖x_i − z‖, which is 0 at the geometric median."""
    towards = vectors - z
    return float(np.linalg.norm((towards / np.linalg.norm(towards, axis=1)[:, None]).sum(axis=0)))


@pytest.mark.parametrize("n", [1, 2, 5, 30])
@pytest.mark.parametrize("dimension", [1, 7, 300])
@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_agrees_with_loops(n: int, dimension: int, steps: int) -> None:
    vectors = fresh_rng(n).normal(3, 2, (n, dimension))
    zero, median = np.zeros(dimension), np.median(vectors, axis=0)

    from_zero = GeometricMedian(steps, 0.1, "zero")(vectors, context(0))
    from_median = GeometricMedian(steps, 0.1)(vectors, context(0))

    loops = weiszfeld_by_loops(vectors, steps, 0.1, zero)
    assert from_zero == pytest.approx(loops, rel=1e-12, abs=1e-13)
    loops = weiszfeld_by_loops(vectors, steps, 0.1, median)
    assert from_median == pytest.approx(loops, rel=1e-12, abs=1e-13)


def test_is_the_one_in_the_middle_of_a_line() -> None:
    vectors = np.array([[0.0, 0], [1, 1], [9, 9]])

    assert GeometricMedian()(vectors, context(1)) == pytest.approx([1, 1], rel=1e-5)


def test_is_fermat_s_point_of_a_triangle() -> None:
    # All sides are seen from it under 120°.
    vectors = np.array([[0.0, 0], [3, 0], [0, 3]])

    point = GeometricMedian()(vectors, context(1))

    assert point == pytest.approx([3 / (3 + 3**0.5)] * 2, rel=1e-9)


@pytest.mark.parametrize("start", ["zero", "median"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_is_pulled_nowhere(start: str, offset: float) -> None:
    for seed in range(5):
        vectors = offset + fresh_rng(seed).standard_t(2, (20, 6))

        point = GeometricMedian(start=start)(vectors, context(5))  # type: ignore[arg-type]

        assert pull(vectors, point) < 1e-6


def test_is_not_held_by_a_vector_at_the_start() -> None:
    # (1, 1) is the coordinate-wise median, but sees the others under less than 120°.
    vectors = np.array([[0.0, 0.7], [1, 1], [1.3, 3]])

    point = GeometricMedian()(vectors, context(1))

    assert np.linalg.norm(point - [1, 1]) > 0.01
    assert pull(vectors, point) < 1e-6


def test_is_exactly_what_most_say() -> None:
    vector = fresh_rng().normal(0, 1, 8)
    vectors = np.vstack([np.tile(vector, (5, 1)), fresh_rng(1).normal(0, 1e9, (4, 8))])

    assert (GeometricMedian()(vectors, context(4)) == vector).all()


def test_is_near_what_most_say_if_it_is_told_to_smooth() -> None:
    vectors = np.array([[1.0], [1], [1], [4], [6]])

    aggregate = GeometricMedian(3, 0.1, "zero")(vectors, context(2))

    assert aggregate == pytest.approx(weiszfeld_by_loops(vectors, 3, 0.1, np.zeros(1)), rel=1e-12)
    assert aggregate[0] > 1.01


def test_is_pulled_by_a_huge_liar_as_by_any_other() -> None:
    honest = fresh_rng().normal(0, 1, (9, 5))
    far = np.array([1.0, -2, 0, 1, 3])

    near = GeometricMedian()(np.vstack([honest, 1e9 * far]), context(1))

    for scale in (1e30, 1e100, 1e149):
        vectors = np.vstack([honest, scale * far])
        assert GeometricMedian()(vectors, context(1)) == pytest.approx(near, rel=1e-7)


@pytest.mark.parametrize("lie", [1e154, -1e200, np.finfo(np.float64).max])
def test_is_not_pulled_by_what_is_beyond_reach(lie: float) -> None:
    honest = fresh_rng().normal(0, 1, (9, 5))
    vectors = np.vstack([honest, np.full((2, 5), lie)])

    for start in ("zero", "median"):
        rule = GeometricMedian(start=start)
        assert rule(vectors, context(2)) == pytest.approx(rule(honest, context(0)), rel=1e-5)


def test_refuses_a_round_where_most_is_beyond_reach() -> None:
    vectors = 1e200 * fresh_rng().normal(0, 1, (5, 2))

    with pytest.raises(ConfigError, match="the squares of most vectors"):
        GeometricMedian(smoothing=1.0)(vectors, context(1))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"iterations": 0}, r"^iterations = 0: "),
        ({"smoothing": 0.0}, r"^smoothing = 0\.0: must be a positive number$"),
        ({"smoothing": np.inf}, r"^smoothing = inf: must be a positive number$"),
    ],
)
def test_refuses_what_cannot_be(parameters: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GeometricMedian(**parameters)  # type: ignore[arg-type]


def test_has_the_kappa_of_the_exact_one_only() -> None:
    assert GeometricMedian().kappa(100, 20) == pytest.approx(64 / 9)
    assert GeometricMedian(iterations=3).kappa(100, 20) == np.inf
    assert GeometricMedian(smoothing=0.1).kappa(100, 20) == np.inf
    assert GeometricMedian(start="zero").kappa(100, 20) == np.inf
