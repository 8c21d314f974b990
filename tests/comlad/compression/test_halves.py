"""Rounding at random to two bytes: exact but for the draws, and right in the mean."""

from fractions import Fraction
from math import floor, inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from samples import fresh_rng, repeatable

from comlad.compression._halves import to_bfloat16, to_float16

GREATEST = float(np.finfo(np.float64).max)
GREATEST_FLOAT16 = 65_504 * 2.0**1008
GREATEST_BFLOAT16 = 255 * 2.0**120

anything = hnp.arrays(
    np.float64,
    st.integers(1, 8),
    elements=st.floats(-GREATEST_FLOAT16, GREATEST_FLOAT16)
    | st.floats(-1e-300, 1e-300)
    | st.builds(lambda exponent: 2.0**exponent, st.integers(-1074, 1023)),
)
moderate = hnp.arrays(
    np.float64,
    st.integers(1, 8),
    elements=st.floats(-GREATEST_BFLOAT16, GREATEST_BFLOAT16) | st.floats(-1e-36, 1e-36),
)


def power_below(value: float | Fraction) -> int:
    """The e with 2^e ≤ |value| < 2^(e+1)."""
    exact = abs(Fraction(value))
    guess = exact.numerator.bit_length() - exact.denominator.bit_length()
    return guess if Fraction(2) ** guess <= exact else guess - 1


def one_by_one(vector: NDArray[np.float64], significant: int, least: int) -> list[float]:
    """The definition, in fractions."""
    rng, rounded = fresh_rng(9), []
    for value in vector:
        spacing = Fraction(2) ** least
        if value:
            spacing = max(spacing, Fraction(2) ** (power_below(value) + 1 - significant))
        place = Fraction(value) / spacing
        up = rng.random() < place - floor(place)
        rounded.append(float((floor(place) + up) * spacing))
    return rounded


@settings(repeatable, max_examples=80)
@given(anything)
def test_of_float16_is_what_its_definition_says(vector: NDArray[np.float64]) -> None:
    sent = to_float16(vector, fresh_rng(9))

    assert sent.floats().tolist() == one_by_one(vector, 11, sent.exponent - 24)


@settings(repeatable, max_examples=80)
@given(moderate)
def test_of_bfloat16_is_what_its_definition_says(vector: NDArray[np.float64]) -> None:
    assert to_bfloat16(vector, fresh_rng(9)).floats().tolist() == one_by_one(vector, 8, -133)


@settings(repeatable, max_examples=80)
@given(anything)
def test_puts_the_largest_value_at_the_top_of_float16(vector: NDArray[np.float64]) -> None:
    sent = to_float16(vector, fresh_rng())

    greatest = np.abs(sent.halves.astype(np.float64)).max()
    if not vector.any():
        assert (sent.exponent, greatest) == (0, 0)
    elif abs(vector).max() < 2.0**-1036:
        assert sent.exponent == -1050
        assert greatest > 0
    elif abs(vector).max() >= 2.0**1023:
        assert sent.exponent == 1008
        assert greatest >= 2**15
    else:
        assert -1050 <= sent.exponent <= 1008
        assert 2**14 <= greatest <= 2**15


# Between two neighbours.
PLACES = np.array([0.5, -0.25, 0.75, -0.125, 0.01, -0.99])
# The least numbers, whose multiples are all that there is up to a hundred of them.
SMALL = {
    "float16": (to_float16, 2.0**-38),  # beside a largest value of 1
    "bfloat16": (to_bfloat16, 2.0**-133),
}


@pytest.mark.parametrize(("to_half", "least"), SMALL.values(), ids=SMALL)
@pytest.mark.parametrize("above", [0, 1, 3, 100])
def test_is_right_in_the_mean_where_numbers_are_small(
    to_half: Any, least: float, above: int
) -> None:
    multiples = PLACES + above * np.sign(PLACES)
    vector, rng, count = np.append(1.0, multiples * least), fresh_rng(), 3000

    sent = np.array([to_half(vector, rng).floats() for _ in range(count)])[:, 1:] / least

    deviations = np.sqrt(np.abs(PLACES) * (1 - np.abs(PLACES)) / count)
    assert (np.abs(sent.mean(axis=0) - multiples) <= 4.5 * deviations).all()
    for column, multiple in zip(sent.T, multiples, strict=True):
        assert set(column) == {floor(multiple), floor(multiple) + 1}


@pytest.mark.parametrize("exponent", [-1050, -1049, -24, 0, 1, 1007, 1008])
def test_leaves_alone_what_a_float16_holds(exponent: int) -> None:
    bits = fresh_rng().permutation(0x7800).astype(np.uint16)  # all up to 2^15
    halves = np.append(bits, bits[bits > 0] | 0x8000).astype(np.uint16).view(np.float16)
    vector = np.ldexp(halves.astype(np.float64), exponent)

    sent = to_float16(vector, fresh_rng())

    assert sent.exponent == exponent
    assert sent.halves.tobytes() == halves.tobytes()
    assert sent.floats().tobytes() == vector.tobytes()


def test_leaves_alone_what_a_bfloat16_holds() -> None:
    bits = np.arange(0x7F80, dtype=np.uint16)
    bits = np.append(bits, bits[1:] | np.uint16(0x8000))
    vector = (bits.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)

    sent = to_bfloat16(vector, fresh_rng())

    assert sent.bits.tobytes() == bits.tobytes()
    assert sent.floats().tobytes() == vector.tobytes()


@pytest.mark.parametrize("to_half", [to_float16, to_bfloat16])
class TestEither:
    @pytest.mark.parametrize("vector", [[0.0] * 3, [1.0, 2.0, -0.0], [0.1, 1e-300, -0.1]])
    def test_draws_a_number_for_every_value(self, to_half: Any, vector: list[float]) -> None:
        rng, other = fresh_rng(), fresh_rng()

        to_half(np.array(vector), rng)

        other.random(3)
        assert rng.random() == other.random()

    def test_gives_no_sign_to_zero(self, to_half: Any) -> None:
        vector = np.array([-0.0, -1e-300, -1e-50, -5e-324, 1.0])

        for seed in range(10):
            sent = to_half(vector, fresh_rng(seed)).floats()
            assert not np.signbit(sent[sent == 0]).any()

    @pytest.mark.parametrize("bad", [nan, inf, -inf])
    def test_makes_no_number_of_what_is_none(self, to_half: Any, bad: float) -> None:
        with np.errstate(invalid="ignore"):
            sent = to_half(np.array([1.0, bad]), fresh_rng()).floats()

        assert not np.isfinite(sent[1])


def test_of_the_largest_numbers_overflows_only_beyond_the_greatest_float16() -> None:
    vector = np.array([GREATEST_FLOAT16, -GREATEST_FLOAT16, 2.0**1023])

    assert to_float16(vector, fresh_rng()).floats().tolist() == vector.tolist()
    with np.errstate(over="ignore"):
        assert to_float16(np.array([-GREATEST]), fresh_rng()).floats().tolist() == [-inf]


def test_of_bfloat16_overflows_from_two_to_the_128th_on() -> None:
    vector = np.array([GREATEST_BFLOAT16, 2.0**128, -1e300])

    with np.errstate(over="ignore"):
        sent = to_bfloat16(vector, fresh_rng()).floats()

    assert sent.tolist() == [GREATEST_BFLOAT16, inf, -inf]


@pytest.mark.parametrize(
    ("to_half", "spacing", "delta"),
    [(to_float16, 2.0**-10, 2.0**-22), (to_bfloat16, 2.0**-7, 2.0**-16)],
)
def test_errs_at_most_and_nearly_as_its_delta_says(
    to_half: Any, spacing: float, delta: float
) -> None:
    """Half way between a power of two and the next number up or down is the same error."""
    vector = np.full(8, 1 + spacing / 2)

    error = ((to_half(vector, fresh_rng()).floats() - vector) ** 2).sum() / (vector**2).sum()

    assert delta / (1 + spacing) ** 2 <= error <= delta


def test_have_two_bytes_a_value() -> None:
    half, brain = to_float16(np.ones(5), fresh_rng()), to_bfloat16(np.ones(5), fresh_rng())

    assert half.exponent == -14
    assert half.halves.tobytes() == np.full(5, 2**14, np.float16).tobytes()
    assert brain.bits.tobytes() == np.full(5, 0x3F80, np.uint16).tobytes()
