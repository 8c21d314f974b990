"""What every problem promises."""

from functools import cache
from typing import Any, Protocol, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng, name_of

from comlad.errors import ConfigError
from comlad.problems import PROBLEMS, Data, FlipsLabels, Objective, Samples
from comlad.wire import decode_dataset, encode_dataset

# With the unit of the loss: how many times it is F, the sum of the f_k.
N = 6
SAMPLES: list[tuple[dict[str, Any], float]] = [
    ({"kind": "least-squares", "samples": 20, "dimension": 31}, 1 / N),
    ({"kind": "least-squares", "samples": 6, "dimension": 7, "heterogeneity": 0}, 1 / N),
    ({"kind": "linear-regression", "dimension": 7}, 1),
    ({"kind": "linear-regression", "dimension": 1, "heterogeneity": 0}, 1),
    ({"kind": "logistic-regression"}, 1 / N),
    (
        {
            "kind": "logistic-regression",
            "regularizer": "non-convex",
            "regularization": 0.1,
            "split": "dirichlet",
            "alpha": 5.0,
            "bias": True,
        },
        1 / N,
    ),
    (
        {"kind": "logistic-regression", "data": "digits", "split": "iid", "unit_rows": False},
        1 / N,
    ),
    ({"kind": "quadratic", "dimension": 9, "condition": 50.0}, 1),
    ({"kind": "quadratic", "dimension": 1, "heterogeneity": 0}, 1),
    ({"kind": "softmax-regression"}, 1 / N),
    ({"kind": "softmax-regression", "split": "dirichlet", "alpha": 5.0}, 1 / N),
    ({"kind": "softmax-regression", "split": "iid", "held_out": 0.5, "data_seed": 3}, 1 / N),
]
TABLES = [table for table, _ in SAMPLES]
SAMPLED = [table for table in TABLES if table["kind"] != "quadratic"]


def load(table: dict[str, Any], seed: int = 4) -> Data:
    return _load(tuple(table.items()), seed)


@cache
def _load(items: tuple[tuple[str, Any], ...], seed: int) -> Data:
    return PROBLEMS.read(dict(items)).load(N, seed)


def objective_of(table: dict[str, Any]) -> Objective:
    return PROBLEMS.read(table).objective(load(table))


def somewhere(objective: Objective, seed: int = 0) -> NDArray[np.float64]:
    return fresh_rng(seed).normal(0, 0.5, objective.dimension)


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in TABLES} == set(PROBLEMS.own)


@pytest.mark.parametrize("table", TABLES, ids=name_of)
class TestEveryProblem:
    def test_gives_a_gradient_for_each_subset_asked_for(self, table: dict[str, Any]) -> None:
        objective = objective_of(table)

        gradients = objective.gradients(somewhere(objective), np.array([2, 0, 2]))

        assert gradients.shape == (3, objective.dimension)
        assert gradients.dtype == np.float64
        assert gradients[0].tobytes() == gradients[2].tobytes()

    @pytest.mark.parametrize("subsets", [[0], [3, 1], [5, 4, 3, 2, 1, 0], [1, 1, 1, 4]])
    def test_gives_the_same_bits_whichever_others_are_asked_for(
        self, table: dict[str, Any], subsets: list[int]
    ) -> None:
        objective = objective_of(table)
        model = somewhere(objective)

        together = objective.gradients(model, np.array(subsets))

        for row, subset in zip(together, subsets, strict=True):
            (alone,) = objective.gradients(model, np.array([subset]))
            assert row.tobytes() == alone.tobytes()

    def test_leaves_the_model_alone(self, table: dict[str, Any]) -> None:
        objective = objective_of(table)
        model = somewhere(objective)
        model.flags.writeable = False

        objective.gradients(model, np.arange(N))
        objective.loss(model)
        objective.accuracy(model)

        assert model.tobytes() == somewhere(objective).tobytes()

    def test_leaves_the_data_alone(self, table: dict[str, Any]) -> None:
        objective = objective_of(table)
        before = objective.gradients(somewhere(objective), np.arange(N)).tobytes()

        objective.gradients(somewhere(objective, seed=1), np.arange(N))

        assert objective.gradients(somewhere(objective), np.arange(N)).tobytes() == before

    def test_loads_the_same_data_from_the_same_seed(self, table: dict[str, Any]) -> None:
        first, second = (PROBLEMS.read(table).load(N, 4) for _ in range(2))

        for name, array in first.train.items():
            assert array.tobytes() == second.train[name].tobytes()

    def test_loads_other_data_from_another_seed(self, table: dict[str, Any]) -> None:
        given = table | {"data_seed": 1}

        other = table | {"data_seed": 2}

        assert differ(load(given), load(other))

    def test_prefers_the_datas_own_seed(self, table: dict[str, Any]) -> None:
        given = table | {"data_seed": 9}

        assert not differ(load(given, seed=1), load(given, seed=2))

    def test_computes_the_same_bits_from_data_that_has_travelled(
        self, table: dict[str, Any]
    ) -> None:
        objective, encoded = objective_of(table), encode_dataset(load(table).train)

        arrived = Data(decode_dataset(encoded.data, encoded.sha256))

        there = PROBLEMS.read(table).objective(arrived)
        model = somewhere(objective)
        here = objective.gradients(model, np.arange(N))
        assert there.gradients(model, np.arange(N)).tobytes() == here.tobytes()

    def test_refuses_data_that_is_not_there(self, table: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="without an array"):
            PROBLEMS.read(table).objective(Data({}))

    def test_refuses_an_impossible_seed(self, table: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="data_seed = -1: must be at least 0"):
            PROBLEMS.read(table | {"data_seed": -1})

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        problem = PROBLEMS.read(table)

        assert PROBLEMS.read(PROBLEMS.write(problem)) == problem


@pytest.mark.parametrize("table", TABLES, ids=name_of)
def test_has_samples_unless_it_is_a_quadratic(table: dict[str, Any]) -> None:
    assert isinstance(objective_of(table), Samples) == (table in SAMPLED)


@pytest.mark.parametrize("table", SAMPLED, ids=name_of)
class TestSamples:
    """What every objective promises whose f_k are sums over samples."""

    def test_are_counted_for_each_subset(self, table: dict[str, Any]) -> None:
        sizes = sampled(table).sizes

        assert sizes.shape == (N,)
        assert sizes.min() >= 1

    @pytest.mark.parametrize("most", [1, 2, 5, 40])
    def test_give_the_same_bits_whichever_others_are_asked_for(
        self, table: dict[str, Any], most: int
    ) -> None:
        objective = sampled(table)
        model, rng = somewhere(objective), fresh_rng(most)
        subsets = rng.integers(N, size=9)
        samples = [rng.integers(objective.sizes[k], size=rng.integers(most) + 1) for k in subsets]

        together = objective.sampled_gradients(model, subsets, samples)

        assert together.shape == (9, objective.dimension)
        for row, subset, chosen in zip(together, subsets, samples, strict=True):
            (alone,) = objective.sampled_gradients(model, np.array([subset]), [chosen])
            assert row.tobytes() == alone.tobytes()

    @pytest.mark.parametrize("count", [1, 3])
    def test_give_the_same_bits_among_as_many_as_among_more(
        self, table: dict[str, Any], count: int
    ) -> None:
        objective = sampled(table)
        model, subsets = somewhere(objective), np.array([1, 4, 4])
        alike = [np.arange(count) % objective.sizes[k] for k in subsets]
        longer = np.zeros(7, np.intp)

        among_more = objective.sampled_gradients(model, np.append(subsets, 2), [*alike, longer])

        among_as_many = objective.sampled_gradients(model, subsets, alike)
        assert among_more[:3].tobytes() == among_as_many.tobytes()

    def test_are_together_worth_the_gradient(self, table: dict[str, Any]) -> None:
        objective = sampled(table)
        model, everything = somewhere(objective), [np.arange(size) for size in objective.sizes]

        estimates = objective.sampled_gradients(model, np.arange(N), everything)

        assert estimates == pytest.approx(objective.gradients(model, np.arange(N)), abs=1e-11)

    def test_are_each_worth_the_gradient_on_average(self, table: dict[str, Any]) -> None:
        objective = sampled(table)
        model, subset = somewhere(objective), 2
        singles = [np.array([sample]) for sample in range(objective.sizes[subset])]

        estimates = objective.sampled_gradients(model, np.full(len(singles), subset), singles)

        (gradient,) = objective.gradients(model, np.array([subset]))
        assert estimates.mean(axis=0) == pytest.approx(gradient, abs=1e-11)

    def test_count_as_often_as_they_are_drawn(self, table: dict[str, Any]) -> None:
        objective = sampled(table)
        model, last = somewhere(objective), int(objective.sizes[3]) - 1
        singles = [np.array([0]), np.array([last])]

        (mean,) = objective.sampled_gradients(model, np.array([3]), [np.array([0, last, last])])

        first, other = objective.sampled_gradients(model, np.array([3, 3]), singles)
        assert mean == pytest.approx((first + 2 * other) / 3, abs=1e-11)

    def test_need_not_be_of_any_subset(self, table: dict[str, Any]) -> None:
        objective = sampled(table)

        estimates = objective.sampled_gradients(somewhere(objective), np.zeros(0, np.intp), [])

        assert estimates.shape == (0, objective.dimension)

    def test_are_left_alone_with_the_model(self, table: dict[str, Any]) -> None:
        objective = sampled(table)
        model, subsets, chosen = somewhere(objective), np.array([1, 2]), np.array([0])
        for array in (model, subsets, chosen):
            array.flags.writeable = False

        first, again = (
            objective.sampled_gradients(model, subsets, [chosen, chosen]).tobytes()
            for _ in range(2)
        )

        assert first == again

    def test_have_the_gradients_of_flipped_labels_too(self, table: dict[str, Any]) -> None:
        objective = sampled(table)
        assert isinstance(objective, FlipsLabels)
        flipped = cast("_Sampled", objective.with_flipped_labels())
        model, everything = somewhere(objective), [np.arange(size) for size in objective.sizes]

        estimates = flipped.sampled_gradients(model, np.arange(N), everything)

        gradients = flipped.gradients(model, np.arange(N))
        assert estimates == pytest.approx(gradients, abs=1e-11)
        assert differ_much(gradients, objective.gradients(model, np.arange(N)))


@pytest.mark.parametrize(("table", "unit"), SAMPLES)
def test_has_the_gradients_of_its_loss(table: dict[str, Any], unit: float) -> None:
    objective = objective_of(table)
    model = somewhere(objective)
    gradient = unit * objective.gradients(model, np.arange(N)).sum(axis=0)

    for seed in range(5):
        direction = fresh_rng(seed).normal(0, 1, objective.dimension)
        step = 1e-5 * direction
        slope = (objective.loss(model + step) - objective.loss(model - step)) / 2e-5
        assert slope == pytest.approx(gradient @ direction, rel=1e-5)


class _Sampled(Objective, Samples, Protocol):
    """An objective that has samples."""


def sampled(table: dict[str, Any]) -> _Sampled:
    return cast("_Sampled", objective_of(table))


def differ_much(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    return bool(np.abs(first - second).max() > 1e-3)


def differ(first: Data, second: Data) -> bool:
    return any(
        array.tobytes() != second.train[name].tobytes() for name, array in first.train.items()
    )
