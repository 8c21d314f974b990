import numpy as np
import pytest
from attack_samples import view_of
from samples import fresh_rng

from comlad.attacks import Gaussian
from comlad.errors import ConfigError

OWN = np.full(20_000, 3.0)


@pytest.mark.parametrize(
    ("attack", "mean", "deviation"),
    [
        (Gaussian(2.0, relative=False), 0, 2),
        (Gaussian(2.0, "own", relative=False), 3, 2),
        (Gaussian(2.0), 0, 6),
        (Gaussian(2.0, "own"), 3, 6),
        (Gaussian(0.0, "own"), 3, 0),
    ],
)
def test_has_the_mean_and_deviation_it_was_told(
    attack: Gaussian, mean: float, deviation: float
) -> None:
    vector = attack(view_of([OWN, OWN]))

    # Six standard errors of 20 000 draws.
    assert vector.mean() == pytest.approx(mean, abs=6 * deviation / 20_000**0.5)
    assert vector.std() == pytest.approx(deviation, rel=6 / 40_000**0.5)


def test_is_what_the_views_generator_draws() -> None:
    noise = Gaussian(2.0, relative=False)(view_of([OWN, OWN], seed=8))

    assert noise.tolist() == (2 * fresh_rng(8).standard_normal(20_000)).tolist()


@pytest.mark.parametrize("deviation", [-1.0, np.inf, np.nan])
def test_refuses_a_deviation_that_is_none(deviation: float) -> None:
    with pytest.raises(ConfigError, match=r"^deviation = .*: must be a finite number from 0 up$"):
        Gaussian(deviation)
