import logging

import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import Dense, StochasticQuantization, TwoLevelValues
from comlad.errors import ConfigError, MessageError

FIXED = StochasticQuantization((-1.0, 2.0))


def levels(payload: Dense) -> tuple[float, float]:
    assert isinstance(payload.values, TwoLevelValues)
    return payload.values.low, payload.values.high


def test_sends_the_least_and_the_greatest_coordinate() -> None:
    vector = np.array([0.5, -3.0, 2.5, 0.0])

    payload = StochasticQuantization().compress(vector, draws())

    assert levels(payload) == (-3.0, 2.5)
    assert set(dense(payload).tolist()) <= {-3.0, 2.5}


def test_sends_these_two_as_they_are() -> None:
    vector = np.array([-3.0, 2.5])

    for seed in range(50):
        payload = StochasticQuantization().compress(vector, draws(seed))
        assert dense(payload).tolist() == [-3.0, 2.5]


@pytest.mark.parametrize("value", [0.0, 1 / 3, -7.5, 5e-324, 1.7e308])
@pytest.mark.parametrize("dimension", [1, 4])
def test_is_exact_where_all_coordinates_are_the_same(value: float, dimension: int) -> None:
    vector = np.full(dimension, value)

    assert dense(StochasticQuantization().compress(vector, draws())).tolist() == vector.tolist()


@pytest.mark.parametrize("fixed", [False, True])
def test_agrees_with_a_loop(fixed: bool) -> None:
    compressor = FIXED if fixed else StochasticQuantization()
    vector, rng = fresh_rng().normal(0, 2, 200), fresh_rng(9)

    sent = dense(compressor.compress(vector, draws(9)))

    low, high = (-1.0, 2.0) if fixed else (min(vector), max(vector))
    for value, found in zip(vector, sent, strict=True):
        chance = (min(max(value, low), high) - low) / (high - low)
        assert found == (high if rng.random() < chance else low)


@pytest.mark.parametrize(
    "vector",
    [
        [-1.7e308, 1.7e308, 0.0, 1e308],  # high − low is out of the numbers
        [0.0, 5e-324, 5e-324, 0.0],  # and here there is no half
        [-5e-324, 5e-324, 0.0, 0.0],
        [-0.0, 1.0, 0.0, -0.0],
    ],
)
def test_holds_at_the_ends_of_the_numbers(vector: list[float]) -> None:
    given = np.array(vector)

    for seed in range(30):
        sent = dense(StochasticQuantization().compress(given, draws(seed)))
        extreme = (given == given.min()) | (given == given.max())
        assert np.isfinite(sent).all()
        assert (sent[extreme] == given[extreme]).all()


@pytest.mark.parametrize("compressor", [StochasticQuantization(), FIXED])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_makes_a_vector_of_what_is_not_finite_that_is_not_either(
    compressor: StochasticQuantization, bad: float
) -> None:
    payload = compressor.compress(np.array([1.0, bad, -2.0]), draws())

    assert not np.isfinite(dense(payload)).any()


class TestAFixedRange:
    def test_clips_what_lies_outside(self) -> None:
        sent = dense(FIXED.compress(np.array([-50.0, 50.0, -1.0, 2.0]), draws()))

        assert sent.tolist() == [-1.0, 2.0, -1.0, 2.0]

    def test_errs_on_zero(self) -> None:
        """E‖C(0)‖² = −Q a b: no δ bounds that (LAD, Definition 2)."""
        zero, source = np.zeros(6), draws()

        squares = [(dense(FIXED.compress(zero, source)) ** 2).sum() for _ in range(4000)]

        assert abs(np.mean(squares) - 6 * 2) <= 4.5 * np.std(squares) / np.sqrt(4000)
        assert FIXED.delta(6) is None
        assert FIXED.alpha(6) is None

    def test_is_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            StochasticQuantization().check(6)
            assert caplog.messages == []
            FIXED.check(6)

        (message,) = caplog.messages
        assert "[-1.0, 2.0]" in message
        assert "Definition 2" in message

    def test_admits_no_other(self) -> None:
        other = Dense(TwoLevelValues(-1.0, 2000.0, np.zeros(6, bool)))

        StochasticQuantization().admit(other, 6)
        with pytest.raises(MessageError) as caught:
            FIXED.admit(other, 6)

        assert str(caught.value) == (
            "dense two-level, 6 values: must be from -1.0 to 2.0, not from -1.0 to 2000.0"
        )

    @pytest.mark.parametrize(
        "range", [(), (1.0,), (1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0), (0.0, 1.0, 2.0)]
    )
    def test_must_be_one(self, range: tuple[float, ...]) -> None:
        with pytest.raises(ConfigError, match=r'^range = .*: must be "data" or two finite numbers'):
            StochasticQuantization(range)
