import numpy as np
import pytest
from samples import dense

from comlad.compression import Dense, Payload, Sparse

SPARSE = Sparse(5, np.array([0, 3]), np.array([1.5, -2.5], np.float32))


def test_fills_a_whole_row() -> None:
    assert dense(Dense(np.array([1.5, 2], np.float32))).tolist() == [1.5, 2]


def test_fills_a_whole_row_with_few_coordinates() -> None:
    assert dense(SPARSE).tolist() == [1.5, 0, 0, -2.5, 0]


@pytest.mark.parametrize(
    ("payload", "words"),
    [(Dense(np.zeros(3)), "dense float64, 3 values"), (SPARSE, "sparse float32, 2 values")],
)
def test_says_in_a_few_words_what_it_is(payload: Payload, words: str) -> None:
    assert payload.describe() == words
