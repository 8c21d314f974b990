import numpy as np
import pytest

from comlad.errors import ConfigError
from comlad.steps import Sgd


def test_takes_the_step_of_the_paper() -> None:
    model = Sgd(0.5)(np.array([1.0, 2.0]), np.array([4.0, -2.0]), 1000)

    assert model.tolist() == [-1.0, 3.0]


@pytest.mark.parametrize(("round", "length"), [(0, 8.0), (1, 4.0), (3, 2.0)])
def test_takes_shorter_steps_as_rounds_go_by(round: int, length: float) -> None:
    model = Sgd(8.0, decay=1.0)(np.zeros(1), np.ones(1), round)

    assert model.tolist() == [-length]


@pytest.mark.parametrize("rate", [0.0, -0.1, float("nan"), float("inf")])
def test_refuses_a_rate_that_cannot_be(rate: float) -> None:
    with pytest.raises(ConfigError, match=f"^learning_rate = {rate}: must be a positive number$"):
        Sgd(rate)


@pytest.mark.parametrize("decay", [-0.1, float("nan"), float("inf")])
def test_refuses_a_decay_that_cannot_be(decay: float) -> None:
    with pytest.raises(ConfigError, match=f"^decay = {decay}: must be a number from 0 up$"):
        Sgd(0.1, decay)
