from dataclasses import replace

import numpy as np
import pytest
from attack_samples import regression_view, view_of
from numpy.typing import NDArray
from samples import fresh_rng

from comlad.attacks import LabelFlip
from comlad.errors import ConfigError
from comlad.problems import Data, LinearRegression, Objective, SoftmaxRegression


def test_computes_gradients_on_targets_of_the_other_sign() -> None:
    problem, view = LinearRegression(dimension=5), regression_view()
    data = problem.load(7, 0)
    targets = -data.train["targets"].astype(np.float64)
    flipped = problem.objective(Data({**data.train, "targets": targets}))

    vector = LabelFlip()(view)

    expected = np.zeros(5)
    for offset in range(2):
        subset = view.permutation[(view.task + offset) % 7]
        expected += flipped.gradients(view.model, np.array([subset]))[0] / 2
    assert vector == pytest.approx(expected, rel=1e-12)


def test_computes_gradients_on_the_opposite_class() -> None:
    problem = SoftmaxRegression()
    data = problem.load(7, 0)
    objective = problem.objective(data)
    labels = data.train["labels"]
    flipped = problem.objective(Data({**data.train, "labels": 9 - labels}))
    model = fresh_rng().normal(0, 0.1, objective.dimension)
    view = view_of(np.zeros((7, 1)), 3, objective=objective, model=model)

    vector = LabelFlip()(view)

    assert set(labels.tolist()) == set(range(10))
    assert vector.tobytes() == flipped.gradients(model, np.array([3]))[0].tobytes()


def test_keeps_the_classes_where_the_first_does_not_occur() -> None:
    problem = SoftmaxRegression()
    train = problem.load(7, 0).train
    later = Data({**train, "labels": np.maximum(train["labels"].astype(np.int64), 1)})
    objective = problem.objective(later)

    flipped = objective.with_flipped_labels()

    assert flipped.dimension == objective.dimension
    assert flipped.labels.max() == 8
    assert objective.labels.max() == 9


def test_leaves_the_data_alone() -> None:
    view = regression_view()
    before = view.objective.gradients(view.model, np.arange(7)).tobytes()

    LabelFlip()(view)

    assert view.objective.gradients(view.model, np.arange(7)).tobytes() == before


def test_flips_the_labels_once_for_all_liars_of_a_process() -> None:
    view = regression_view()
    asked = []

    class Counting:
        dimension = 5
        gradients = view.objective.gradients
        loss = view.objective.loss
        accuracy = view.objective.accuracy

        def with_flipped_labels(self) -> Objective:
            asked.append(1)
            return view.objective

    one = replace(view, objective=Counting())
    for liar in (one, replace(one, task=2)):
        LabelFlip()(liar)

    assert asked == [1]


def test_says_so_where_there_are_no_labels() -> None:
    class Unlabelled:
        dimension = 2

        def gradients(
            self, model: NDArray[np.float64], subsets: NDArray[np.intp]
        ) -> NDArray[np.float64]:
            return np.ones((len(subsets), 2))

        def loss(self, model: NDArray[np.float64]) -> float:
            return 0.0

        def accuracy(self, model: NDArray[np.float64]) -> float | None:
            return None

    with pytest.raises(ConfigError, match=r"^label-flip: the problem says of no labels"):
        LabelFlip()(view_of(np.zeros((3, 2)), objective=Unlabelled()))
