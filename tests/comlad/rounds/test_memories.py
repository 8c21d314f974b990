"""What devices of one process go on from once a round is closed."""

import numpy as np

from comlad.estimators import Memory
from comlad.rounds import Answered, DeviceMemory, Memories, State, after_close

BEFORE, AFTER, LORE, NEWS = ({"vector": np.full(2, float(i))} for i in range(4))
OLD, NEW = DeviceMemory(BEFORE, LORE), DeviceMemory(AFTER, NEWS)


def state_after(round: int, **answered: int) -> State:
    """Of which devices the last answer that counted was in the round before these."""
    by_device = {
        int(name.removeprefix("device")): Answered(last) for name, last in answered.items()
    }
    return State(round, np.zeros(2), answered=by_device)


def test_is_what_an_answer_that_counted_has_left() -> None:
    found = after_close({3: OLD}, {3: NEW}, state_after(7, device3=7))

    assert found == {3: NEW}


def test_is_what_it_was_where_an_answer_did_not_count() -> None:
    found = after_close({3: OLD}, {3: NEW}, state_after(7, device3=5))

    assert found[3].estimator is BEFORE
    assert found[3].attack is NEWS


def test_is_nothing_before_any_answer_has_counted() -> None:
    found = after_close({}, {3: NEW}, state_after(1))

    assert found[3].estimator == {}


def test_is_nothing_where_no_answer_counts_any_more() -> None:
    found = after_close({3: OLD}, {3: NEW}, state_after(7))

    assert found[3].estimator == {}


def test_has_liars_take_the_answer_to_have_counted() -> None:
    found = after_close({3: OLD}, {3: NEW}, state_after(7, device3=5))

    assert found[3].shadow is AFTER


def test_has_liars_go_on_with_what_they_have_taken_for_true() -> None:
    shadow: Memory = {"vector": np.ones(2)}
    apart: Memories = {3: NEW._replace(shadow=shadow)}

    counted, missed = (
        after_close({3: OLD}, apart, state_after(7, device3=last)) for last in (7, 5)
    )

    assert counted[3].shadow is missed[3].shadow is shadow


def test_has_taught_who_was_missing_nothing() -> None:
    found = after_close({3: OLD}, {3: NEW}, state_after(7, device3=5), missing={3})

    assert found[3].attack is LORE


def test_leaves_the_attack_of_a_device_without_an_estimators_memory_alone() -> None:
    attacker = DeviceMemory({}, NEWS)

    assert after_close({}, {3: attacker}, state_after(7)) == {3: attacker}
