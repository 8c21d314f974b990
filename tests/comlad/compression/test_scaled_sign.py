import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import ScaledSign, SignValues


def test_sends_the_mean_magnitude_with_each_sign() -> None:
    sent = dense(ScaledSign().compress(np.array([1.0, -2.0, 6.0]), draws()))

    assert sent.tolist() == [3.0, -3.0, 3.0]


def test_takes_zero_for_positive() -> None:
    sent = dense(ScaledSign().compress(np.array([0.0, -0.0, -4.0, 8.0]), draws()))

    assert sent.tolist() == [3.0, 3.0, -3.0, 3.0]


@pytest.mark.parametrize("zeros", [0, 1, 5])
def test_has_the_error_of_the_formula_zeros_or_not(zeros: int) -> None:
    """‖C(g) − g‖² = ‖g‖² − ‖g‖₁²/Q (Karimireddy et al., ICML 2019, Lemma 8)."""
    vector = fresh_rng().normal(0, 3, 12)
    vector[:zeros] = 0

    error = ((dense(ScaledSign().compress(vector, draws())) - vector) ** 2).sum()

    square = (vector**2).sum()
    assert error == pytest.approx(square - np.abs(vector).sum() ** 2 / 12)
    assert error <= (1 - ScaledSign().alpha(12)) * square


def test_keeps_least_of_a_single_coordinate() -> None:
    vector = np.zeros(12)
    vector[4] = -5

    error = ((dense(ScaledSign().compress(vector, draws())) - vector) ** 2).sum()

    assert error == pytest.approx((1 - ScaledSign().alpha(12)) * 25)


def test_has_a_scale_where_the_sum_overflows() -> None:
    sent = dense(ScaledSign().compress(np.full(5, -1.7e308), draws()))

    assert sent.tolist() == [-1.7e308] * 5


@pytest.mark.parametrize("vector", [[0.0, -0.0, 0.0], [-5e-324, 0.0, 0.0]])
def test_has_no_signs_where_the_scale_vanishes(vector: list[float]) -> None:
    block = ScaledSign().compress(np.array(vector), draws()).values

    assert isinstance(block, SignValues)
    assert block.scale == 0
    assert not block.negative.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_makes_no_numbers_of_what_is_none(bad: float) -> None:
    assert not np.isfinite(dense(ScaledSign().compress(np.array([bad, 1.0]), draws()))).any()
