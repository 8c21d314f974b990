from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from samples import small

from comlad.estimators import Memory
from comlad.rounds import (
    DeviceMemory,
    Memories,
    Plan,
    Recollection,
    State,
    device_messages,
    initial_state,
    local_site,
    plan_round,
)

DEVICES = (3, 1)


def plan_of(round: int, answered: tuple[int, ...] | None = None) -> Plan:
    """What the process is told, with which answers have counted."""
    plan = plan_round(small(), State(round, np.zeros(6))).told(DEVICES)
    return replace(plan, answered=answered)


def vector(value: float, size: int = 1) -> Memory:
    return {"vector": np.full(size, value)}


def value_of(memory: Memory | None) -> float | None:
    """What is in such a memory."""
    return float(memory["vector"][0]) if memory else None


class TestWithoutAnEstimatorsMemory:
    def memories(self, value: float, size: int = 1) -> Memories:
        return {3: DeviceMemory({}, vector(value, size))}

    def kept(self, recollection: Recollection, round: int) -> float | None:
        found, lost = recollection.before(plan_of(round), DEVICES)
        assert not lost
        return value_of(found[3].attack) if found else None

    def answered(self, rounds: int) -> Recollection:
        """A device that has answered rounds 0, 1, …, each with a memory of its number."""
        recollection = Recollection()
        for round in range(rounds):
            recollection.before(plan_of(round), DEVICES)
            recollection.keep(round, self.memories(round))
        return recollection

    def test_is_nothing_before_the_first_round(self) -> None:
        assert Recollection().before(plan_of(0), DEVICES) == ({}, ())
        assert self.answered(5).before(plan_of(0), DEVICES) == ({}, ())

    def test_is_what_the_answer_before_has_left(self) -> None:
        assert self.kept(self.answered(5), 5) == 4
        assert self.kept(self.answered(5), 90) == 4  # it missed those between

    def test_goes_back_with_a_server_that_was_killed(self) -> None:
        recollection = self.answered(9)

        assert self.kept(recollection, 4) == 3
        recollection.keep(4, self.memories(40))
        assert self.kept(recollection, 5) == 40

    def test_forgets_what_a_run_that_went_back_has_not_come_to(self) -> None:
        recollection = self.answered(9)
        recollection.before(plan_of(4), DEVICES)

        assert self.kept(recollection, 9) == 3

    def test_does_not_count_an_answer_that_was_not_sent(self) -> None:
        recollection = self.answered(5)

        recollection.before(plan_of(5), DEVICES)

        assert self.kept(recollection, 5) == 4

    def test_takes_no_more_than_its_room(self) -> None:
        recollection = Recollection(most_bytes=3 * 80)
        for round in range(10):
            recollection.keep(round, self.memories(round, size=10))

        assert self.kept(recollection, 10) == 9
        assert self.kept(recollection, 8) == 7
        assert self.kept(recollection, 7) is None

    def test_keeps_the_last_two_rounds_whatever_their_size(self) -> None:
        recollection = Recollection(most_bytes=1)
        for round in range(3):
            recollection.keep(round, self.memories(round))

        assert self.kept(recollection, 3) == 2
        assert self.kept(recollection, 2) == 1
        assert self.kept(recollection, 1) is None

    def test_takes_no_room_where_nothing_is_remembered(self) -> None:
        recollection = Recollection()
        for round in range(100):
            recollection.keep(round, {3: DeviceMemory({}, {})})

        assert not recollection._entries


class TestWithAnEstimatorsMemory:
    """Two devices remember of every answer 10 times its round, and 1 and 2 more."""

    def memories(self, round: int, size: int = 1) -> Memories:
        return {
            device: DeviceMemory(vector(10 * round + slot, size), vector(-round))
            for slot, device in enumerate(DEVICES, 1)
        }

    def answered(self, rounds: int, recollection: Recollection | None = None) -> Recollection:
        """Of a process whose answers all counted."""
        recollection = recollection or Recollection()
        for round in range(rounds):
            recollection.before(plan_of(round, (round, round)), DEVICES)
            recollection.keep(round, self.memories(round))
        return recollection

    def before(
        self, recollection: Recollection, round: int, answered: tuple[int, ...]
    ) -> tuple[list[float | None], tuple[int, ...]]:
        """What the estimators of the two go on from, and whose is lost."""
        memories, lost = recollection.before(plan_of(round, answered), DEVICES)
        found = [memories.get(device, DeviceMemory({}, {})) for device in DEVICES]
        return [value_of(memory.estimator) for memory in found], lost

    def test_is_nothing_before_the_first_round(self) -> None:
        assert self.before(Recollection(), 0, (0, 0)) == ([None, None], ())

    def test_is_what_the_answer_before_has_left_if_that_counted(self) -> None:
        assert self.before(self.answered(5), 5, (5, 5)) == ([41, 42], ())
        assert self.before(self.answered(5), 90, (5, 5)) == ([41, 42], ())

    def test_goes_back_to_the_last_answer_that_counted(self) -> None:
        assert self.before(self.answered(5), 5, (3, 5)) == ([21, 42], ())
        assert self.before(self.answered(5), 5, (5, 1)) == ([41, 2], ())

    def test_goes_back_to_nothing_if_no_answer_counted(self) -> None:
        assert self.before(self.answered(5), 5, (0, 5)) == ([None, 42], ())

    def test_says_of_whom_it_does_not_know_what_counted(self) -> None:
        assert self.before(Recollection(), 7, (3, 0)) == ([None, None], (0,))
        assert self.before(Recollection(), 7, (3, 7)) == ([None, None], (0, 1))
        assert self.before(self.answered(5), 9, (5, 7)) == ([41, None], (1,))

    def test_does_not_know_what_there_was_no_room_for(self) -> None:
        recollection = self.answered(9, Recollection(most_bytes=3 * 32))

        assert self.before(recollection, 9, (7, 6)) == ([61, None], (1,))
        assert self.before(recollection, 9, (0, 9)) == ([None, 82], ())

    def test_keeps_the_last_two_rounds_whatever_their_size(self) -> None:
        recollection = self.answered(9, Recollection(most_bytes=1))

        assert self.before(recollection, 9, (9, 8)) == ([81, 72], ())
        assert self.before(recollection, 9, (7, 8)) == ([None, 72], (0,))

    def test_has_room_for_more_where_arrays_are_shared(self) -> None:
        recollection = Recollection(most_bytes=3 * 80)
        for round in range(9):
            shared = np.full(10, float(round))
            both = {d: DeviceMemory({"vector": shared}, {"vector": shared}) for d in DEVICES}
            recollection.keep(round, both)

        assert self.before(recollection, 9, (7, 7)) == ([6, 6], ())
        assert self.before(recollection, 9, (6, 6)) == ([None, None], (0, 1))

    def test_goes_back_with_a_server_that_was_killed(self) -> None:
        recollection = self.answered(9)

        assert self.before(recollection, 4, (4, 3)) == ([31, 22], ())
        recollection.keep(4, self.memories(40))
        assert self.before(recollection, 5, (5, 5)) == ([401, 402], ())

    def test_does_not_know_what_a_run_that_went_back_has_not_come_to(self) -> None:
        recollection = self.answered(9)
        recollection.before(plan_of(4, (4, 4)), DEVICES)

        assert self.before(recollection, 9, (9, 4)) == ([None, 32], (0,))

    def test_goes_on_with_what_an_attack_has_learned_all_the_same(self) -> None:
        memories, _ = self.answered(5).before(plan_of(5, (3, 0)), DEVICES)

        assert [value_of(memories[device].attack) for device in DEVICES] == [-4, -4]

    def test_leaves_what_it_keeps_as_it_is(self) -> None:
        recollection = self.answered(5)

        assert self.before(recollection, 5, (3, 0)) == ([21, None], ())
        assert self.before(recollection, 5, (5, 5)) == ([41, 42], ())


class TestShadows:
    def before(self, held: DeviceMemory, answered: int) -> DeviceMemory:
        recollection = Recollection()
        recollection.keep(0, {3: DeviceMemory(vector(0), {})})
        recollection.keep(1, {3: held})
        memories, _ = recollection.before(plan_of(2, (answered, 0)), DEVICES)
        return memories[3]

    def test_are_what_the_device_remembers_while_its_answers_count(self) -> None:
        assert self.before(DeviceMemory(vector(1), {}), 2).shadow is None

    @pytest.mark.parametrize("answered", [0, 1])
    def test_go_on_from_an_answer_that_did_not_count(self, answered: int) -> None:
        found = self.before(DeviceMemory(vector(1), {}), answered)

        assert value_of(found.shadow) == 1
        assert value_of(found.estimator) == (0 if answered else None)

    def test_go_on_from_those_before_once_they_are_apart(self) -> None:
        held = DeviceMemory(vector(1), {}, vector(7))

        assert value_of(self.before(held, 1).shadow) == 7
        assert value_of(self.before(held, 2).shadow) == 7

    def test_are_kept_of_devices_elsewhere(self) -> None:
        recollection, elsewhere = Recollection(), DeviceMemory({}, {}, vector(7))
        recollection.keep(0, {3: DeviceMemory(vector(0), {}), 4: elsewhere})

        memories, lost = recollection.before(plan_of(1, (1, 0)), DEVICES)

        assert memories[4] is elsewhere
        assert not lost


@pytest.mark.parametrize(
    "changes",
    [
        {"attack": {"kind": "replay", "delay": 2}},
        {"attack": {"kind": "mimic"}},
        {"estimator": {"kind": "ef21-sgdm"}, "compressor": {"kind": "top-k", "keep": 2}},
        {"estimator": {"kind": "byz-dasha-page", "probability": 0.3}},
    ],
)
def test_gives_the_same_answers_again(changes: dict[str, Any]) -> None:
    prepared = small("rounds=10", **changes)
    site, recollection, state = local_site(prepared), Recollection(), initial_state(prepared)
    sent: dict[int, list[bytes]] = {}
    for round in (0, 1, 2, 3, 4, 2, 3, 4, 5):
        counted = dict.fromkeys(range(5), round) if round else {}
        at_round = replace(state, round=round, model=np.full(6, 0.1 * round), answered=counted)
        plan = plan_round(prepared, at_round)
        memories, lost = recollection.before(plan, site.devices)
        assert not lost
        payloads, new = device_messages(site, plan, memories)
        recollection.keep(round, new)
        vectors = [payload.floats().tobytes() for payload in payloads if payload]
        assert sent.setdefault(round, vectors) == vectors
