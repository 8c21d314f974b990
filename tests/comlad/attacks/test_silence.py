import pytest
from attack_samples import regression_view

from comlad.attacks import Crash
from comlad.errors import ConfigError


def test_is_honest_until_it_crashes_and_silent_ever_after() -> None:
    before = regression_view(round=4)

    message = Crash(since=5)(before)

    assert message is not None
    assert message.tobytes() == before.honest.tobytes()
    assert [Crash(since=5)(regression_view(round=round)) for round in (5, 6, 100)] == [None] * 3


def test_is_dead_from_the_beginning_unless_told() -> None:
    assert Crash()(regression_view(round=0)) is None


def test_refuses_a_round_before_the_first() -> None:
    with pytest.raises(ConfigError, match=r"^since = -1: must be a round, from 0 up$"):
        Crash(-1)
