import struct

import numpy as np
import pytest
from attack_samples import view_of
from samples import fresh_rng

from comlad.attacks import BitFlip
from comlad.errors import ConfigError


def word(number: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", number))[0])


def test_of_all_signs_is_the_negated_vector() -> None:
    view = view_of([[1.5, -2.0, 0.0, 1e300], [1, 1, 1, 1]])

    vector = BitFlip()(view)

    assert vector.tolist() == [-1.5, 2.0, -0.0, -1e300]


def test_flips_one_bit_in_every_word() -> None:
    own = fresh_rng().normal(0, 1, 200)

    vector = BitFlip("any")(view_of([own, own]))

    flipped = [word(a) ^ word(b) for a, b in zip(own, vector, strict=True)]
    assert all(bits.bit_count() == 1 for bits in flipped)
    assert len({bits.bit_length() for bits in flipped}) > 50


def test_hits_coordinates_at_its_rate() -> None:
    own = np.ones(20_000)

    vector = BitFlip(rate=0.3)(view_of([own, own]))

    assert set(vector.tolist()) == {-1.0, 1.0}
    assert (vector < 0).mean() == pytest.approx(0.3, abs=6 * (0.21 / 20_000) ** 0.5)


def test_may_leave_no_number_behind() -> None:
    own = np.full(1000, 1.5)  # all bits of the exponent set but the highest

    vector = BitFlip("any")(view_of([own, own]))

    assert np.isnan(vector).any()


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1, np.nan])
def test_refuses_a_rate_that_is_no_probability(rate: float) -> None:
    with pytest.raises(ConfigError, match=r"^rate = .*: must be above 0 and at most 1$"):
        BitFlip(rate=rate)
