from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.errors import ConfigError
from comlad.problems import Data, LeastSquares

PROBLEM = LeastSquares(samples=30, dimension=50)
DATA = PROBLEM.load(4, seed=1)
OBJECTIVE = PROBLEM.objective(DATA)
ALL = np.arange(4)


def features_of(data: Data) -> NDArray[np.float64]:
    return np.asarray(data.train["features"], np.float64)


def loss_gradient(model: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(OBJECTIVE.gradients(model, ALL).mean(axis=0))


def constants() -> tuple[float, float]:
    """The µ and L of the docstring."""
    features = features_of(DATA)
    eigenvalues = np.linalg.eigvalsh(features @ features.T)
    return float(eigenvalues[0]) / 30, float(eigenvalues[-1]) / 30


def solution() -> NDArray[np.float64]:
    targets = np.asarray(DATA.train["targets"], np.float64)
    return np.asarray(np.linalg.lstsq(features_of(DATA), targets)[0])


def points() -> list[NDArray[np.float64]]:
    return [scale * fresh_rng(seed).normal(0, 1, 50) for seed in range(20) for scale in (0.1, 10)]


class TestPolyakLojasiewicz:
    """Karimi, Nutini & Schmidt (2016), Section 2.3: least squares without full rank."""

    def test_holds_with_the_constant_of_the_docstring(self) -> None:
        mu, _ = constants()

        for model in points():
            assert (loss_gradient(model) ** 2).sum() / 2 >= mu * OBJECTIVE.loss(model)

    def test_holds_with_no_larger_constant(self) -> None:
        mu, _ = constants()
        features = features_of(DATA)
        weakest = features.T @ np.linalg.eigh(features @ features.T)[1][:, 0]

        model = solution() + weakest

        squares = (loss_gradient(model) ** 2).sum()
        assert squares / 2 == pytest.approx(mu * OBJECTIVE.loss(model))

    def test_goes_with_the_smoothness_of_the_docstring(self) -> None:
        _, smoothness = constants()

        for model in points():
            bound = 2 * smoothness * OBJECTIVE.loss(model)
            assert (loss_gradient(model) ** 2).sum() <= bound * (1 + 1e-12)

    def test_does_not_go_with_strong_convexity(self) -> None:
        features = features_of(DATA)
        *_, kernel = np.linalg.svd(features)[2]

        for model in points():
            assert OBJECTIVE.loss(model + kernel) == pytest.approx(OBJECTIVE.loss(model))

    def test_brings_gradient_descent_to_a_loss_of_0(self) -> None:
        mu, smoothness = constants()
        model = np.zeros(50)
        first = OBJECTIVE.loss(model)

        for _ in range(100):
            model = model - loss_gradient(model) / smoothness

        assert OBJECTIVE.loss(model) <= first * (1 - mu / smoothness) ** 100


def test_has_a_solution_that_every_subset_shares() -> None:
    model = solution()

    assert OBJECTIVE.loss(model) == pytest.approx(0, abs=1e-25)
    assert OBJECTIVE.gradients(model, ALL) == pytest.approx(0, abs=1e-12)


def test_has_subsets_that_differ_elsewhere() -> None:
    gradients = OBJECTIVE.gradients(np.zeros(50), ALL)

    assert np.abs(gradients - gradients.mean(axis=0)).max() > 0.1


def test_has_rows_of_norm_about_1() -> None:
    features = features_of(LeastSquares().load(10, 0))

    assert features.shape == (200, 400)
    assert np.linalg.norm(features, axis=1) == pytest.approx(np.ones(200), abs=0.2)


def test_has_the_constants_that_random_matrices_are_known_for() -> None:
    features = features_of(LeastSquares().load(10, 0))

    eigenvalues = np.linalg.eigvalsh(features @ features.T)

    expected = (1 + np.array([-1, 1]) * np.sqrt(200 / 400)) ** 2
    assert eigenvalues[[0, -1]] == pytest.approx(expected, rel=0.15)


def test_makes_targets_of_one_model_where_subsets_do_not_differ() -> None:
    problem = LeastSquares(samples=30, dimension=50, heterogeneity=0)

    same, different = (part.load(4, seed=1).train for part in (problem, PROBLEM))

    assert same["features"].tobytes() == different["features"].tobytes()
    assert np.abs(np.asarray(same["targets"]) - np.asarray(different["targets"])).max() > 0.1


@pytest.mark.parametrize("subsets", [1, 4, 7, 30])
def test_divides_the_samples_evenly(subsets: int) -> None:
    sizes = PROBLEM.load(subsets, 0).train["sizes"]

    assert sizes.sum() == 30
    assert sizes.max() - sizes.min() <= 1


def test_has_the_gradient_of_the_formula() -> None:
    train = {
        "features": np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]),
        "targets": np.array([4.0, 1.0]),
        "sizes": np.array([0, 2]),
    }
    objective = PROBLEM.objective(Data(train))

    gradients = objective.gradients(np.array([3.0, 1.0, 2.0]), np.array([0, 1]))

    assert gradients.tolist() == [[0.0, 0.0, 0.0], [1.0, 4.0, 2.0]]
    assert objective.loss(np.array([3.0, 1.0, 2.0])) == (1 + 4) / 4


def test_has_no_accuracy() -> None:
    assert OBJECTIVE.accuracy(np.zeros(50)) is None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"samples": 0}, "samples = 0: must be at least 1"),
        ({"samples": 400}, "dimension = 400: must be more than samples, 400, or the least loss"),
        ({"dimension": 200}, "dimension = 200: must be more than samples, 200, or the least loss"),
        ({"dimension": 2**31}, "dimension = 2147483648: must be less than 2^31"),
        ({"heterogeneity": -0.1}, "heterogeneity = -0.1: must be a number from 0 up"),
        ({"heterogeneity": float("nan")}, "heterogeneity = nan: must be a number from 0 up"),
        ({"heterogeneity": float("inf")}, "heterogeneity = inf: must be a number from 0 up"),
    ],
)
def test_refuses_parameters_that_cannot_be(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LeastSquares(**parameters)

    assert str(caught.value).startswith(message)


def test_refuses_more_devices_than_samples() -> None:
    with pytest.raises(
        ConfigError, match=r"^samples = 30: must be at least 31, one for each device$"
    ):
        PROBLEM.load(31, 0)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"features": np.ones(3)},
        {"features": np.ones((4, 2))},
        {"features": np.ones((3, 0))},
        {"targets": np.ones(2)},
        {"targets": np.ones((3, 1))},
        {"sizes": np.array([1, 1])},
        {"sizes": np.array([4, -1])},
        {"sizes": np.array([1.0, 2.0])},
        {"sizes": np.array(3)},
        {"sizes": np.zeros(0, int)},
        {"sizes": np.array([2**63 - 1, 2**63 - 1, 5])},
    ],
)
def test_refuses_arrays_that_do_not_fit(spoilt: dict[str, Any]) -> None:
    good = {"features": np.ones((3, 4)), "targets": np.ones(3), "sizes": np.array([2, 1])}

    with pytest.raises(ConfigError):
        PROBLEM.objective(Data(good | spoilt))
