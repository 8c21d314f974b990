import numpy as np
import pytest
from samples import dense

from comlad.compression import (
    Dense,
    Float16Values,
    Masked,
    Payload,
    QsgdValues,
    SignValues,
    Sparse,
)

SPARSE = Sparse(5, np.array([0, 3]), np.array([1.5, -2.5], np.float32))
SIGNS = SignValues(2.0, np.array([False, True]))
HALVES = Float16Values(-14, np.array([2.0**14, -(2.0**13)], np.float16))


@pytest.mark.parametrize(
    ("payload", "floats"),
    [
        (Dense(np.array([1.5, 2], np.float32)), [1.5, 2]),
        (Dense(SIGNS), [2, -2]),
        (Dense(HALVES), [1, -0.5]),
        (Sparse(3, np.array([0, 2]), HALVES), [1, 0, -0.5]),
        (SPARSE, [1.5, 0, 0, -2.5, 0]),
        (Sparse(5, np.array([1, 4]), SIGNS), [0, 2, 0, 0, -2]),
        (Masked(5, np.array([1, 4]), np.array([3.0, 4.0])), [0, 3, 0, 0, 4]),
        (Sparse(3, np.array([], np.int64), np.array([])), [0, 0, 0]),
    ],
)
def test_fills_a_whole_row(payload: Payload, floats: list[float]) -> None:
    assert dense(payload).tolist() == floats


@pytest.mark.parametrize(
    "payload", [Dense(np.ones(2, np.float32)), SPARSE, Dense(SIGNS), Dense(HALVES)]
)
def test_gives_its_values_as_float64(payload: Payload) -> None:
    assert payload.floats().dtype == np.float64
    assert len(payload.floats()) == 2


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (Dense(np.zeros(3)), "dense float64, 3 values"),
        (SPARSE, "sparse float32, 2 values"),
        (Sparse(3, np.array([0, 2]), HALVES), "sparse float16, 2 values"),
        (Masked(5, np.arange(2), SIGNS), "masked sign, 2 values"),
        (Dense(QsgdValues(0.0, 7, np.zeros(4, np.int32))), "dense qsgd of 7 levels, 4 values"),
    ],
)
def test_says_in_a_few_words_what_it_is(payload: Payload, words: str) -> None:
    assert payload.describe() == words
