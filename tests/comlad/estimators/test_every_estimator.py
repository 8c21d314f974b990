"""What every gradient estimator promises."""

from typing import Any

import numpy as np
import pytest
from samples import fresh_rng, name_of

from comlad.estimators import ESTIMATORS, Memory, Plain

ESTIMATORS_TO_TRY: list[dict[str, Any]] = [
    {"kind": "plain"},
]


def test_has_a_sample_of_every_kind() -> None:
    assert {table["kind"] for table in ESTIMATORS_TO_TRY} == set(ESTIMATORS.own)


@pytest.mark.parametrize("table", ESTIMATORS_TO_TRY, ids=name_of)
class TestEveryEstimator:
    def test_starts_from_an_empty_memory(self, table: dict[str, Any]) -> None:
        estimator = ESTIMATORS.read(table)

        sent, _ = estimator.send(np.ones(4), {})
        received, _ = estimator.receive(sent, {})

        assert sent.shape == received.shape == (4,)

    def test_leaves_its_input_alone(self, table: dict[str, Any]) -> None:
        estimator = ESTIMATORS.read(table)
        memory: Memory = {}
        vector = fresh_rng().normal(0, 1, 4)
        vector.flags.writeable = False

        estimator.send(vector, memory)
        estimator.receive(vector, memory)

        assert vector.tobytes() == fresh_rng().normal(0, 1, 4).tobytes()
        assert memory == {}

    def test_repeats_itself(self, table: dict[str, Any]) -> None:
        runs = [self.conversation(table), self.conversation(table)]

        assert runs[0] == runs[1]

    def test_is_read_as_it_was_written(self, table: dict[str, Any]) -> None:
        estimator = ESTIMATORS.read(table)

        assert ESTIMATORS.read(ESTIMATORS.write(estimator)) == estimator

    def conversation(self, table: dict[str, Any]) -> list[bytes]:
        """What the server makes of five rounds."""
        estimator, received = ESTIMATORS.read(table), []
        device: Memory = {}
        server: Memory = {}
        for round in range(5):
            sent, device = estimator.send(fresh_rng(round).normal(0, 1, 4), device)
            vector, server = estimator.receive(sent, server)
            received.append(vector.tobytes())
        return received


def test_plain_sends_and_receives_the_vector_itself() -> None:
    vector = fresh_rng().normal(0, 1, 4)

    assert Plain().send(vector, {})[0].tobytes() == vector.tobytes()
    assert Plain().receive(vector, {})[0].tobytes() == vector.tobytes()
