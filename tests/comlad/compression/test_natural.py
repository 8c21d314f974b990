from math import floor, inf, log2, nan
from typing import Literal

import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import Natural

FloatType = Literal["float32", "float64"]


def test_agrees_with_a_loop() -> None:
    vector, rng = fresh_rng().standard_cauchy(200), fresh_rng(9)

    sent = dense(Natural().compress(vector, draws(9)))

    for value, found in zip(vector, sent, strict=True):
        power = 2.0 ** floor(log2(abs(value)))
        up = rng.random() < abs(value) / power - 1
        assert found == np.sign(value) * power * (2 if up else 1)


@pytest.mark.parametrize("values", ["float32", "float64"])
def test_is_exact_for_powers_of_two_and_zero(values: FloatType) -> None:
    vector = np.array([1.0, -2.0, 0.5, 0.0, -(2.0**-126), 2.0**127, 2.0**-126])

    assert dense(Natural(values).compress(vector, draws())).tolist() == vector.tolist()


@pytest.mark.parametrize(("values", "least"), [("float32", 2.0**-126), ("float64", 2.0**-1022)])
def test_rounds_what_is_too_small_so_that_it_is_right_in_the_mean(
    values: FloatType, least: float
) -> None:
    vector, source = np.array([least / 4, -least * 3 / 4]), draws()

    sent = np.array([dense(Natural(values).compress(vector, source)) for _ in range(4000)]) / least

    assert set(sent[:, 0]) == {0.0, 1.0}
    assert set(sent[:, 1]) == {0.0, -1.0}
    assert abs(sent.mean(axis=0) - [0.25, -0.75]).max() <= 4.5 * np.sqrt(3 / 16 / 4000)


@pytest.mark.parametrize(
    ("values", "large"), [("float32", 2.0**127 * 1.01), ("float64", 2.0**1023 * 1.01)]
)
def test_makes_infinity_of_what_is_too_large(values: FloatType, large: float) -> None:
    sent = dense(Natural(values).compress(np.array([large, -large, 1.0]), draws()))

    assert sent.tolist() == [inf, -inf, 1.0]


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_makes_no_number_of_what_is_none(bad: float) -> None:
    sent = dense(Natural().compress(np.array([bad, 1.0]), draws()))

    assert not np.isfinite(sent[0])
    assert sent[1] == 1.0


def test_never_sends_a_zero_with_a_sign() -> None:
    vector = np.array([-0.0, -5e-324, -1e-300, -1e-40])

    for seed in range(20):
        sent = dense(Natural().compress(vector, draws(seed)))
        assert not np.signbit(sent[sent == 0]).any()
