import numpy as np
import pytest
from attack_samples import view_of
from samples import fresh_rng

from comlad.attacks import FallOfEmpires, InnerProductManipulation
from comlad.errors import ConfigError

ROWS = [[1, 10], [2, 10], [6, 10]]


def test_ipm_is_a_little_against_the_mean() -> None:
    assert InnerProductManipulation()(view_of(ROWS)) == pytest.approx([-0.3, -1])
    assert InnerProductManipulation(2)(view_of(ROWS)).tolist() == [-6, -20]


def test_foe_overshoots_the_mean_backwards() -> None:
    assert FallOfEmpires()(view_of(ROWS)) == pytest.approx([-0.3, -1])
    assert FallOfEmpires(3)(view_of(ROWS)).tolist() == [-6, -20]


@pytest.mark.parametrize(("epsilon", "turned"), [(2.0, False), (2.5, True)])
def test_ipm_turns_a_mean_around_from_the_ratio_of_honest_ones_to_liars_on(
    epsilon: float, turned: bool
) -> None:
    """Xie et al.: with 20 liars of 65, that is ε > 45/20."""
    rows = fresh_rng().normal(3, 1, (65, 4))
    lie = InnerProductManipulation(epsilon)(view_of(rows))

    # Honest vectors whose mean is that of the pool.
    aggregate = (45 * rows.mean(axis=0) + 20 * lie) / 65

    assert (aggregate @ rows.mean(axis=0) < 0) == turned


@pytest.mark.parametrize("attack", [InnerProductManipulation, FallOfEmpires])
def test_refuses_a_factor_that_is_no_number(attack: type) -> None:
    with pytest.raises(ConfigError, match=r"= nan: must be a finite number$"):
        attack(np.nan)
