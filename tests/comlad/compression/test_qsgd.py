import numpy as np
import pytest
from samples import dense, draws, fresh_rng

from comlad.compression import Dense, Qsgd, QsgdValues
from comlad.errors import ConfigError


def values(payload: Dense) -> QsgdValues:
    assert isinstance(payload.values, QsgdValues)
    return payload.values


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 255, 65_535])
def test_agrees_with_a_loop(levels: int) -> None:
    vector, rng = fresh_rng().standard_cauchy(200), fresh_rng(9)

    block = values(Qsgd(levels).compress(vector, draws(9)))

    norm = sum(value**2 for value in vector) ** 0.5
    assert block.norm == pytest.approx(norm)
    for value, found in zip(vector, block.multiples, strict=True):
        exact = levels * abs(value) / norm
        expected = int(exact) + (rng.random() < exact % 1)
        assert found == (expected if value > 0 else -expected)


@pytest.mark.parametrize("levels", [1, 4])
def test_sends_a_single_coordinate_as_it_is(levels: int) -> None:
    vector = np.array([0.0, 0.0, -7.0, 0.0])

    assert dense(Qsgd(levels).compress(vector, draws())).tolist() == vector.tolist()


def test_has_a_norm_where_squares_overflow() -> None:
    block = values(Qsgd(4).compress(np.array([3e200, -4e200]), draws()))

    assert block.norm == pytest.approx(5e200)
    assert np.isfinite(block.floats()).all()


def test_has_a_norm_where_squares_vanish() -> None:
    block = values(Qsgd(4).compress(np.array([3e-200, -4e-200]), draws()))

    assert block.norm == pytest.approx(5e-200)


@pytest.mark.parametrize(
    ("vector", "norm"), [([1.7e308] * 2, np.inf), ([np.inf, 1.0], np.inf), ([np.nan, 1.0], np.nan)]
)
def test_has_none_that_is_a_number_where_there_is_none(vector: list[float], norm: float) -> None:
    block = values(Qsgd(4).compress(np.array(vector), draws()))

    with np.errstate(invalid="ignore"):
        assert not np.isfinite(block.floats()).any()
    assert block.norm == pytest.approx(norm, nan_ok=True)


@pytest.mark.parametrize("levels", [0, -1, 65_536])
def test_refuses_levels_that_cannot_be(levels: int) -> None:
    with pytest.raises(ConfigError, match=r"^levels = .*: must be from 1 to 65535$"):
        Qsgd(levels)


@pytest.mark.parametrize(
    ("levels", "bits"), [(1, 2), (2, 3), (3, 3), (4, 4), (7, 4), (8, 5), (255, 9), (65_535, 17)]
)
def test_takes_one_bit_and_as_many_as_hold_the_levels(levels: int, bits: int) -> None:
    assert Qsgd(levels).bits(100) == 64 + 100 * bits
