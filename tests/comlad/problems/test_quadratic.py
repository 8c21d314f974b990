import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.errors import ConfigError
from comlad.problems import Data, Objective, Quadratic

ALL = np.arange(5)


def objective_of(dimension: int, subsets: int = 5, **parameters: Any) -> Objective:
    problem = Quadratic(dimension, **parameters)
    return problem.objective(problem.load(subsets, seed=1))


def centres_of(objective: Objective, subsets: int = 5) -> NDArray[np.float64]:
    """Read off the gradients, which at 0 are −a_q c_kq; of curvature 1."""
    return -objective.gradients(np.zeros(objective.dimension), np.arange(subsets))


@pytest.mark.parametrize("subsets", [3, 4, 5, 100])
def test_has_centres_of_the_mean_square_deviation_asked_for_in_every_coordinate(
    subsets: int,
) -> None:
    centres = centres_of(objective_of(300, subsets, heterogeneity=0.7), subsets)

    deviations = centres - centres.mean(axis=0)

    assert (deviations**2).mean(axis=0) == pytest.approx(np.full(300, 0.49))


def test_is_least_at_the_mean_of_the_centres() -> None:
    objective = objective_of(300, condition=20.0)
    mean = centres_of(objective_of(300)).mean(axis=0)

    assert objective.gradients(mean, ALL).sum(axis=0) == pytest.approx(np.zeros(300), abs=1e-13)


def test_does_not_differ_between_subsets_without_heterogeneity() -> None:
    centres = centres_of(objective_of(30, heterogeneity=0.0))

    assert (centres == centres[0]).all()


def test_spaces_the_curvatures_geometrically() -> None:
    objective = objective_of(4, condition=1000.0)

    difference = np.diff(
        [objective.gradients(np.full(4, level), ALL)[0] for level in (0.0, 1.0)], axis=0
    )

    assert difference[0] == pytest.approx([1, 0.1, 0.01, 0.001])


@pytest.mark.parametrize("condition", [1.0, 30.0])
def test_has_the_sum_over_the_subsets_as_its_loss(condition: float) -> None:
    # More than one block, and a part of one.
    dimension = 20_000
    objective = objective_of(dimension, condition=condition)
    centres = centres_of(objective_of(dimension))
    curvatures = condition ** -np.linspace(0, 1, dimension)
    model = fresh_rng(2).normal(0, 1, dimension)

    plain = sum(float((curvatures * (model - centre) ** 2).sum()) / 2 for centre in centres)

    assert objective.loss(model) == pytest.approx(plain, rel=1e-12)


def test_does_not_give_the_runs_seed_away() -> None:
    train = Quadratic(data_seed=7).load(5, seed=3).train

    assert not {3, 7} & {int(word) for word in train["key"].tolist()}


def test_sends_a_few_bytes_whatever_its_size() -> None:
    train = Quadratic(10**7).load(5, seed=3).train

    assert sum(array.nbytes for array in train.values()) == 24


def test_measures_a_loss_without_a_copy_of_the_model() -> None:
    objective = objective_of(10**6)
    model = np.ones(10**6)

    tracemalloc.start()
    try:
        objective.loss(model)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < model.nbytes / 10


def test_holds_three_models_to_give_gradients() -> None:
    tracemalloc.start()
    try:
        objective = objective_of(10**6)
        objective.gradients(np.ones(10**6), np.array([3]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 5.1 * 8e6  # and the gradient, and the model


@pytest.mark.parametrize("subsets", [1, 2])
def test_refuses_so_few_subsets_that_their_mean_is_another(subsets: int) -> None:
    with pytest.raises(ConfigError, match=rf"devices.count = {subsets}: must be at least 3"):
        Quadratic().load(subsets, seed=1)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"dimension": 0}, "dimension = 0: must be at least 1"),
        ({"dimension": 2**31}, "dimension = 2147483648: must be less than"),
        ({"heterogeneity": -1.0}, "heterogeneity = -1.0: must be a number from 0 up"),
        ({"heterogeneity": float("nan")}, "heterogeneity = nan: must be a number"),
        ({"condition": 0.5}, "condition = 0.5: must be a number from 1 up"),
        ({"condition": float("inf")}, "condition = inf: must be a number from 1 up"),
    ],
)
def test_refuses_impossible_numbers(parameters: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Quadratic(**parameters)


@pytest.mark.parametrize(
    ("key", "subsets"),
    [
        ([1], [5]),
        ([1, -2], [5]),
        ([1, 2], [2]),
        ([1, 2], [5, 5]),
        ([1.0, np.nan], [5]),
        ([1, 2], [np.inf]),
    ],
)
def test_refuses_data_that_is_of_another_problem(key: list[Any], subsets: list[Any]) -> None:
    with pytest.raises(ConfigError, match="must be two whole numbers from 0 and one from 3 up"):
        Quadratic().objective(Data({"key": np.array(key), "subsets": np.array(subsets)}))
