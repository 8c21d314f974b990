import math

import numpy as np
import pytest
from attack_samples import view_of
from samples import fresh_rng

from comlad.attacks import ALittleIsEnough
from comlad.attacks._alie import hidden_deviations
from comlad.errors import ConfigError


@pytest.mark.parametrize(
    ("n", "f", "z"),
    [
        (100, 20, 0.2858),
        (100, 30, 0.5244),
        (100, 35, 0.6866),
        (20, 8, 0.6745),
        (20, 9, 0.9085),
        (20, 5, 0.2533),
        (16, 3, 0.0966),
        (10, 2, 0.0),
    ],
)
def test_goes_as_far_as_its_supporters(n: int, f: int, z: float) -> None:
    assert hidden_deviations(n, f) == pytest.approx(z, abs=5e-5)


@pytest.mark.parametrize("n", range(3, 40))
def test_has_a_majority_beyond_z(n: int) -> None:
    """Baruch et al.: s honest ones are expected beyond z; with the f liars they are over n/2."""
    for f in range(n // 2 + 1):
        z = hidden_deviations(n, f)
        beyond = (n - f) * math.erfc(z / math.sqrt(2)) / 2
        assert beyond + f == pytest.approx(n // 2 + 1)


def test_is_off_the_mean_by_deviations_of_each_coordinate() -> None:
    rows = [[0, 10], [2, 10], [4, 10]]  # means 2 and 10, deviations 2 and 0

    assert ALittleIsEnough(z=1.5)(view_of(rows)).tolist() == [-1, 10]
    assert ALittleIsEnough(z=1.5, direction="plus")(view_of(rows)).tolist() == [5, 10]


def test_takes_z_from_how_many_lie() -> None:
    rows = fresh_rng().normal(0, 1, (20, 6))

    vector = ALittleIsEnough(f=8)(view_of(rows))

    expected = np.mean(rows, axis=0) - 0.6744897501960817 * np.std(rows, axis=0, ddof=1)
    assert vector == pytest.approx(expected, rel=1e-12)


def test_must_know_how_many_lie() -> None:
    with pytest.raises(ConfigError, match=r"^f = None: must be how many lie, or else z given$"):
        ALittleIsEnough()


@pytest.mark.parametrize(("n", "f"), [(2, 0), (2, 1), (10, 6), (11, 6)])
def test_refuses_liars_that_need_no_help(n: int, f: int) -> None:
    with pytest.raises(ConfigError, match=rf"^f = {f}: must be at most half of {n} devices"):
        ALittleIsEnough(f=f)(view_of(np.ones((n, 2))))


@pytest.mark.parametrize("wrong", [{"f": -1}, {"z": math.nan}, {"z": 1.0, "f": -1}])
def test_refuses_numbers_that_are_none(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ALittleIsEnough(**wrong)  # type: ignore[arg-type]
