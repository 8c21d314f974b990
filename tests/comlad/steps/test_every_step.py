"""What every step promises."""

from typing import Any

import numpy as np
import pytest
from samples import name_of

from comlad.steps import STEPS

STEPS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "sgd", "learning_rate": 0.1},
    {"kind": "sgd", "learning_rate": 3e-7, "decay": 0.01},
]


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in STEPS_TO_TRY} == set(STEPS.own)


@pytest.mark.parametrize("table", STEPS_TO_TRY, ids=name_of)
class TestEveryStep:
    def test_goes_downhill(self, table: dict[str, Any]) -> None:
        model = STEPS.read(table)(np.array([5.0, 5.0]), np.array([1.0, -1.0]), 0)

        assert model[0] < 5 < model[1]

    def test_stays_where_nothing_pulls(self, table: dict[str, Any]) -> None:
        model = np.array([5.0, -5.0])

        assert STEPS.read(table)(model, np.zeros(2), 7).tobytes() == model.tobytes()

    def test_leaves_its_input_alone(self, table: dict[str, Any]) -> None:
        model, aggregate = np.ones(3), np.ones(3)
        for vector in (model, aggregate):
            vector.flags.writeable = False

        moved = STEPS.read(table)(model, aggregate, 1)

        assert moved is not model

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        step = STEPS.read(table)

        assert STEPS.read(STEPS.write(step)) == step
