"""What every problem promises."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from samples import fresh_rng, name_of

from comlad.errors import ConfigError
from comlad.problems import PROBLEMS, Data, Objective
from comlad.wire import decode_dataset, encode_dataset

# With the unit of the loss: how many times it is F, the sum of the f_k.
N = 6
SAMPLES: list[tuple[dict[str, Any], float]] = [
    ({"kind": "linear-regression", "dimension": 7}, 1),
    ({"kind": "linear-regression", "dimension": 1, "heterogeneity": 0}, 1),
    ({"kind": "quadratic", "dimension": 9, "condition": 50.0}, 1),
    ({"kind": "quadratic", "dimension": 1, "heterogeneity": 0}, 1),
    ({"kind": "softmax-regression"}, 1 / N),
    ({"kind": "softmax-regression", "split": "dirichlet", "alpha": 5.0}, 1 / N),
    ({"kind": "softmax-regression", "split": "iid", "held_out": 0.5, "data_seed": 3}, 1 / N),
]
TABLES = [table for table, _ in SAMPLES]


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


def differ(first: Data, second: Data) -> bool:
    return any(
        array.tobytes() != second.train[name].tobytes() for name, array in first.train.items()
    )
