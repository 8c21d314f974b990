from typing import Any

import numpy as np
import pytest
from samples import small

from comlad.rounds import (
    DeviceMemory,
    Memories,
    Recollection,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)


def memories(value: float, size: int = 1) -> Memories:
    return {3: DeviceMemory({}, {"vector": np.full(size, value)})}


def kept(recollection: Recollection, round: int) -> float | None:
    found = recollection.before(round)
    return float(found[3].attack["vector"][0]) if found else None


def answered(rounds: int, recollection: Recollection | None = None) -> Recollection:
    """A device that has answered rounds 0, 1, …, each with a memory of its number."""
    recollection = recollection or Recollection()
    for round in range(rounds):
        recollection.before(round)
        recollection.keep(round, memories(round))
    return recollection


def test_is_nothing_before_the_first_round() -> None:
    assert Recollection().before(0) == {}
    assert answered(5).before(0) == {}


def test_is_what_the_answer_before_has_left() -> None:
    assert kept(answered(5), 5) == 4
    assert kept(answered(5), 90) == 4  # it missed those between


def test_goes_back_with_a_server_that_was_killed() -> None:
    recollection = answered(9)

    assert kept(recollection, 4) == 3
    recollection.keep(4, memories(40))
    assert kept(recollection, 5) == 40


def test_forgets_what_a_run_that_went_back_has_not_come_to() -> None:
    recollection = answered(9)
    recollection.before(4)

    assert kept(recollection, 9) == 3


def test_does_not_count_an_answer_that_was_not_sent() -> None:
    recollection = answered(5)

    recollection.before(5)

    assert kept(recollection, 5) == 4


def test_takes_no_more_than_its_room() -> None:
    recollection = Recollection(most_bytes=3 * 80)
    for round in range(10):
        recollection.keep(round, memories(round, size=10))

    assert kept(recollection, 10) == 9
    assert kept(recollection, 8) == 7
    assert kept(recollection, 7) is None


def test_keeps_the_last_round_whatever_its_size() -> None:
    recollection = Recollection(most_bytes=1)
    for round in range(3):
        recollection.keep(round, memories(round))

    assert kept(recollection, 3) == 2


def test_takes_no_room_where_nothing_is_remembered() -> None:
    recollection = Recollection()
    for round in range(100):
        recollection.keep(round, {3: DeviceMemory({}, {})})

    assert not recollection._entries


@pytest.mark.parametrize("attack", [{"kind": "replay", "delay": 2}, {"kind": "mimic"}])
def test_gives_the_same_answers_again(attack: dict[str, Any]) -> None:
    prepared = small("rounds=10", attack=attack)
    site, recollection, state = local_site(prepared), Recollection(), initial_state(prepared)
    sent: dict[int, list[bytes]] = {}
    for round in (0, 1, 2, 3, 4, 2, 3, 4, 5):
        plan = plan_round(prepared, state.__class__(round, np.full(6, 0.1 * round)))
        payloads, new = device_messages(site, plan, recollection.before(round))
        recollection.keep(round, new)
        vectors = [payload.floats().tobytes() for payload in payloads if payload]
        assert sent.setdefault(round, vectors) == vectors
