import math
from typing import Literal

import pytest
from attack_samples import view_of

from comlad.attacks import Constant, NonFinite, Zero
from comlad.errors import ConfigError


def test_zero_is_zero() -> None:
    assert Zero()(view_of([[1, 2], [3, 4]])).tolist() == [0, 0]


def test_constant_is_the_same_everywhere() -> None:
    view = view_of([[1, 2], [3, 4]])

    assert Constant()(view).tolist() == [-100, -100]
    assert Constant(7)(view).tolist() == [7, 7]


@pytest.mark.parametrize("value", ["inf", "-inf"])
def test_infinity_is_infinite(value: Literal["inf", "-inf"]) -> None:
    assert NonFinite(value)(view_of([[1, 2], [3, 4]])).tolist() == [float(value)] * 2


def test_nan_is_none_of_the_numbers() -> None:
    assert all(math.isnan(number) for number in NonFinite()(view_of([[1, 2], [3, 4]])))


def test_constant_refuses_what_is_no_number() -> None:
    with pytest.raises(ConfigError, match=r"^value = nan: must be a finite number$"):
        Constant(math.nan)
