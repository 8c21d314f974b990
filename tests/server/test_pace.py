"""How often a stream may be refused."""

import pytest

from comlad.errors import MessageError, Status
from comlad_server._pace import Pace


def test_bears_with_one_refusal_of_each_device_for_each_round_for_ever() -> None:
    pace = Pace(devices=3)

    for _ in range(1000):
        pace.told()
        for _ in range(3):
            pace.heard(refused=1)


def test_bears_with_a_few_more() -> None:
    pace = Pace(devices=1)
    pace.told()

    pace.heard(refused=9)
    with pytest.raises(MessageError, match="more often than it was asked") as error:
        pace.heard(refused=1)

    assert error.value.status == Status.RESOURCE_EXHAUSTED


def test_ends_a_flood_of_two_refusals_for_each_round() -> None:
    pace = Pace(devices=1)
    for _ in range(8):
        pace.told()
        pace.heard(refused=2)

    pace.told()
    with pytest.raises(MessageError):
        pace.heard(refused=2)


def test_bears_with_a_device_that_answers_all_rounds_that_it_missed() -> None:
    pace = Pace(devices=1)
    for _ in range(500):
        pace.told()

    for _ in range(500):
        pace.heard(refused=1)
    assert pace.owed == 0


def test_takes_an_answer_to_the_open_round_for_all_before_it() -> None:
    pace = Pace(devices=1)
    for _ in range(500):
        pace.told()

    pace.heard(refused=0)
    with pytest.raises(MessageError):
        pace.heard(refused=9)


def test_bears_with_no_more_than_a_connection_holds() -> None:
    pace = Pace(devices=2)
    for _ in range(10**4):
        pace.told()

    assert pace.owed == 2000
